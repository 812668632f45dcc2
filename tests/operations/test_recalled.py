"""What was seen of a case spares the look, and nothing is done or refused for what is no longer so."""

from typing import Any

import pytest

from hitl.domain.deadlines import APPEAL_DAYS
from hitl.errors import AppealExpired, ConflictOfInterest
from hitl.operations.decide import DecideRequest, decide_alone
from hitl.operations.rollback import rollback_alone
from hitl.operations.shown import DAY, Shown
from hitl.store.postgres import Store, Tx
from tests.graphs import recalled
from tests.graphs.house import ADMIN, AUTHOR, MODERATOR, MODERATOR_2, House


class Counted(Tx):
    """A transaction that remembers how its statements began."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.asked: list[str] = []

    def execute(self, sql: str, *given: Any, **named: Any) -> Any:
        self.asked.append(sql.split(maxsplit=1)[0])
        return super().execute(sql, *given, **named)


def _decision(house: House, case_id: str, decision: Any = "approve") -> DecideRequest:
    return DecideRequest(case_id, house.show(case_id)["review"]["review_id"], decision, reason="because")


def _counted(store: Store, work: Any) -> tuple[Any, list[str]]:
    with store.statement() as tx:
        counted = Counted(tx.conn, memory=tx.memory, alone=True)
        return work(counted), counted.asked


def test_who_was_shown_a_case_decides_it_in_one_statement(house: House) -> None:
    case_id = house.waiting()
    known, asked = recalled.seen(house.store, case_id, ADMIN), _decision(house, case_id)
    house.decide(house.waiting())  # the policies are known from now on, as in any desk that has done this before
    found, statements = _counted(house.store, lambda tx: decide_alone(tx, MODERATOR, asked, known))
    assert found["status"] == "executing"
    assert len(statements) == 1
    house.drain()
    assert house.show(case_id)["status"] == "completed"


def test_who_was_shown_a_case_appeals_in_one_statement(house: House) -> None:
    case_id = house.acted()
    known = recalled.seen(house.store, case_id, ADMIN)
    found, statements = _counted(house.store, lambda tx: rollback_alone(tx, AUTHOR, case_id, "mine", known))
    assert found["status"] == "rolling_back"
    assert len(statements) == 1
    house.drain()
    assert set(house.actions(case_id, "reverse").values()) == {"applied"}


def test_what_has_moved_on_since_is_left_as_it_is(house: House) -> None:
    case_id = house.waiting()
    known, asked = recalled.seen(house.store, case_id, ADMIN), _decision(house, case_id, "reject")
    house.decide(case_id, "approve", by=MODERATOR_2)
    with house.store.statement() as tx:
        assert decide_alone(tx, MODERATOR, asked, known) is None
        assert (tx.changed, tx.commands) == (set(), False)
    house.drain()
    assert house.show(case_id)["decision"]["decision"] == "approve"
    before = recalled.seen(house.store, case_id, ADMIN)
    house.rollback(case_id)
    with house.store.statement() as tx:
        assert rollback_alone(tx, AUTHOR, case_id, "again", before) is None
    assert house.told(case_id).count("appeal_filed") == 1


def test_nobody_is_refused_for_what_was_so_before(house: House) -> None:
    case_id = house.start()
    early = recalled.seen(house.store, case_id, ADMIN)  # nothing to decide, nothing to undo
    house.drain()
    asked = _decision(house, case_id)
    with house.store.statement() as tx:
        assert decide_alone(tx, MODERATOR, asked, early)
    house.drain()
    with house.store.statement() as tx:
        assert rollback_alone(tx, AUTHOR, case_id, "mine", early)
    assert house.show(case_id)["status"] == "rolling_back"


def test_who_may_not_decide_is_refused_all_the_same(house: House) -> None:
    case_id = house.waiting()
    house.sql("update cases set author_id = %s", (MODERATOR.id,))
    known = recalled.seen(house.store, case_id, ADMIN)
    with pytest.raises(ConflictOfInterest), house.store.statement() as tx:
        decide_alone(tx, MODERATOR, _decision(house, case_id), known)


def test_a_decision_grows_older_after_it_was_seen(house: House) -> None:
    case_id = house.acted()
    house.sql("alter table decisions disable trigger user")
    house.sql("update decisions set decided_at = now() - make_interval(days => %s, hours => -1)", (APPEAL_DAYS,))
    old = recalled.seen(house.store, case_id, ADMIN)
    house.sql("update decisions set decided_at = decided_at - interval '1 day'")
    with pytest.raises(AppealExpired), house.store.statement() as tx:
        rollback_alone(tx, AUTHOR, case_id, "late", recalled.aged(old, DAY))
    with house.store.statement() as tx:
        assert rollback_alone(tx, AUTHOR, case_id, "in time", old)


def test_nothing_that_was_written_for_people_is_kept(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    kept = repr(recalled.seen(house.store, case_id, ADMIN).row)
    for secret in ("I was joking", "silly goose", "rationale", "private_note"):
        assert secret not in kept
    row = recalled.seen(house.store, case_id, ADMIN).row
    settled = {**row["actions"][0], "settlements": [{"reason": "it was a mistake"}]}
    assert "mistake" not in repr(Shown.of({**row, "actions": [settled]}, 0.0))
