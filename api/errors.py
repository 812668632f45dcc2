"""Every error as RFC 9457 problem+json: the only place that knows status codes."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hitl import errors
from hitl.clock import new_id
from hitl.telemetry import logs

log = logs.get(__name__)

# The first kind that an error is an instance of gives its code.
CODES: dict[type[errors.GuardianError], int] = {
    errors.Missing: 404,
    errors.Refused: 403,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Overloaded: 503,
    errors.Unavailable: 503,
}
SLUGS = {400: "malformed", 401: "unauthorized", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
RETRY_SECONDS = 2


class Problem(Exception):
    """An error that only HTTP knows: malformed bodies, missing tokens, wrong media types."""

    def __init__(self, status: int, slug: str, detail: str, headers: dict[str, str] | None = None, **facts: Any):
        super().__init__(detail)
        self.status, self.slug, self.detail = status, slug, detail
        self.headers, self.facts = headers or {}, facts


class BadField(Problem):
    """A part of the request that cannot be accepted, by name."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(422, "invalid", f"{field}: {detail}", errors=[{"field": field, "detail": detail}])


KNOWN = (Problem, errors.GuardianError)


def bad_fields(found: Iterable[tuple[Sequence[Any], str]]) -> Problem:
    """All parts of a request that cannot be accepted; what was sent is not repeated."""
    listed = [{"field": ".".join(map(str, path)) or "body", "detail": _plain(text)} for path, text in found]
    detail = "; ".join(f"{e['field']}: {e['detail']}" for e in listed[:3])
    return Problem(422, "invalid", detail, errors=listed[:20])


def answer(request: Request, problem: Problem) -> Response:
    """The response for a problem."""
    body = {
        "type": f"/problems/{problem.slug}",
        "title": title(problem.slug),
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.scope.get("raw_path", b"").decode("ascii", "replace"),
        **problem.facts,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    content = orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z)
    return Response(content, problem.status, headers, media_type="application/problem+json")


def title(slug: str) -> str:
    """A slug as people read it."""
    return slug.replace("-", " ").capitalize()


def from_guardian(error: errors.GuardianError) -> Problem:
    """The problem that one of Guardian's own errors is."""
    status = next((code for kind, code in CODES.items() if isinstance(error, kind)), 500)
    headers, facts = {}, dict(error.facts)
    if status == 503:
        headers["Retry-After"] = str(getattr(error, "retry_after", RETRY_SECONDS))
    if status == 422 and "field" in facts:
        facts["errors"] = [{"field": facts.pop("field"), "detail": error.detail}]
    return Problem(status, error.slug, error.detail, headers, **facts)


def bug(error: BaseException) -> Problem:
    """A mistake of ours: an id to look it up by in the log."""
    error_id = new_id()
    log.error("bug", error_id=error_id, exc_info=error)  # the logs keep its type and place, never its message
    return Problem(500, "bug", "This is a mistake of Guardian's own; its log says more.", error_id=error_id)


def answered(request: Request, error: Problem | errors.GuardianError) -> Response:
    """The response for an error that was meant."""
    if isinstance(error, Problem):
        return answer(request, error)
    return answer(request, bug(error) if isinstance(error, errors.Fenced) else from_guardian(error))


def install(app: FastAPI) -> None:
    """Answer every error that a route can raise."""

    async def on_known(request: Request, error: Problem | errors.GuardianError) -> Response:
        return answered(request, error)

    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        return answer(request, bad_fields((e["loc"][1:] or e["loc"], e["msg"]) for e in error.errors()))

    async def on_http(request: Request, error: HTTPException) -> Response:
        slug = SLUGS.get(error.status_code, "error")
        return answer(request, Problem(error.status_code, slug, _said(request, error), dict(error.headers or {})))

    async def on_bug(_: Request, error: Exception) -> Response:
        raise error  # as it came, to our envelope, which stands around FastAPI's own layers: theirs is plain text

    for kind, handler in {
        Exception: on_bug,
        **dict.fromkeys(KNOWN, on_known),
        RequestValidationError: on_validation,
        HTTPException: on_http,
    }.items():
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]


def _said(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return "There is nothing at this address; /docs lists what there is."
    if error.status_code == 405:
        return f"This address does not take {request.method}."
    return error.detail


def _plain(text: str) -> str:
    return text.removeprefix("Value error, ")
