"""GET /healthz, /readyz and /metrics: for machines that watch machines."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import answers, examples, metrics, openapi
from api.desk import Desk, TheDesk
from api.errors import Problem
from api.schemas.health import Alive, Ready
from hitl.errors import Unavailable
from hitl.store import workers
from hitl.store.migrate import pending

router = APIRouter(tags=["operating"])


@router.get(
    "/healthz",
    response_model=Alive,
    summary="Whether this process lives",
    responses=openapi.answers(200, {"alive": True}),
)
async def get_health() -> Response:
    """Always 200 while the process answers; it looks at nothing else."""
    return answers.json({"alive": True})


@router.get(
    "/readyz",
    response_model=Ready,
    summary="Whether posts would be taken on and worked off",
    responses={**openapi.answers(200, {"ready": True, "workers": 1, "relays": 1}), 503: openapi.problem(503)},
)
def get_ready(request: Request, desk: TheDesk) -> Response:
    """503 names what is missing: the database, migrations, a worker, a relay, or this very process before it ends."""
    if request.app.state.leaving.is_set():
        raise Problem(503, "not-ready", "This process is about to end.", {"Retry-After": "2"}, missing=["desk"])
    try:
        missing = _migrations(desk)
        with desk.runtime.store.transaction() as tx:
            alive = workers.alive(tx) if not missing else {"workers": 0, "relays": 0}
    except Unavailable:
        raise _unready(["database"]) from None
    if not missing:
        missing = [name.removesuffix("s") for name, count in alive.items() if not count]
    if missing:
        raise _unready(missing)
    return answers.json({"ready": True, **alive})


@router.get(
    "/metrics",
    response_class=Response,
    summary="Numbers for Prometheus",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}}},
    },
)
def get_metrics(desk: TheDesk) -> Response:
    """What waits and since when, decisions, effects by state, the analyzer, HTTP; ids and texts never."""
    return Response(
        desk.gauges.render(desk.metrics), headers={"Cache-Control": "no-store"}, media_type=metrics.MEDIA_TYPE
    )


def _migrations(desk: Desk) -> list[str]:
    if desk.migrated:
        return []
    with desk.runtime.store.transaction():
        lacking = pending(desk.runtime.url)
    desk.migrated = not lacking
    return [f"migration {name}" for name in lacking]


def _unready(missing: list[str]) -> Problem:
    detail = f"Missing: {', '.join(missing)}. `hitl doctor` says how to mend it."
    return Problem(503, "not-ready", detail, {"Retry-After": "2"}, missing=missing)
