"""How runs end when they do not end well: postponed, tried again, failed with a cause, retried."""

from itertools import pairwise
from typing import Any

import pytest

from hitl.analyzers.port import AnalyzerBusy, AnalyzerUnavailable
from hitl.errors import Conflict, Fenced
from hitl.operations import runs, upkeep
from hitl.operations.runs import Head
from tests.graphs.house import SUPERVISOR, House

# -- the analyzer ------------------------------------------------------------------------------------------------------


def test_a_busy_analyzer_postpones_and_that_counts_as_no_attempt(house: House) -> None:
    case_id = house.start()
    house.analyzer.trouble = [AnalyzerBusy(5) for _ in range(8)]
    assert house.drain() == ["postponed"]
    assert house.due() == [], "not before the time that the analyzer named"
    assert house.insist() == ["postponed"] * 7 + ["done"]
    assert (house.command(case_id)["attempts"], house.status(case_id)) == (1, "waiting_review")
    assert not house.show(case_id)["verdict"]["unavailable"]


def test_after_five_minutes_in_all_people_are_asked_instead(house: House) -> None:
    case_id = house.start()
    house.analyzer.always = AnalyzerBusy(20)
    assert house.drain() == ["postponed"]
    house.sql("update commands set postponed_since = now() - interval '270 seconds'")
    house.hurry()
    assert house.drain() == ["postponed"]
    house.sql("update commands set postponed_since = now() - interval '281 seconds'")
    assert house.insist() == ["done"]
    shown = house.show(case_id)
    assert (shown["status"], shown["verdict"]["unavailable"]) == ("waiting_review", True)


@pytest.mark.parametrize("trouble", [AnalyzerUnavailable("down"), RuntimeError("bug"), KeyError("nonsense")])
def test_an_analyzer_that_fails_sends_the_case_to_people(house: House, trouble: Exception) -> None:
    house.analyzer.always = trouble
    case_id = house.waiting()
    shown = house.show(case_id)
    assert (shown["verdict"]["unavailable"], shown["verdict"]["categories"]) == (True, [])
    assert [a["kind"] for a in shown["review"]["proposed_actions"]] == ["remove_content", "notify_author"]
    assert house.world.done == []
    house.decide(case_id)
    house.drain()
    assert house.show(case_id)["outcome"] == "actioned"


def test_the_first_verdict_wins_even_when_the_analyzer_changes_its_mind(house: House) -> None:
    house.analyzer.usage = {"total_tokens": 9}  # a verdict that was paid for is kept before the run is settled
    case_id = house.start()
    (command_id,) = house.due()
    house.on_settle = house.crash
    house.crashing(command_id)
    house.on_settle, house.analyzer.policies = None, ()
    house.sql("delete from checkpoints")
    house.sql("delete from checkpoint_heads")
    assert house.deliver(command_id) == "done"
    assert house.show(case_id)["verdict"]["suspect"]
    assert house.analyzer.calls == 1


# -- attempts ----------------------------------------------------------------------------------------------------------


def test_an_orphan_is_adopted_and_tried_again(house: House) -> None:
    case_id = house.start()
    house.claim(house.due()[0])
    house.adopt()
    assert house.command(case_id)["state"] == "claimed", "its lease still runs"
    house.expire()
    house.adopt()
    assert house.command(case_id)["state"] == "ready"
    assert house.insist() == ["done"]
    assert house.command(case_id)["attempts"] == 2


def test_adopting_twice_is_adopting_once(house: House) -> None:
    case_id = house.start()
    run = house.claim(house.due()[0])
    house.expire()
    with house.store.transaction() as tx:
        assert upkeep.adopt(tx, run.command_id)
    with house.store.transaction() as tx:
        assert not upkeep.adopt(tx, run.command_id)
        assert not upkeep.adopt(tx, 4_711)
    assert house.told(case_id) == ["case_received", "analysis_started"]


