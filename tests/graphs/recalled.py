"""What was seen of a case says what a look at it says, in whatever state a test has brought it."""

from time import monotonic
from typing import Any

from hitl.domain.people import Person
from hitl.operations import show
from hitl.operations.shown import Shown
from hitl.store import actions, cases, reviews
from hitl.store.postgres import DictRow, Store

ROLLBACK = ("standing", "under_way", "opened_by", "found", "decision_id", "policies")
REVERSED = ("tenant_id", "case_id", "action_id", "decision_id", "round", "ordinal", "kind", "target", "aspect")
ALSO_REVERSED = ("params", "reversible")


def seen(store: Store, case_id: str, person: Person) -> Shown:
    """How a case stands; the same as a look would say, whatever it is looked at for."""
    noted: list[Shown] = []
    with store.statement() as tx:
        show.status(tx, person, case_id, noted.append)
    (found,) = noted
    _same_for_decisions(store, found)
    _same_for_rollbacks(store, found)
    return found


def _same_for_decisions(store: Store, found: Shown) -> None:
    for review in found.row["reviews"] or []:
        with store.statement() as tx:
            case, looked = reviews.for_decision(tx, found.row["case_id"], review["review_id"], locked=False)
        if case.version == found.row["version"] and looked["status"] in ("open", "blocked"):
            known, recalled = found.for_decision(review["review_id"])
            looked = {name: looked[name] for name in recalled if name != "votes"} | {"votes": recalled["votes"]}
            looked["involved"] = set(looked["involved"])
            looked["deadline_at"] = recalled["deadline_at"]  # a text there, and nobody reads it
            assert (known, recalled) == (case, looked)


def _same_for_rollbacks(store: Store, found: Shown) -> None:
    with store.statement() as tx:
        case, looked = reviews.for_rollback(tx, found.row["case_id"], locked=False)
        standing = actions.standing(tx, found.row["case_id"])
        if cases.get(tx, case.case_id).version != found.row["version"]:
            return  # others were faster than this look, in a test that lets them race
    known, recalled = found.for_rollback()
    assert known == case
    assert [recalled[name] for name in ROLLBACK] == [looked[name] for name in ROLLBACK]
    assert (recalled["age_days"] is None) == (looked["age_days"] is None)
    if looked["age_days"] is not None:
        assert abs(recalled["age_days"] - looked["age_days"]) < 0.01
    assert [_reversed(row) for row in found.standing()] == [_reversed(row) for row in standing]


def _reversed(row: DictRow) -> list[Any]:
    return [*(row[name] for name in (*REVERSED, *ALSO_REVERSED)), row["undoing"] is None]


def aged(found: Shown, seconds: float) -> Shown:
    """The same, seen so long ago."""
    return Shown(found.row, monotonic() - seconds)
