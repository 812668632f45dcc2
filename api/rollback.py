"""POST /rollback: an appeal, or a supervisor's order."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import examples, ids, openapi
from api.auth import Caller
from api.body import reads
from api.desk import TheDesk
from api.idempotency import Key, accept
from api.lean import Lean
from api.schemas.cases import Accepted
from api.schemas.requests import Rollback
from hitl.operations.rollback import rollback, rollback_alone

router = APIRouter(tags=["moderation"], route_class=Lean)


@router.post(
    "/rollback",
    status_code=202,
    response_model=Accepted,
    summary="Appeal, or order a rollback",
    openapi_extra=openapi.sends(Rollback, examples.ROLLBACK),
    responses=openapi.answers(202, examples.ROLLING_BACK, *openapi.POST, 404, 409),
)
async def post_rollback(
    *,
    request: Request,
    desk: TheDesk,
    person: Caller,
    body: Annotated[Rollback, Depends(reads(Rollback))],
    idempotency_key: Key = None,
) -> Response:
    """Who started the case appeals, a supervisor orders: what was done is reversed and people are asked again."""
    case_id = ids.case(body.case_id)
    return await accept(
        desk,
        person,
        request,
        lambda tx: rollback(tx, person, case_id, body.reason),
        body=body,
        key=idempotency_key,
        at_once=lambda tx: rollback_alone(tx, person, case_id, body.reason, desk.hub.recent.seen(case_id)),
    )
