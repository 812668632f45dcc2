"""POST /start: a post comes in."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import examples, openapi
from api.auth import Caller
from api.body import reads
from api.desk import TheDesk
from api.idempotency import Key, accept
from api.lean import Lean
from api.schemas.cases import Started
from api.schemas.requests import Start
from hitl.operations.start import Arrival, StartRequest

router = APIRouter(tags=["moderation"], route_class=Lean)


@router.post(
    "/start",
    status_code=202,
    response_model=Started,
    summary="Post a text for moderation",
    openapi_extra=openapi.sends(Start, examples.START),
    responses=openapi.answers(202, examples.STARTED, *openapi.POST, 409, Location="The case's status"),
)
async def post_start(
    *,
    request: Request,
    desk: TheDesk,
    person: Caller,
    body: Annotated[Start, Depends(reads(Start))],
    idempotency_key: Key = None,
) -> Response:
    """Takes a post on and answers at once; `status_url` tells how it goes on."""
    post = Arrival(person, StartRequest(**body.__dict__), desk.runtime.backlog)
    taken_on = partial(
        accept,
        desk,
        person,
        request,
        lambda tx: _shown(post.taken(tx)),
        body=body,
        key=idempotency_key,
        locate=lambda found: str(found["status_url"]),
        at_once=lambda tx: _shown(found) if (found := post.opened(tx)) else None,
    )
    if post.stands_aside:
        return await desk.aside.take(taken_on)
    return await taken_on()


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "status_url": f"/status/{found['case_id']}"}
