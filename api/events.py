"""GET /cases/{case_id}/events and /events: what happened, as JSON or as a live stream."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from api import answers, examples, ids, openapi, streams
from api.auth import Caller
from api.desk import TheDesk
from api.errors import BadField
from api.schemas.events import AllEvents, Events
from hitl.operations import show

router = APIRouter(tags=["reading"])
MAX_SEQ = 2**63 - 1
MAX_TX = 2**64 - 1
STREAMED = {"text/event-stream": {"schema": {"type": "string"}, "example": 'id: 1\ndata: {"seq": 1}\n\n'}}
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=100, description="For streams: go on behind this id.")
]


@router.get(
    "/cases/{case_id}/events",
    response_model=Events,
    summary="A case's history, or its live stream",
    responses=openapi.streams(openapi.answers(200, examples.EVENTS, 401, 404, 422, 429, 503), STREAMED),
)
async def get_case_events(
    *,
    request: Request,
    desk: TheDesk,
    person: Caller,
    case_id: ids.CaseId,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,19}$", description="Only events behind this seq.")] = None,
    limit: Limit = 100,
    last_event_id: LastEventId = None,
) -> Response:
    """Oldest first. With `Accept: text/event-stream` it stays open and tells what happens; `id:` is the seq."""
    known = ids.case(case_id)
    if streams.wanted(request):
        await desk.read(show.mark, person, known)
        return streams.respond(desk, request, person, known, _seq(last_event_id or cursor, "Last-Event-ID"))
    return answers.json(await desk.read(show.history, person, known, after=_seq(cursor, "cursor"), limit=limit))


@router.get(
    "/events",
    response_model=AllEvents,
    summary="The history of all cases, or its live stream",
    responses=openapi.streams(openapi.answers(200, examples.ALL_EVENTS, 401, 422, 429, 503), STREAMED),
)
async def get_events(
    *,
    request: Request,
    desk: TheDesk,
    person: Caller,
    cursor: Annotated[
        str | None,
        Query(
            description="Only events behind this cursor: `next_cursor`, or an `id:` of the stream; 0 is the beginning.",
            pattern=ids.STREAM_CURSOR,
        ),
    ] = None,
    limit: Limit = 100,
    last_event_id: LastEventId = None,
) -> Response:
    """In the order of commits, for the cases that the caller may see. A stream without a cursor begins now."""
    if streams.wanted(request):
        begin = _cursor(last_event_id or cursor, "Last-Event-ID")
        if begin is None:
            begin = await desk.read(show.now)
        return streams.respond(desk, request, person, None, begin)
    after = _cursor(cursor, "cursor") or "0"
    rows, onward = await desk.read(streams.onward, person, after, limit)
    return answers.json({"events": [event for _, event in rows], "next_cursor": onward})


def _seq(text: str | None, field: str) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_SEQ:
        raise BadField(field, "is no number of an event")
    return int(text)


def _cursor(text: str | None, field: str) -> str | None:
    if text is None:
        return None
    parts = ids.CURSOR.fullmatch(text)
    if parts is None or int(parts[1]) > MAX_TX or int(parts[3] or 0) > MAX_SEQ:
        raise BadField(field, "is no cursor of this stream")
    return text
