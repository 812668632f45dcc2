"""GET /status/{case_id}: how a case stands; with an ETag that can be waited on."""

import time
from typing import Annotated

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
        if wait and answers.matches(if_none_match, version):
            version = await _beyond(desk, person, known, if_none_match, wait)
        if answers.matches(if_none_match, version):
            return answers.unchanged(version)
    found = await desk.read(show.status, person, known)
    return answers.json(found, headers={"ETag": answers.etag(found["version"])})


async def _beyond(desk: Desk, person: Person, case_id: str, held: str, wait: float) -> int:
    """The version once it is none of those held, or what it is when the time is over."""
    desk.hub.admit()
    until = time.monotonic() + wait
    with desk.hub.watch(person.tenant, case_id) as bell:
        version = await desk.read(show.version, person, case_id)
        while answers.matches(held, version) and (left := until - time.monotonic()) > 0 and not desk.hub.closed:
            await bell.rings(left)
            version = await desk.read(show.version, person, case_id)
        return version
