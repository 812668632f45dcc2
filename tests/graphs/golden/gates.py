"""Cases brought to every gate at which a graph can stand between two runs."""

from typing import Any

from hitl.clock import new_id
from hitl.platforms.embedded import EmbeddedForum
from hitl.platforms.port import Effect, Receipt
from hitl.store.forum import Forum
from tests.graphs.house import SUPERVISOR, Crash, House


def bring(house: House) -> dict[str, str]:
    """One case at each gate; the gate's name to the case's id."""
    house.platform = EmbeddedForum(Forum(house.store))
    return {gate: make(house) for gate, make in GATES.items()}


def received(house: House) -> str:
    """Nothing has run yet. Each case has an author of its own: effects on one target are serialized."""
    return house.start(author_id=f"author-{new_id()}")


def waiting(house: House) -> str:
    """Paused before the first review."""
    return _run(house, received(house))


def decided(house: House) -> str:
    """The first review decided, not yet carried out."""
    case_id = waiting(house)
    house.decide(case_id)
    return case_id


def half_done(house: House) -> str:
    """The decision half carried out: the run was killed between two actions."""
    case_id, whole = decided(house), house.platform
    house.platform = _Killed(house.platform)
    house.crashing(house.command(case_id)["command_id"])
    house.platform = whole
    house.sql("update commands set state = 'ready', owner = null, lease_until = null where state = 'claimed'")
    return case_id


def actioned(house: House) -> str:
    """Finished, its actions standing: it can be rolled back."""
    return _run(house, decided(house))


def appealed(house: House) -> str:
    """Finished and appealed, the rollback not begun."""
    case_id = actioned(house)
    house.rollback(case_id)
    return case_id


def second_review(house: House) -> str:
    """Rolled back, paused before the second review."""
    return _run(house, appealed(house))


def second_decided(house: House) -> str:
    """The second review decided, not yet carried out."""
    case_id = second_review(house)
    house.decide(case_id, "reject", by=SUPERVISOR)
    return case_id


def _run(house: House, case_id: str) -> str:
    house.deliver(house.command(case_id)["command_id"])
    return case_id


class _Killed(EmbeddedForum):
    """A forum whose second caller is killed on the way."""

    def __init__(self, whole: Any) -> None:
        self._whole, self._calls = whole, 0

    def manifest(self) -> Any:
        return self._whole.manifest()

    def read(self, target: str) -> dict[str, Any]:
        found: dict[str, Any] = self._whole.read(target)
        return found

    def apply(self, effect: Effect, *, key: str) -> Receipt:
        self._calls += 1
        if self._calls == 2:
            raise Crash
        found: Receipt = self._whole.apply(effect, key=key)
        return found


GATES = {
    gate.__name__: gate
    for gate in (received, waiting, decided, half_done, actioned, appealed, second_review, second_decided)
}
