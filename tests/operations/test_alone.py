"""Decisions and appeals as one statement: what moves on between the look and the statement is never written over."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from hitl.errors import RollbackInProgress, StaleReview
from hitl.operations.decide import DecideRequest, decide, decide_alone
from hitl.operations.rollback import rollback, rollback_alone
from hitl.store.postgres import Tx
from tests.graphs.house import AUTHOR, MODERATOR, MODERATOR_2, House

Found = dict[str, Any] | None
WAITING = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def _decision(house: House, case_id: str, decision: Any) -> DecideRequest:
    return DecideRequest(case_id, house.show(case_id)["review"]["review_id"], decision, reason="because")


def _behind(house: House, alone: Callable[[Tx], Found], first: Callable[[Tx], Any]) -> tuple[Found, Tx]:
    """What `alone` returns when it looks before `first` has committed, and writes behind it."""
    found: list[Found] = []
    used: list[Tx] = []

    def run() -> None:
        with house.store.statement() as tx:
            used.append(tx)
            found.append(alone(tx))

    thread = threading.Thread(target=run)
    with house.store.transaction() as tx:
        first(tx)
        thread.start()
        while thread.is_alive() and not house.rows(WAITING):
            time.sleep(0.01)
    thread.join()
    return found[0], used[0]


def test_who_decides_behind_another_has_done_nothing_and_woken_nobody(house: House) -> None:
    case_id = house.waiting()
    mine, other = _decision(house, case_id, "reject"), _decision(house, case_id, "approve")
    found, tx = _behind(house, lambda tx: decide_alone(tx, MODERATOR, mine), lambda tx: decide(tx, MODERATOR_2, other))
    assert (found, tx.changed, tx.commands, tx.due) == (None, set(), False, [])
    with pytest.raises(StaleReview), house.store.transaction() as tx:
        decide(tx, MODERATOR, mine)
    house.drain()
    assert house.told(case_id).count("review_decided") == 1
    assert house.show(case_id)["decision"]["decision"] == "approve"


def test_who_appeals_behind_another_has_done_nothing_and_woken_nobody(house: House) -> None:
    case_id = house.acted()
    found, tx = _behind(
        house, lambda tx: rollback_alone(tx, AUTHOR, case_id, "mine"), lambda tx: rollback(tx, AUTHOR, case_id, "first")
    )
    assert (found, tx.changed, tx.commands, tx.due) == (None, set(), False, [])
    with pytest.raises(RollbackInProgress), house.store.transaction() as tx:
        rollback(tx, AUTHOR, case_id, "mine")
    assert house.told(case_id).count("appeal_filed") == 1
    assert [row["reason"] for row in house.rows("select reason from appeals")] == ["first"]


def test_behind_who_only_looked_it_is_done(house: House) -> None:
    case_id = house.waiting()
    mine = _decision(house, case_id, "approve")
    found, tx = _behind(
        house,
        lambda tx: decide_alone(tx, MODERATOR, mine),
        lambda tx: tx.execute("select 1 from cases where case_id = %s for update", (case_id,)),
    )
    assert found is not None
    assert (found["status"], [due.kind for due in tx.due]) == ("executing", ["resume"])
    house.drain()
    assert house.show(case_id)["status"] == "completed"


def test_what_needs_more_than_one_statement_is_left_to_a_transaction(house: House) -> None:
    case_id = house.acted()
    house.sql("update cases set needs_attention = true")
    with house.store.statement() as tx:
        assert rollback_alone(tx, AUTHOR, case_id, "because") is None
    assert house.show(case_id)["status"] == "completed"
    house.sql("update cases set needs_attention = false")
    waiting = house.waiting()
    house.sql("update reviews set quorum = 2 where status = 'open'")
    with house.store.statement() as tx:
        assert decide_alone(tx, MODERATOR, _decision(house, waiting, "approve")) is None
    assert house.show(waiting)["status"] == "waiting_review"


def test_what_belongs_together_is_never_written_by_two_statements_that_are_no_transaction(house: House) -> None:
    with house.store.statement() as tx:
        tx.along("insert into workers (worker_id, serves, relay) values ('first', '[]', false)")
        tx.commits()
        tx.one("select 1 as one")
        with pytest.raises(RuntimeError, match="need a transaction"):
            tx.along("insert into workers (worker_id, serves, relay) values ('second', '[]', false)")
    assert [
        row["worker_id"] for row in house.rows("select worker_id from workers where worker_id in ('first', 'second')")
    ] == ["first"]
