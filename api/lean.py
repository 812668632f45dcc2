"""Routes that are asked all the time: FastAPI documents them; what they take is read here, at a fraction of the cost.

A request with anything unusual in it (a parameter that is there twice, or that cannot be accepted) goes FastAPI's own
way, which words the problem.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import Request, params
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from api.auth import caller, recognized, token_of
from api.desk import Desk, the_desk

Pairs = Iterable[tuple[str, str]]


class Parameters:
    """The query parameters, or the headers, that a route knows."""

    def __init__(self, named: dict[str, tuple[str, Any]]) -> None:
        self._named = {alias: (name, TypeAdapter(kind).validate_python) for alias, (name, kind) in named.items()}

    def into(self, values: dict[str, Any], pairs: Pairs) -> bool:
        """Add those that are there to the values; False when one is there twice or cannot be accepted."""
        for alias, text in pairs:
            if (known := self._named.get(alias)) is None:
                continue
            name, accepted = known
            if name in values:
                return False
            try:
                values[name] = accepted(text)
            except ValidationError:
                return False
        return True


class Lean(APIRoute):
    """A route whose endpoint takes a desk, a person, perhaps a request and a body, strings, query and headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        thorough = super().get_route_handler()
        taken = inspect.signature(self.endpoint, eval_str=True).parameters
        query = Parameters(_of_kind(params.Query, taken))
        headers = Parameters(_of_kind(params.Header, taken))
        read_body = _body(taken)
        with_request, awaits = "request" in taken, inspect.iscoroutinefunction(self.endpoint)

        async def handle(request: Request) -> Response:
            scope, desk = request.scope, request.app.state.desk
            values: dict[str, Any] = {"desk": desk, **scope["path_params"]}
            if not (
                _queried(query, values, scope["query_string"]) and headers.into(values, _decoded(scope["headers"]))
            ):
                return await thorough(request)
            values["person"] = recognized(request, desk, token_of(request))
            if read_body:
                values["body"] = await read_body(request)
            if with_request:
                values["request"] = request
            return await _called(desk, partial(self.endpoint, **values), awaits=awaits)

        return handle


async def _called(desk: Desk, endpoint: Callable[[], Any], *, awaits: bool) -> Response:
    found: Response = await (endpoint() if awaits else desk.write(endpoint))
    return found


def _queried(query: Parameters, values: dict[str, Any], sent: bytes) -> bool:
    return not sent or query.into(values, parse_qsl(sent.decode("latin-1"), keep_blank_values=True))


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Pairs:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _of_kind(kind: type[params.Param], taken: Any) -> dict[str, tuple[str, Any]]:
    """Name and type of each parameter of a kind, by the name that it is sent under."""
    found: dict[str, tuple[str, Any]] = {}
    for name, parameter in taken.items():
        for field in _marks(parameter.annotation):
            if isinstance(field, kind):
                plain = name.replace("_", "-") if kind is params.Header else name
                found[(field.alias or plain).lower()] = (name, parameter.annotation)
    return found


def _body(taken: Any) -> Callable[[Request], Awaitable[Any]] | None:
    """What reads the body; everything else that FastAPI would have to solve must be known here."""
    reader: Callable[[Request], Awaitable[Any]] | None = None
    for name, parameter in taken.items():
        for mark in _marks(parameter.annotation):
            if isinstance(mark, params.Depends) and mark.dependency not in (caller, the_desk):
                if name != "body" or mark.dependency is None:
                    raise TypeError(f"a lean route cannot solve {name}")
                reader = mark.dependency
    return reader


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
