"""Answers as bytes, straight from what operations return; and the ETag that a case's version is."""

import re
from typing import Any

import orjson
from starlette.responses import Response

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
STABLE = OPTIONS | orjson.OPT_SORT_KEYS
TAG = re.compile(r'(?:W/)?"([^"]*)"|(\*)')


def json(body: Any, status: int = 200, headers: dict[str, str] | None = None, *, options: int = OPTIONS) -> Response:
    """JSON that no cache keeps; with STABLE it has the same bytes however its keys came to be ordered."""
    return Response(
        orjson.dumps(body, option=options),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def unchanged(version: int) -> Response:
    """304: what the caller has is still what there is."""
    return Response(None, 304, {"ETag": etag(version), "Cache-Control": "no-store"})


def etag(version: int) -> str:
    """A version as an entity tag."""
    return f'"{version}"'


def matches(if_none_match: str, version: int) -> bool:
    """Whether an If-None-Match header names this version."""
    return any(star or tag == str(version) for tag, star in TAG.findall(if_none_match))
