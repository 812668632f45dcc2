"""GET /status/{case_id}: how a case stands; with an ETag that can be waited on."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from api import answers, examples, ids, openapi, waits
from api.auth import Caller
from api.desk import TheDesk
from api.lean import Lean
from api.schemas.cases import Case
from hitl.operations import show

router = APIRouter(tags=["reading"], route_class=Lean)
Wait = Annotated[
    float,
    Query(
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="With If-None-Match or `until`: hold the answer for up to so many seconds, until the version"
        " changes, or until what `until` says.",
    ),
]
Until = Annotated[
    Literal["rest"] | None,
    Query(
        description="With `wait`: hold the answer until the case is at rest (`waiting_review`, `completed`, `failed`"
        " or `needs_migration`) with another version than that in If-None-Match. When the time is over before that,"
        " it is answered as it stands: 304 while its version is that in If-None-Match, 200 otherwise."
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(max_length=1000, description="The ETag that you have: 304 while it is still current.")
]


@router.get(
    "/status/{case_id}",
    response_model=Case,
    summary="How a case stands",
    responses={
        **openapi.answers(200, examples.CASE, 401, 404, 422, 429, 503, ETag='The version, such as `"7"`'),
        304: {"description": "Unchanged since the version in If-None-Match."},
    },
)
async def get_status(
    *,
    desk: TheDesk,
    person: Caller,
    case_id: ids.CaseId,
    wait: Wait = 0.0,
    until: Until = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """For whoever started or wrote it, and for moderators, who see more: votes, confidences, who decided."""
    known = ids.case(case_id)
    if if_none_match is None and not (wait and until):
        return _answer(await waits.shown(desk, person, known))
    wish = waits.Wish(if_none_match or "", rest=until == "rest" and wait > 0)
    if wait:
        return _answer(await waits.met(desk, person, known, wish, wait))
    return _answer(await desk.read(waits.look, person, known, wish, desk.hub.recent.see))


def _answer(found: dict[str, Any] | show.Mark) -> Response:
    if isinstance(found, show.Mark):
        return answers.unchanged(found.version)
    return answers.json(found, headers={"ETag": answers.etag(found["version"])})
