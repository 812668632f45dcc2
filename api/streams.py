"""Live streams of events (server-sent events): between two events they hold no thread and no connection."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from api.answers import OPTIONS
from api.auth import bearer_of
from api.desk import Desk
from hitl.domain.people import Person
from hitl.errors import GuardianError
from hitl.operations import show
from hitl.store.postgres import Tx

KEEP_ALIVE_SECONDS = 15
BATCH = 100  # a slow reader holds no more than this many events in memory
Numbered = list[tuple[str, dict[str, Any]]]


def wanted(request: Request) -> bool:
    """Whether the caller asked for a stream."""
    return "text/event-stream" in request.headers.get("accept", "").lower()


def respond(desk: Desk, request: Request, person: Person, case_id: str | None, after: int | str) -> Response:
    """A stream of one case's events, or of all cases' (None), behind a seq or a cursor."""
    desk.hub.admit()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    told = _told(desk, bearer_of(request), person, case_id, after)
    return StreamingResponse(told, headers=headers, media_type="text/event-stream")


async def _told(desk: Desk, token: str, person: Person, case_id: str | None, after: int | str) -> AsyncIterator[bytes]:
    with desk.hub.watch(person.tenant, case_id) as bell:
        yield b"retry: 2000\n\n"
        while not desk.hub.closed:
            try:
                if desk.runtime.people.by_token(token) != person:
                    return  # a token that was withdrawn, or whose roles changed, has seen enough
                found, after = await _behind(desk, person, case_id, after)
            except GuardianError:
                return  # the client comes back with Last-Event-ID
            for number, event in found:
                yield b"id: %b\ndata: %b\n\n" % (number.encode(), orjson.dumps(event, option=OPTIONS))
            if len(found) < BATCH and not await bell.rings(KEEP_ALIVE_SECONDS):
                yield b": still here\nid: %b\n\n" % str(after).encode()  # an id alone moves Last-Event-ID on


async def _behind(desk: Desk, person: Person, case_id: str | None, after: int | str) -> tuple[Numbered, int | str]:
    """The next events, and where to go on behind them."""
    if case_id is None:
        return await desk.read(onward, person, str(after), BATCH)
    page = await desk.read(show.history, person, case_id, after=int(after), limit=BATCH)
    found = [(str(event["seq"]), event) for event in page["events"]]
    return found, found[-1][0] if found else after


def onward(tx: Tx, person: Person, after: str, limit: int) -> tuple[Numbered, str]:
    """Events of all cases behind a cursor, and the cursor behind them and behind all that others may see."""
    now = show.now(tx)  # asked first: what is committed before it is in what is read next
    found = show.stream(tx, person, after, limit)
    last = found[-1][0] if found else after
    return found, last if len(found) == limit or _tx(last) >= _tx(now) else now


def _tx(cursor: str) -> int:
    return int(cursor.partition(".")[0])
