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
from hitl.domain.commands import FAR
from hitl.operations.start import StartRequest, start
from hitl.store.postgres import Tx

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
    asked = StartRequest(**body.__dict__)

    def work(tx: Tx) -> dict[str, Any]:
        found = start(tx, person, asked, backlog=desk.runtime.backlog)
        return {**found, "status_url": f"/status/{found['case_id']}"}

    def write() -> Response:
        return accept(
            desk, person, request, work, body=body, key=idempotency_key, locate=lambda found: found["status_url"]
        )

    if desk.runtime.backlog.turns.ahead(person.tenant, body.author_id or person.id) < FAR:
        return await desk.write(write)
    return await desk.aside.take(partial(desk.write, write))
