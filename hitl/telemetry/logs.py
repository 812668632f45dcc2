"""Structured logs, one line per record, for our own loggers and everybody else's."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor

Format = Literal["console", "json", "none"]

OURS = ("hitl", "workers", "api")
# Fields that could only hold what people wrote; they are dropped, since logs cannot be erased.
NEVER = frozenset({
    "content", "text", "body", "context", "rationale", "quote", "quotes", "reason", "response", "message",
    "private_note", "before", "params", "payload",
})  # fmt: skip
_STRUCTLOGS = frozenset({"_record", "_from_structlog"})
NOTHING = logging.CRITICAL + 1  # what nobody will see is not put together first
MAX_VALUE = 500
MAX_FRAMES = 12
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def configure(form: Format, stream: TextIO | None = None) -> None:
    """Send every logger of this process to `stream` (stderr) in one form; safe to call again."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_handler(form, stream)]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(NOTHING if form == "none" else logging.INFO)
    _adopt_uvicorn()


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `logs.get(__name__).info("case_started", attempts=1)`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


@contextmanager
def bound(**ids: str | int) -> Iterator[None]:
    """Put case_id, command_id and the like on every record of the block, in this thread and what it awaits."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def _handler(form: Format, stream: TextIO | None) -> logging.Handler:
    if form == "none":
        return logging.NullHandler()
    last: Processor = structlog.processors.JSONRenderer(sort_keys=False)
    if form == "console":
        last = structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    return handler


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _without_messages,
        _without_content,
    ]


def _without_messages(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """An exception becomes its types and places: its message may quote a row or a post."""
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if info is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["error"] = _types(error)
        frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
        event["where"] = [f"{f.filename.rpartition('site-packages/')[2]}:{f.lineno} {f.name}" for f in frames]
    return event


def _types(error: BaseException | None) -> str:
    names: list[str] = []
    while error is not None and len(names) < 5:
        names.append(type(error).__name__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " from ".join(names)


def _without_content(_logger: Any, _method: str, event: EventDict) -> EventDict:
    # The last step removes what structlog keeps for itself.
    return {k: v if k in _STRUCTLOGS else _plain(v) for k, v in event.items() if k not in NEVER}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (str, UUID, datetime, PurePath)):
        # A line break in a value must not look like a record of its own, nor a control character fool a terminal.
        return _CONTROL.sub(lambda m: f"\\u{ord(m[0]):04x}", str(value)[:MAX_VALUE])
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items() if k not in NEVER}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    # Anything else would be shown by its repr, and who knows what that repeats.
    return f"<{type(value).__name__}>"


def _adopt_uvicorn() -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # Each request is counted in the metrics: a line for each would only cost time, and so does putting it together.
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn").setLevel(logging.INFO)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
