"""GET /cases and /cases/{case_id}: lists of cases, and one with its text."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import answers, examples, ids, openapi
from api.auth import Caller
from api.desk import TheDesk
from api.schemas.cases import Page, WholeCase
from hitl.domain.cases import Status
from hitl.operations import show
from hitl.platforms.port import EffectUnknown, Platform

router = APIRouter(tags=["reading"])
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", pattern=ids.UUID_PATTERN)]


@router.get(
    "/cases",
    response_model=Page,
    summary="Cases, newest first",
    responses=openapi.answers(200, examples.PAGE, 401, 422, 503),
)
def get_cases(
    desk: TheDesk,
    person: Caller,
    status: Annotated[Status | None, Query(description="Only cases in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Moderators see all cases, everybody else what they started or wrote."""
    with desk.runtime.store.transaction() as tx:
        return answers.json(show.page(tx, person, status=status, limit=limit, cursor=cursor))


@router.get(
    "/cases/{case_id}",
    response_model=WholeCase,
    summary="A case with its text",
    responses=openapi.answers(200, examples.WHOLE, 401, 404, 422, 503),
)
def get_case(desk: TheDesk, person: Caller, case_id: ids.CaseId) -> Response:
    """The same as /status, with the text and, for moderators, how the platform's post and author stand now."""
    known = ids.case(case_id)
    with desk.runtime.store.transaction() as tx:
        found = show.whole(tx, person, known)
    if person.staff:  # read when no transaction is open: a platform may take its time
        found["target_state"] = _targets(desk.runtime.platform(person.tenant), found)
    return answers.json(found)


def _targets(platform: Platform, case: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    found: dict[str, dict[str, Any] | None] = {}
    for name, target in (("post", f"post:{case['content_id']}"), ("author", f"author:{case['author_id']}")):
        try:
            found[name] = platform.read(target)
        except EffectUnknown:
            found[name] = None
    return found
