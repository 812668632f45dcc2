"""A claim in one statement: what is usual, and nothing else; the way of two statements does the rest."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from hitl.domain.commands import Command
from hitl.errors import Fenced, TargetBusy
from hitl.operations import openings, runs
from hitl.store import calls, cases, claims
from hitl.store.notify import Change
from tests.graphs import brought
from tests.graphs.house import MODERATOR, House

SETTLING = """insert into commands (case_id, kind, graph, graph_version, state, owner, lease_until, finished_at)
    select %(case)s, 'settle', 'g', '1', %(state)s, case when claimed then 'w0' end, case when claimed then now() end,
        case when %(state)s = 'done' then now() end from (select %(state)s = 'claimed') one (claimed)"""

ON_ITS_WAY = """insert into actions (action_id, tenant_id, case_id, decision_id, round, ordinal, direction, kind,
        target, aspect, params, reversible, status, sent_at, key)
    select id, tenant_id, case_id, decision_id, round, 99, direction, kind, target, aspect, params, reversible,
        'sending', now(), id || ':0' from actions, gen_random_uuid() id where case_id = %(case)s limit 1"""

VERDICT = """insert into analyses (case_id, round, suspect, unavailable, sampled, categories, rationale, analyzer,
        latency_ms, proposals) values (%s, 1, false, false, true, '[]', '', 'a', 1, '[]')"""


def _at_once(house: House, command_id: int, *, quick: bool = True, owner: str = "w1") -> Command | None:
    with house.store.statement() as tx:
        begins = None if quick else openings.started(owner)
        kind, serves = house.kind(command_id), house.runner().serves
        return claims.at_once(tx, command_id, owner=owner, serves=serves, begins=begins, kind=kind)


def _decided(house: House) -> tuple[str, int]:
    """A case whose decision is to be carried out, and that command."""
    case_id = house.waiting()
    house.decide(case_id, by=MODERATOR)
    (command_id,) = house.due()
    return case_id, command_id


@pytest.mark.parametrize("quick", [True, False])
def test_it_sees_what_the_way_of_two_statements_sees(house: House, quick: bool) -> None:
    _, command_id = _decided(house)
    with house.store.transaction() as tx:
        claims.approach(tx, command_id)
        slow = claims.claim(tx, command_id, owner="w1", serves=house.runner().serves)
        tx.conn.execute("rollback")
    fast = _at_once(house, command_id, quick=quick)
    assert fast is not None
    assert slow is not None
    bare = replace(fast.seen, case=None, checkpoint=None, work=None, follows=None)
    assert replace(fast, seen=bare) == slow
    assert fast.seen.head
    assert fast.seen.answer
    assert fast.seen.work
    brought.checked(house.store, fast)


def test_a_rollback_sees_what_is_to_be_undone(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    (command_id,) = house.due()
    found = _at_once(house, command_id)
    assert found is not None
    brought.checked(house.store, found)
    assert [row["kind"] for row in found.seen.work or ()] == ["warn_author", "remove_content", "notify_author"]
    assert found.seen.undoing


def test_a_claimed_command_is_not_claimed_until_its_lease_has_run_out(house: House) -> None:
    _, command_id = _decided(house)
    assert _at_once(house, command_id)
    assert _at_once(house, command_id, owner="w2") is None
    house.expire()
    again = _at_once(house, command_id, owner="w2")
    assert again is not None
    assert (again.epoch, again.attempts) == (2, 2)
    assert house.rows("select lost from commands where command_id = %s", (command_id,)) == [{"lost": 1}]


@pytest.mark.parametrize(
    "unusual",
    [
        "update commands set lost = 2",
        "update commands set attempts = 5",
        "update commands set available_at = now() + interval '1 minute'",
        "update commands set graph_version = 'other'",
        "update commands set state = 'done', finished_at = now()",
        "update cases set status = 'needs_migration', parked_from = 'executing'",
    ],
)
def test_whatever_is_unusual_is_left_alone(house: House, unusual: str) -> None:
    house.start()
    (command_id,) = house.due()
    house.sql(unusual)
    before = house.dump()
    assert _at_once(house, command_id) is None
    assert _at_once(house, command_id, quick=False) is None
    assert house.dump() == before


@pytest.mark.parametrize(
    ("state", "alone"), [("ready", False), ("published", False), ("claimed", False), ("done", True)]
)
def test_a_case_that_is_being_settled_is_left_alone(house: House, state: str, alone: bool) -> None:
    case_id, command_id = _decided(house)
    house.sql(SETTLING, {"case": case_id, "state": state})
    assert (_at_once(house, command_id) is not None) is alone


def test_a_settling_is_left_alone(house: House) -> None:
    case_id = house.waiting()
    house.sql(SETTLING, {"case": case_id, "state": "ready"})
    (command_id,) = house.due()
    assert _at_once(house, command_id) is None


def _begun(house: House, case_id: str) -> tuple[Any, ...]:
    """What is to be seen of a beginning: the case, but for its ids and times, and its events."""
    (case,) = house.rows("select status, version, needs_attention, cleared from cases where case_id = %s", (case_id,))
    seen = ("seq", "type", "actor_kind", "actor_id", "before", "after", "data")
    return case, [{name: event[name] for name in seen} for event in house.events(case_id)]


def test_a_slow_analysis_begins_with_its_claim_as_it_does_on_the_way_of_two_statements(house: House) -> None:
    first, second = house.start(), house.start()
    house.sql("update cases set cleared = 1")
    fast, slow = house.due()
    assert _at_once(house, fast, quick=False)
    with house.store.transaction() as tx:
        assert runs.begin(tx, slow, owner="w1", serves=house.runner().serves)
    case, events = _begun(house, first)
    assert (case, events) == _begun(house, second)
    assert case == {"status": "analyzing", "version": 2, "needs_attention": False, "cleared": 0}
    assert [(event["seq"], event["type"]) for event in events] == [(1, "case_received"), (2, "analysis_started")]


def test_those_who_watch_are_told_how_far_the_beginning_has_come(house: House) -> None:
    case_id = house.start()
    (command_id,) = house.due()
    with house.store.statement() as tx:
        serves = house.runner().serves
        claims.at_once(tx, command_id, owner="w1", serves=serves, begins=openings.started("w1"), kind="start")
        assert tx.changed == {Change(case_id, 2, rest=False)}
        tx.changed.clear()
        house.expire()
        begins = openings.started("w2")
        assert claims.at_once(tx, command_id, owner="w2", serves=serves, begins=begins, kind="start")
        assert not tx.changed  # it began once


def test_a_quick_analysis_begins_without_a_word(house: House) -> None:
    case_id = house.start()
    (command_id,) = house.due()
    assert _at_once(house, command_id)
    assert house.told(case_id) == ["case_received"]


@contextmanager
def _waiting(house: House, case_id: str, *, moves: bool) -> Iterator[None]:
    """The case's row is held until the block has ended; whether the case moves on before it is let go."""
    with house.store.transaction() as tx:
        tx.execute("select 1 from cases where case_id = %s for update", (case_id,))
        yield
        if moves:
            tx.execute("update cases set version = version + 1 where case_id = %s", (case_id,))


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("moves", [True, False])
def test_a_case_that_moved_on_while_its_row_was_waited_for_is_left_alone(
    house: House, moves: bool, quick: bool
) -> None:
    case_id = house.start()
    (command_id,) = house.due()
    found: list[Command | None] = []
    claim = threading.Thread(target=lambda: found.append(_at_once(house, command_id, quick=quick)))
    with _waiting(house, case_id, moves=moves):
        claim.start()
        _blocked(house)
    claim.join()
    assert (found[0] is None) is moves
    assert house.command(case_id)["state"] == ("ready" if moves else "claimed")
    assert len(house.told(case_id)) == (1 if moves or quick else 2)


