"""The app: `uvicorn api.main:app`, or create_app(runtime) with a runtime of one's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from api import actions, cases, demo, docs, errors, events, farewell, health, openapi, resume, rollback, start, status
from api.desk import Desk
from api.envelope import Envelope
from api.hub import Hub
from api.lean import Shortcut
from api.opening import Opening
from api.origins import Origins
from hitl import memory
from hitl.runtime import Runtime, build, check_exposure
from hitl.settings import Settings
from hitl.telemetry import logs

ABOUT = """People in the loop of machines that act: post a text, decide what happens to it, undo it exactly.

Errors are RFC 9457 problem+json. `version` grows with every visible change of a case and is its ETag.
`Idempotency-Key` works on every POST."""

# FastAPI's own would cost every request a look at the environment, and put messages of exceptions into traces.
QUIET: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
PARTS = (start, resume, rollback, actions, status, cases, events, health, demo, docs)
ROUTERS = [part.router for part in PARTS]


class Front(FastAPI):
    """The app with our layers around FastAPI's own, which the lean routes have no need of."""

    outside: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the server's lifespan."""
        scope["app"] = self
        await self.outside(scope, receive, send)


def create_app(runtime: Runtime | None = None) -> FastAPI:
    """An app on the given runtime, which stays the caller's; without one it builds its own when the server starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk = app.state.desk if runtime else _open(app, build(Settings()))
        _check(desk)
        if runtime is None:  # from here on: a reason not to start must be read whole
            logs.configure(desk.runtime.settings.log_format)
            memory.settle()
        with farewell.waved(desk.hub.close, app.state.leaving, desk.runtime.settings.drain_seconds):
            await desk.open()
            try:
                yield
            finally:
                await desk.close()
                if runtime is None:
                    desk.runtime.close()

    app = Front(
        title="Guardian",
        version="1",
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=QUIET,
    )
    app.state.leaving = Event()
    if runtime:
        _open(app, runtime)
    for router in ROUTERS:  # included routers would each match their routes again, and none of ours has a prefix
        app.router.routes.extend(router.routes)
    errors.install(app)
    openapi.install(app, ROUTERS)
    _wrap(app)
    return app


def _wrap(app: Front) -> None:
    app.outside = Opening(Origins(Envelope(Shortcut(super(Front, app).__call__, app.routes))))


def _open(app: FastAPI, runtime: Runtime) -> Desk:
    desk: Desk = Desk(runtime, Hub(runtime.store))
    app.state.desk = desk
    return desk


def _check(desk: Desk) -> None:
    """Refuse to start where strangers could use the development tokens, or with a token file that cannot be used."""
    check_exposure(desk.runtime.settings)
    desk.runtime.people.everyone()


app = create_app()
