"""OpenAPI, complete: every route lists every code that it may answer, with examples."""

from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import examples
from api.schemas.requests import Resume, Rollback, Settle, Start

REF = "#/components/schemas/{model}"
BODIES: list[type[BaseModel]] = [Start, Resume, Rollback, Settle]
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `errors` names the parts of a request that cannot be accepted; some types add facts.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
MEANING = {
    400: "Malformed: not UTF-8, not JSON, no body.",
    401: "No token, or one that is not known here.",
    403: "This person may not.",
    404: "There is no such thing, or it belongs to somebody else.",
    409: "Not in a state that allows this.",
    413: "The body is too large.",
    415: "Not JSON.",
    422: "A field cannot be accepted; `errors` names it.",
    429: "Too much at once; Retry-After says when to come back.",
    503: "Something that Guardian needs is gone, or too much waits; Retry-After says when to come back.",
}
POST = (400, 401, 403, 413, 415, 422, 503)


def answers(code: int, example: Any, *problems: int, **headers: str) -> dict[int | str, dict[str, Any]]:
    """A route's documented answers: the good one by example, the problems by code."""
    good: dict[str, Any] = {"content": {"application/json": {"example": example}}}
    if headers:
        good["headers"] = {
            name.replace("_", "-"): {"schema": {"type": "string"}, "description": text}
            for name, text in headers.items()
        }
    return {code: good, **{p: problem(p) for p in problems}}


def problem(code: int) -> dict[str, Any]:
    """A documented problem."""
    found: dict[str, Any] = {
        "description": MEANING[code],
        "content": {
            "application/problem+json": {
                "schema": {"$ref": REF.format(model="Problem")},
                "example": examples.PROBLEMS[code],
            }
        },
    }
    header: Literal["WWW-Authenticate", "Retry-After"] | None = None
    if code == 401:
        header = "WWW-Authenticate"
    elif code in (429, 503):
        header = "Retry-After"
    if header:
        found["headers"] = {header: {"schema": {"type": "string"}}}
    return found


def streams(found: dict[int | str, dict[str, Any]], streamed: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The same answers, the good one also as a stream."""
    found[200]["content"] |= streamed
    return found


def sends(model: type[BaseModel], samples: dict[str, Any]) -> dict[str, Any]:
    """The request body of a route that reads it by itself (see api.body)."""
    named = {name: {"value": value} for name, value in samples.items()}
    schema = {"$ref": REF.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": named}}}}


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Make the app's OpenAPI whole, once, when it is first asked for."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            _, bodies = models_json_schema([(model, "validation") for model in BODIES], ref_template=REF)
            schemas |= bodies["$defs"]
            schemas["Problem"] = PROBLEM
            for router in routers:
                _restore_nulls(found["paths"], router)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]


def _restore_nulls(paths: dict[str, Any], router: APIRouter) -> None:
    """FastAPI strips every null from what it generates, examples too; these would then be untrue."""
    for route in router.routes:
        if not (isinstance(route, APIRoute) and route.include_in_schema):
            continue
        for method in route.methods or ():
            found = paths[route.path][method.lower()]["responses"]
            for code, given in route.responses.items():
                for media, content in given.get("content", {}).items():
                    found[str(code)]["content"][media]["example"] = content["example"]
