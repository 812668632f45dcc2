"""POST /actions/{action_id}/settle: a person ends what the machine cannot."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import examples, ids, openapi
from api.auth import Caller
from api.body import reads
from api.desk import TheDesk
from api.idempotency import Key, accept
from api.schemas.cases import Settled
from api.schemas.requests import Settle
from hitl.operations.settle import settle_action

router = APIRouter(tags=["moderation"])


@router.post(
    "/actions/{action_id}/settle",
    status_code=202,
    response_model=Settled,
    summary="Settle an action of unknown outcome, in conflict, or incompletely reversed",
    openapi_extra=openapi.sends(Settle, examples.SETTLE),
    responses=openapi.answers(202, examples.SETTLED, *openapi.POST, 404, 409),
)
async def post_settle(
    *,
    request: Request,
    desk: TheDesk,
    person: Caller,
    action_id: ids.ActionId,
    body: Annotated[Settle, Depends(reads(Settle))],
    idempotency_key: Key = None,
) -> Response:
    """A supervisor says what became of it, or what to do about it; the case carries on from there."""
    known = ids.action(action_id)
    return await accept(
        desk,
        person,
        request,
        lambda tx: settle_action(tx, person, known, body.outcome, body.reason),
        body=body,
        key=idempotency_key,
    )
