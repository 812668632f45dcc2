"""LangSmith traces, off by default: ids and timings leave this machine, what people wrote does not."""

import os
import re
import threading
from collections.abc import Callable
from typing import Any

import langsmith
import urllib3
from langsmith.run_trees import configure as _configure

from hitl.telemetry import logs

_ERROR_TYPE = re.compile(r"[A-Za-z_][\w.]{0,79}(?=\()")
_state: dict[str, langsmith.Client] = {}


def configure(
    *,
    enabled: bool,
    api_key: str | None,
    endpoint: str | None = None,
    project: str = "guardian",
    content: bool = False,
) -> bool:
    """Decide for this process, before its first graph run, whether runs are traced; returns whether they are.

    Decided either way: with tracing off, LANGSMITH_TRACING in the environment turns on nothing behind our back, since
    LangChain's own client would send whole posts. `content` lets inputs, outputs and reasoning go as they are.
    """
    if enabled and not api_key:
        logs.get(__name__).warning("tracing_off", why="LANGSMITH_TRACING is on, but LANGSMITH_API_KEY is not set")
    shutdown(0.0)
    if not (enabled and api_key):
        _configure(client=None, enabled=False)
        return False
    _state["client"] = _client(api_key, endpoint, content=content)
    _configure(client=_state["client"], enabled=True, project_name=project)
    return True


def run_config(*, case_id: str, command_id: int | str, graph: str, version: str, kind: str) -> dict[str, Any]:
    """What a run of a graph adds to its config, so that a trace can be found by case and command; nothing when off."""
    if "client" not in _state:
        return {}  # LangGraph would carry it through each step, and write it into each checkpoint
    return {
        "run_name": f"{graph}:{kind}",
        "tags": [graph, kind],
        "metadata": {"case_id": case_id, "command_id": str(command_id), "graph": graph, "version": version},
    }


def flush(seconds: float = 2.0) -> None:
    """Give traces at most so long to leave."""
    if client := _state.get("client"):
        # The client's own limit does not bound its last step, which sends.
        _within(seconds, client.flush, seconds)


def shutdown(seconds: float = 2.0) -> None:
    """Flush for at most so long and stop tracing; what has not left by then is dropped."""
    flush(seconds)
    client = _state.pop("client", None)
    if client:
        _configure(client=None, enabled=False)
        _within(seconds, client.close, 0)


def _within(seconds: float, work: Callable[[float], None], limit: float) -> None:
    thread = threading.Thread(target=work, args=(limit,), daemon=True, name="tracing")
    thread.start()
    thread.join(seconds)


def scrub(part: dict[str, Any]) -> dict[str, Any]:
    """Leave only the type of an error: LangGraph records a pause as one, with the whole interrupt in its message."""
    if set(part) != {"error"}:
        return part
    named = _ERROR_TYPE.match(str(part["error"]))
    return {"error": named[0] if named else "Error"}


def _client(api_key: str, endpoint: str | None, *, content: bool) -> langsmith.Client:
    # Its sender threads would otherwise keep a process that wants to end alive for half a minute.
    os.environ.setdefault("LANGSMITH_USE_DAEMON", "true")
    hidden: dict[str, Any] = {"hide_inputs": True, "hide_outputs": True, "anonymizer": scrub}
    return langsmith.Client(
        api_url=endpoint,
        api_key=api_key,
        omit_traced_runtime_info=True,
        timeout_ms=(2_000, 5_000),
        retry_config=urllib3.Retry(total=1, backoff_factor=0.2),
        **({} if content else hidden),
    )
