"""CORS: for the configured origins, and for a page from disk (`null`) while development tokens work."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

ASKED = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID"]
SHOWN = ["ETag", "Location", "Retry-After", "Idempotent-Replayed"]


class Origins:
    """Learns the origins with the first request: the settings are read when the server starts, not on import."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._cors: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not any(name == b"origin" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        if self._cors is None:
            self._cors = self._made(scope)
        await self._cors(scope, receive, send)

    def _made(self, scope: Scope) -> ASGIApp:
        runtime = scope["app"].state.desk.runtime
        origins = [*runtime.settings.origins, *(["null"] if runtime.people.dev else [])]
        if not origins:
            return self._app
        return CORSMiddleware(
            self._app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=ASKED,
            expose_headers=SHOWN,
            max_age=600,
        )
