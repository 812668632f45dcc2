"""Routes that are asked all the time: FastAPI documents them; what they take is read here, at a fraction of the cost.

A request with anything unusual in it (a parameter that is there twice, or that cannot be accepted) goes FastAPI's own
way, which words the problem. So does every other method and address.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import Request, params
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from api.auth import caller, recognized, token_of
from api.desk import the_desk

Pairs = Iterable[tuple[str, str]]
Reader = Callable[[Request], Awaitable[Any]]
SHORT = 100  # bytes of a query string that is worth keeping: the same few are sent all day
KEPT = 256


class Parameters:
    """The query parameters, or the headers, that a route knows."""

    def __init__(self, kind: type[params.Param], taken: dict[str, Any]) -> None:
        self._known: dict[str, tuple[str, Callable[[str], Any]]] = {}
        for name, annotation in taken.items():
            for mark in _marks(annotation):
                if isinstance(mark, kind):
                    plain = name.replace("_", "-") if kind is params.Header else name
                    alias = (mark.alias or plain).lower()
                    self._known[alias] = (name, TypeAdapter(annotation).validate_python)
        self._names = frozenset(alias.encode("latin-1") for alias in self._known)
        self.kept = lru_cache(KEPT)(self.asked)

    def asked(self, query: bytes) -> dict[str, Any] | None:
        """The values in a query string; None when one is there twice or cannot be accepted."""
        values: dict[str, Any] = {}
        usual = self.into(values, parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        return values if usual else None

    def sent(self, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any] | None:
        """The same for headers."""
        values: dict[str, Any] = {}
        known = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in headers if n in self._names]
        return values if self.into(values, known) else None

    def into(self, values: dict[str, Any], pairs: Pairs) -> bool:
        """Add those that are there to the values; False when one is there twice or cannot be accepted."""
        for alias, text in pairs:
            if (known := self._known.get(alias)) is None:
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

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        signature = inspect.signature(endpoint, eval_str=True)
        taken = {name: parameter.annotation for name, parameter in signature.parameters.items()}
        self._query, self._headers = Parameters(params.Query, taken), Parameters(params.Header, taken)
        self._read_body = _body(taken)
        self._with_request = "request" in taken
        if not inspect.iscoroutinefunction(endpoint):
            raise TypeError(f"the loop waits for a lean route itself: {path} has to be a coroutine")

    def values(self, scope: Scope) -> dict[str, Any] | None:
        """The parameters in a request, by name; None when they are not what they are as a rule."""
        found = self._headers.sent(scope["headers"])
        if found is None or not (query := scope["query_string"]):
            return found
        asked = self._query.kept(query) if len(query) <= SHORT else self._query.asked(query)
        return None if asked is None else found | asked

    async def answer(self, request: Request, values: dict[str, Any]) -> Response:
        """Answer a request whose parameters are these."""
        values["desk"] = desk = request.app.state.desk
        values["person"] = recognized(request, desk, token_of(request))
        if self._read_body:
            values["body"] = await self._read_body(request)
        if self._with_request:
            values["request"] = request
        found: Response = await self.endpoint(**values)
        return found


class Shortcut:
    """Middleware just around FastAPI's own: answers for the lean routes."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        lean = [(method, route) for route in routes if isinstance(route, Lean) for method in route.methods or ()]
        # A path whose last part is a parameter is found by what comes before it.
        self._routes = {(method, route.path.partition("{")[0]): route for method, route in lean}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = self._found(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"], values = found
        request = Request(scope, receive, send)
        try:
            response = await scope["route"].answer(request, values)
        except errors.KNOWN as error:
            response = errors.answered(request, error)
        await response(scope, receive, send)

    def _found(self, scope: Scope) -> tuple[Lean, dict[str, Any]] | None:
        method, path = scope["method"], scope["path"]
        route, last = self._routes.get((method, path)), ""
        if route is None:
            before, slash, last = path.rpartition("/")
            route = self._routes.get((method, before + slash))
        if route is None or bool(last) != ("{" in route.path):
            return None
        values = route.values(scope)
        if values is not None and last:
            values[route.path.partition("{")[2][:-1]] = last
        return None if values is None else (route, values)


def _body(taken: dict[str, Any]) -> Reader | None:
    """What reads the body; everything else that FastAPI would have to solve must be known here."""
    reader: Reader | None = None
    for name, annotation in taken.items():
        for mark in _marks(annotation):
            if isinstance(mark, params.Depends) and mark.dependency not in (caller, the_desk):
                if name != "body" or mark.dependency is None:
                    raise TypeError(f"a lean route cannot solve {name}")
                reader = mark.dependency
    return reader


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
