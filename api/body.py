"""Request bodies: bounded, UTF-8, JSON that Postgres can hold, and only the fields that are known."""

import json
import math
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.errors import BadField, Problem, bad_fields

MAX_BODY = 256 * 1024
MAX_DEPTH = 32
MAX_INT = 2**63 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
LONG = re.compile(rb"[0-9]{16}")
DRAIN = 16 * MAX_BODY  # what is read and dropped so that the sender gets to see the answer
M = TypeVar("M", bound=BaseModel)


def reads(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the request's body as that model."""

    async def read(request: Request) -> M:
        found = parse(await _bytes(request), request.headers.get("content-type"))
        try:
            return model.model_validate(found, strict=True)
        except ValidationError as error:
            raise bad_fields((e["loc"], _worded(e["type"], e["msg"])) for e in error.errors()) from None

    return read


def parse(raw: bytes, content_type: str | None) -> Any:
    """The JSON in a body; Problem for what is no JSON, BadField for what cannot be kept."""
    if not raw.strip():
        raise Problem(400, "malformed", "The body is empty; this takes a JSON object.")
    _check_type(content_type)
    if _plain(raw):
        with suppress(ValueError):  # what is wrong with it is said below
            return orjson.loads(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, "malformed", f"The body is not UTF-8 (byte {error.start}).") from None
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise Problem(400, "malformed", f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise Problem(400, "malformed", f"The body is not JSON: {said}.") from None
    for path, complaint in _complaints(found):
        raise BadField(path or "body", complaint)
    return found


def _plain(raw: bytes) -> bool:
    """Whether nothing in it can be what Postgres cannot keep: no escaped characters, long numbers or deep nesting."""
    return b"\\u" not in raw and raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH and not LONG.search(raw)


def storable(text: str) -> bool:
    """Whether Postgres can hold this text: no NUL, no half of a surrogate pair."""
    return UNSTORABLE.search(text) is None


async def _bytes(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > DRAIN:
        raise _too_large()
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > DRAIN:
            break
        if size <= MAX_BODY:
            parts.append(part)
    if size > MAX_BODY:
        raise _too_large()
    return b"".join(parts)


def _too_large() -> Problem:
    return Problem(413, "too-large", f"The body is larger than {MAX_BODY} bytes.")


def _check_type(content_type: str | None) -> None:
    if content_type == "application/json":
        return
    media, _, rest = (content_type or "").partition(";")
    charset = re.search(r"charset\s*=\s*\"?([^\";\s]+)", rest, re.IGNORECASE)
    if media.strip().lower() != "application/json":
        raise Problem(415, "unsupported-media-type", "Send JSON with Content-Type: application/json.")
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise Problem(415, "unsupported-media-type", "Send JSON as UTF-8.")


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON number", "", 0)


def _complaints(found: Any) -> Iterator[tuple[str, str]]:
    """What cannot be kept, with its path; walks without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", found, 1)]
    while waiting:
        path, value, depth = waiting.pop()
        if isinstance(value, dict | list) and depth > MAX_DEPTH:
            yield path, f"is nested deeper than {MAX_DEPTH} levels"
        elif isinstance(value, dict):
            for key, inner in value.items():
                name = f"{path}.{_shown(key)}" if path else _shown(key)
                if not storable(key):
                    yield name, "the name holds \\u0000 or half of a surrogate pair"
                waiting.append((name, inner, depth + 1))
        elif isinstance(value, list):
            waiting.extend((f"{path}.{n}", inner, depth + 1) for n, inner in enumerate(value))
        elif complaint := _scalar(value):
            yield path, complaint


def _scalar(value: Any) -> str | None:
    if isinstance(value, str) and not storable(value):
        return "holds \\u0000 or half of a surrogate pair, which no text can"
    if isinstance(value, int) and abs(value) > MAX_INT:
        return "is a number beyond 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return "is a number beyond what JSON readers can hold"
    return None


def _shown(key: str) -> str:
    return UNSTORABLE.sub("\ufffd", key)[:80]


def _worded(kind: str, message: str) -> str:
    return "there is no such field" if kind == "extra_forbidden" else message
