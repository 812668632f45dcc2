"""What happened, as the audit trail and the live streams tell it."""

from datetime import datetime
from typing import Any, Literal

from api.schemas.requests import Closed


class Actor(Closed):
    """Who did it."""

    kind: Literal["person", "machine"]
    id: str


class Event(Closed):
    """One change of a case; `data` holds ids, enums and numbers, never text."""

    seq: int
    type: str
    at: datetime
    actor: Actor
    before: str | None
    after: str | None
    data: dict[str, Any]


class CaseEvent(Event):
    """An event in the stream of all cases."""

    case_id: str


class Events(Closed):
    """A case's events, oldest first; `next_cursor` is null at the present end."""

    events: list[Event]
    next_cursor: str | None


class AllEvents(Closed):
    """Events of all cases that the caller may see, in the order of commits; `next_cursor` is where to go on later."""

    events: list[CaseEvent]
    next_cursor: str