def _blocked(house: House) -> None:
    """Wait until somebody waits for a lock."""
    while not house.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"):
        time.sleep(0.005)


def test_nothing_is_put_on_its_way_without_the_lease(house: House) -> None:
    case_id, command_id = _decided(house)
    run = house.claim(command_id)
    house.expire()
    (action,) = house.rows("select action_id, status from actions where case_id = %s limit 1", (case_id,))
    with pytest.raises(Fenced), house.store.transaction() as tx:
        calls.enter_and_send(tx, run, action["action_id"])
    assert house.rows("select status from actions where action_id = %s", (action["action_id"],)) == [
        {"status": "planned"}
    ]


def test_one_goes_to_a_target_at_a_time(house: House) -> None:
    case_id, command_id = _decided(house)
    run = house.claim(command_id)
    house.sql(ON_ITS_WAY, {"case": case_id})
    planned = house.rows("select action_id from actions where case_id = %s and status = 'planned' limit 1", (case_id,))
    with pytest.raises(TargetBusy), house.store.transaction() as tx:
        calls.enter_and_send(tx, run, planned[0]["action_id"])


def test_a_start_is_claimed_with_its_text_which_nobody_prints(house: House) -> None:
    house.analyzer.quick = True
    case_id = house.start("a rhubarb pie")
    run = house.claim(house.due()[0])
    assert run.seen.subject is not None
    with house.store.transaction() as tx:
        assert run.seen.subject["case"] == cases.get(tx, case_id)
    assert (run.seen.subject["body"], run.seen.subject["kept"]) == ("a rhubarb pie", None)
    assert "rhubarb" not in repr(run)


def test_what_its_message_takes_for_a_start_is_claimed_as_what_it_is(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id, "approve")
    run = house.runner().begin(house.due()[0], "w1", kind="start")
    assert run is not None
    assert (run.kind, run.seen.subject) == ("resume", None)
    assert run.seen.answer is not None
    assert run.seen.work is None, "it is looked for"


def test_a_verdict_that_is_there_already_is_seen_with_the_claim(house: House) -> None:
    house.analyzer.quick = True
    case_id = house.start()
    house.sql(VERDICT, (case_id,))
    run = house.claim(house.due()[0])
    assert run.seen.subject is not None
    assert run.seen.subject["kept"] is True


def test_a_start_whose_text_is_gone_is_claimed_all_the_same(house: House) -> None:
    house.analyzer.quick = True
    case_id = house.start()
    house.sql("delete from contents where case_id = %s", (case_id,))
    assert house.claim(house.due()[0]).seen.subject is None
