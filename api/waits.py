"""Holds an answer about a case until it stands as wished for; meanwhile that costs neither thread nor connection."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from api import answers
from api.desk import Desk
from hitl.domain.cases import AT_REST
from hitl.domain.people import Person
from hitl.operations import show
from hitl.operations.shown import Shown
from hitl.store.at_hand import Elsewhere
from hitl.store.notify import Change
from hitl.store.postgres import Tx

Found = dict[str, Any] | show.Mark
Note = Callable[[Shown], None]
SOON = 0.5  # seconds after which a look shows what no wake-up told


class Wish:
    """Another version than those in an If-None-Match header; `rest`: with which the case is at rest."""

    def __init__(self, if_none_match: str, *, rest: bool) -> None:
        self._held = partial(answers.matches, if_none_match)
        self._rest = rest
        self._looked = False

    def met(self, version: int, *, at_rest: bool) -> bool:
        """Whether this is what is waited for."""
        return (at_rest or not self._rest) and not self._held(version)

    def held(self, version: int) -> bool:
        """Whether the caller has this version, the newest; then it is what any other is compared with from here on."""
        if held := self._held(version):
            self._held = partial(int.__eq__, version)
        self._looked = True
        return held

    def concerns(self, change: Change) -> bool:
        """Whether a change is worth a look."""
        return not (self._looked and change.version) or self.met(change.version, at_rest=change.rest)


def look(tx: Tx, person: Person, case_id: str, wish: Wish, note: Note) -> Found:
    """The whole case when the wish is met; how it stands otherwise, which costs less."""
    mark = show.mark(tx, person, case_id)
    if not wish.met(mark.version, at_rest=mark.status in AT_REST):
        return mark
    return _fitting(show.status(tx, person, case_id, note), wish)  # it may have moved on in between


async def shown(desk: Desk, person: Person, case_id: str) -> dict[str, Any]:
    """The whole case, without a thread where that is possible."""
    began, note = time.monotonic(), desk.hub.recent.see
    with suppress(Elsewhere):
        row = await desk.at_hand.first(show.asked(person, case_id), desk.due())
        return show.told(row, person, began, note)
    return await desk.read(show.status, person, case_id, note)


def _fitting(found: dict[str, Any], wish: Wish) -> Found:
    met = wish.met(found["version"], at_rest=found["status"] in AT_REST)
    return found if met else show.Mark(found["version"], found["status"])


async def met(desk: Desk, person: Person, case_id: str, wish: Wish, seconds: float) -> Found:
    """The case as soon as the wish is met; when time is over before, as it stands, or its mark if the caller has it."""
    desk.hub.admit()
    end = time.monotonic() + seconds
    with desk.hub.watch(person.tenant, case_id, wish.concerns) as bell:
        known = desk.hub.recent.current(person, case_id)
        told = known is not None and wish.held(known)  # by us, a moment ago: most likely there is nothing to see yet
        rung = told and await bell.rings(min(SOON, seconds))
        while True:  # the bell is there before the look, so that nothing is missed between them
            if rung:  # then it is likely
                found = _fitting(await shown(desk, person, case_id), wish)
            else:
                found = await desk.read(look, person, case_id, wish, desk.hub.recent.see)
            if not isinstance(found, show.Mark):
                return found
            held, left = wish.held(found.version), end - time.monotonic()
            if left <= 0 or desk.hub.closed:
                return found if held else await shown(desk, person, case_id)
            rung = await bell.rings(left)
