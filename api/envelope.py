"""What goes around every request: safe headers, HEAD as GET without its body, numbers, and no bare 500."""

import time

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import answer, bug

SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
EVENTS = b"text/event-stream; charset=utf-8"


class Envelope:
    """Wraps the routes; CORS stands outside of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send, bare=scope["method"] == "HEAD", held=b"wait=" in scope["query_string"])
        inner = _as_get(scope) if reply.bare else scope
        started = time.perf_counter()
        try:
            await self._app(inner, receive, reply)
        except ClientDisconnect:
            reply.code = reply.code or 499  # nobody is left to be told
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log its place
            problem = bug(error)
            if not reply.code:
                await answer(Request(inner), problem)(inner, receive, reply)
        route = getattr(inner.get("route"), "path", "other")
        took = None if reply.held else time.perf_counter() - started
        scope["app"].state.desk.metrics.observe_http(route, scope["method"], reply.code, took)


class _Reply:
    """Passes an answer on, with the headers that make it safe to show."""

    def __init__(self, send: Send, *, bare: bool, held: bool) -> None:
        self._send = send
        self.bare = bare
        self.held = held
        self.code = 0

    async def __call__(self, message: Message) -> None:
        """Send one part of the answer."""
        if message["type"] == "http.response.start":
            self.code = message["status"]
            headers = message["headers"]
            there = {name for name, _ in headers}
            headers += [pair for pair in SAFE if pair[0] not in there]
            self.held |= (b"content-type", EVENTS) in headers
        elif self.bare and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _as_get(scope: Scope) -> Scope:
    """The same request as a GET; never a stream, which would not end."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept"]
    return {**scope, "method": "GET", "headers": headers}