def test_an_orphan_that_was_tried_often_enough_fails_its_case_with_the_cause(house: House) -> None:
    case_id = house.start()
    for _ in range(5):
        house.hurry()
        house.claim(house.due()[0])
        house.expire()
        house.adopt()
    shown = house.show(case_id)
    assert (shown["status"], shown["error"]["cause"]) == ("failed", "attempts-used-up")
    assert (house.due(), house.command(case_id)["state"]) == ([], "failed")
    house.retry(case_id)
    assert house.insist() == ["done"]
    assert house.status(case_id) == "waiting_review"
    assert house.told(case_id)[-4:] == ["case_retried", "analysis_started", "analyzed", "review_opened"]


def test_a_run_that_raises_is_tried_again_and_then_fails_without_any_user_text(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)

    def broken() -> None:
        raise RuntimeError("you are silly")

    house.world.before_apply = broken
    assert house.insist() == ["again"] * 4 + ["run-broke"]
    error = house.show(case_id)["error"]
    assert (error["cause"], error["was"]) == ("run-broke", "executing")
    assert "silly" not in str(error)
    house.world.before_apply = None
    house.settle(house.action(case_id, "remove_content")["action_id"], "retry")
    assert house.insist() == ["done"]
    assert house.show(case_id)["outcome"] == "actioned"


def test_only_what_failed_can_be_retried_and_not_while_an_outcome_is_unknown(house: House) -> None:
    case_id = house.waiting()
    with pytest.raises(Conflict):
        house.retry(case_id)
    house.world.guarantee, house.world.faults = "none", ["lose"]
    house.decide(case_id)
    house.drain()
    with pytest.raises(Conflict, match="settle"):
        house.retry(case_id)


def test_a_failed_rollback_can_be_retried(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    (command_id,) = house.due()
    house.world.on_read = house.crash
    for _ in range(2 + 5):  # the first two die before they have claimed anything
        house.crashing(command_id)
    house.world.on_read = None
    house.adopt()
    assert house.status(case_id) == "failed"
    assert house.retry(case_id)["status"] == "rolling_back"
    assert house.insist() == ["done"]
    assert house.world.shows("author:dev-author") == {}


# -- settling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [Head(paused={"a" * 32: {}}), Head(finished=True)])
def test_settling_a_second_time_changes_nothing(house: House, head: Head) -> None:
    house.start()
    run = house.claim(house.due()[0])
    with house.store.transaction() as tx:
        assert runs.settle(tx, run, head, house.people)
    before = house.dump()
    with pytest.raises(Fenced), house.store.transaction() as tx:
        runs.settle(tx, run, head, house.people)
    assert house.dump() == before


def test_settling_what_is_settled_under_a_new_lease_tells_nothing_new(house: House) -> None:
    case_id = house.waiting()
    events, review = house.events(case_id), house.show(case_id)["review"]
    house.sql("update commands set state = 'ready', finished_at = null")
    assert house.drain() == ["done"]
    assert (house.events(case_id), house.show(case_id)["review"]) == (events, review)


def test_a_head_that_neither_pauses_nor_ends_settles_nothing(house: House) -> None:
    house.start()
    run = house.claim(house.due()[0])
    before = house.dump()
    with house.store.transaction() as tx:
        assert not runs.settle(tx, run, Head(), house.people)
    assert house.dump() == before


def test_events_of_every_way_through_are_gap_free_and_each_change_has_one(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    house.decide(case_id, "approve", by=SUPERVISOR)
    house.world.down = True
    house.insist()
    house.world.down = False
    house.retry(case_id)
    house.insist()
    events = house.events(case_id)
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert house.show(case_id)["version"] == len(events)
    moves: list[Any] = [(e["before"], e["after"]) for e in events if e["after"]]
    assert all(before == after for (_, after), (before, _) in pairwise(moves))
    assert [after for _, after in moves] == [
        "received", "analyzing", "waiting_review", "executing", "completed", "rolling_back", "waiting_review",
        "executing", "failed", "executing", "completed",
    ]  # fmt: skip
    states = [(e["data"].get("action_id"), e["type"]) for e in events if "action_id" in e["data"]]
    assert len(states) == len(set(states))
    assert house.rows("select 1 from commands where state not in ('done', 'failed')") == []
