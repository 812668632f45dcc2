"""POST /resume: a moderator decides."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import examples, ids, openapi
from api.auth import Caller
from api.body import reads
from api.desk import TheDesk
from api.errors import BadField
from api.idempotency import Key, accept
from api.lean import Lean
from api.schemas.cases import Decided
from api.schemas.requests import Action, Resume
from hitl.domain.actions import KINDS
from hitl.operations.decide import DecideRequest, decide, decide_alone

router = APIRouter(tags=["moderation"], route_class=Lean)


@router.post(
    "/resume",
    status_code=202,
    response_model=Decided,
    summary="Decide a review",
    openapi_extra=openapi.sends(Resume, examples.RESUME),
    responses=openapi.answers(202, examples.DECIDED, *openapi.POST, 404, 409),
)
async def post_resume(
    *,
    request: Request,
    desk: TheDesk,
    person: Caller,
    body: Annotated[Resume, Depends(reads(Resume))],
    idempotency_key: Key = None,
) -> Response:
    """Decides here and now; workers only carry it out. Level 1 is for moderators, level 2 for supervisors."""
    asked = DecideRequest(
        case_id=ids.case(body.case_id),
        review_id=ids.review(body.review_id),
        decision=body.decision,
        actions=None if body.actions is None else [_action(a) for a in body.actions],
        response=body.response,
        reason=body.reason,
        policies=body.policies,
        private_note=body.private_note,
    )
    return await accept(
        desk,
        person,
        request,
        lambda tx: decide(tx, person, asked),
        body=body,
        key=idempotency_key,
        at_once=lambda tx: decide_alone(tx, person, asked, desk.hub.recent.seen(asked.case_id)),
    )


def _action(action: Action) -> dict[str, Any]:
    known = KINDS.get(action.kind)
    if action.on is not None and known is not None and known.on != action.on:
        raise BadField("actions", f"{action.kind} is done to the {known.on}, not to the {action.on}")
    return {"kind": action.kind, "target": action.target, "params": action.params}
