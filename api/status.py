"""GET /status/{case_id}: how a case stands; with an ETag that can be waited on."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from api import answers, examples, ids, openapi
from api.auth import Caller
from api.desk import Desk, TheDesk
from api.schemas.cases import Case
from hitl.domain.people import Person
from hitl.operations import show

router = APIRouter(tags=["reading"])
Wait = Annotated[
    float,
    Query(
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="With If-None-Match: hold the answer for up to so many seconds, until the version changes.",
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
    desk: TheDesk, person: Caller, case_id: ids.CaseId, wait: Wait = 0.0, if_none_match: IfNoneMatch = None
) -> Response:
    """For whoever started or wrote it, and for moderators, who see more: votes, confidences, who decided."""
    known = ids.case(case_id)
    if if_none_match is not None:
        version = await desk.read(show.version, person, known)
        if answers.matches(if_none_match, version):
            found = await _changed(desk, person, known, version, wait) if wait else None
            return _answer(found) if found else answers.unchanged(version)
    return _answer(await desk.read(show.status, person, known))


def _answer(found: dict[str, Any]) -> Response:
    return answers.json(found, headers={"ETag": answers.etag(found["version"])})


async def _changed(desk: Desk, person: Person, case_id: str, version: int, wait: float) -> dict[str, Any] | None:
    """The case as soon as its version is another; None when the time is over before that."""
    desk.hub.admit()
    until = time.monotonic() + wait
    with desk.hub.watch(person.tenant, case_id) as bell:
        while True:  # the bell is there before the look, so that nothing is missed between them
            found: dict[str, Any] = await desk.read(show.status, person, case_id)
            if found["version"] != version:
                return found
            left = until - time.monotonic()
            if left <= 0 or desk.hub.closed:
                return None
            await bell.rings(left)
