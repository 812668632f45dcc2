"""One action at a time: what becomes of lost answers, refusals, crashes and tampering, under each guarantee."""

import pytest

from hitl.domain.actions import KINDS
from hitl.operations import ledger
from hitl.platforms.port import Guarantee
from tests.graphs.house import House, edit

ALL = ["remove_content", "warn_author", "notify_author"]


def _decided(house: House, *kinds: str) -> str:
    """A case whose decision is about to be carried out."""
    case_id = house.waiting()
    house.decide(case_id, "edit" if kinds else "approve", actions=edit(*kinds) if kinds else None)
    return case_id


def test_a_lost_answer_is_asked_for_again_with_the_same_key(house: House) -> None:
    case_id = _decided(house)
    house.world.faults = ["drop", "drop", None]
    assert house.insist() == ["again", "again", "done"]
    assert house.world.did() == ALL
    assert len(set(house.world.calls[:3])) == 1
    assert set(house.actions(case_id).values()) == {"applied"}


def test_a_lost_request_is_sent_again_with_the_same_key(house: House) -> None:
    _decided(house)
    house.world.faults = ["lose", None]
    assert house.insist() == ["again", "done"]
    assert (house.world.did(), len(set(house.world.calls[:2]))) == (ALL, 1)


@pytest.mark.parametrize("fault", ["drop", "lose"])
def test_a_platform_that_can_be_queried_is_asked_before_anything_is_sent_again(house: House, fault: str) -> None:
    house.world.guarantee = "query"
    case_id = _decided(house, "remove_content")
    house.world.faults = ["drop"] if fault == "drop" else ["lose"]
    assert house.insist() == ["again", "done"]
    assert house.world.did() == ["remove_content"]
    assert house.world.finds == [house.world.calls[0]]
    assert len(house.world.calls) == (1 if fault == "drop" else 2)
    assert house.actions(case_id) == {"remove_content": "applied"}


@pytest.mark.parametrize("fault", ["drop", "lose"])
def test_without_any_guarantee_an_unknown_outcome_is_never_retried_by_itself(house: House, fault: str) -> None:
    house.world.guarantee = "none"
    case_id = _decided(house)
    house.world.faults = ["drop"] if fault == "drop" else ["lose"]
    assert house.insist() == ["effect-unknown"]
    assert len(house.world.calls) == 1
    shown = house.show(case_id)
    assert (shown["status"], shown["needs_attention"], shown["error"]["cause"]) == ("failed", True, "effect-unknown")
    assert house.actions(case_id) == {"remove_content": "unknown", "warn_author": "planned", "notify_author": "planned"}
    house.adopt()
    assert (house.insist(), len(house.world.calls)) == ([], 1)


@pytest.mark.parametrize("guarantee", ["key", "query", "none"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_crash_around_the_call_costs_no_second_effect(house: House, guarantee: Guarantee, applied: bool) -> None:
    house.world.guarantee = guarantee
    case_id = _decided(house, "remove_content")
    (command_id,) = house.due()
    if applied:
        house.world.after_apply = house.crash
    else:
        house.world.before_apply = house.crash
    house.crashing(command_id)
    house.world.before_apply = house.world.after_apply = None
    said = house.deliver(command_id, "w2")
    if guarantee == "query" and not applied:
        assert (said, house.world.did()) == ("too-early", [])  # it may still arrive
        house.hurry()
        said = house.deliver(command_id, "w2")
    if guarantee == "none":
        assert (said, house.actions(case_id)) == ("effect-unknown", {"remove_content": "unknown"})
        assert len(house.world.done) == int(applied)
    else:
        assert (said, house.actions(case_id)) == ("done", {"remove_content": "applied"})
        assert house.world.did() == ["remove_content"]


def test_an_unknown_outcome_after_all_attempts_is_left_to_a_person(house: House) -> None:
    case_id = _decided(house)
    house.world.faults = ["lose"] * 5
    assert house.insist() == ["again"] * 4 + ["effect-unknown"]
    assert len(set(house.world.calls)) == 1
    assert house.actions(case_id)["remove_content"] == "unknown"


def test_a_refused_action_does_not_stop_the_others(house: House) -> None:
    house.world.refused_kinds = {"remove_content"}
    case_id = _decided(house)
    assert house.insist() == ["done"]
    assert house.actions(case_id) == {"remove_content": "refused", "warn_author": "applied", "notify_author": "applied"}
    assert house.show(case_id)["needs_attention"]


def test_what_cannot_be_undone_comes_last_however_it_was_ordered(house: House) -> None:
    case_id = _decided(house, "notify_author", "strike_author", "remove_content")
    house.insist()
    assert house.world.did() == ["strike_author", "remove_content", "notify_author"]
    assert not KINDS["notify_author"].reversible
    assert house.show(case_id)["outcome"] == "actioned"


def test_a_platform_that_is_down_for_a_while_costs_attempts_and_nothing_else(house: House) -> None:
    case_id = _decided(house)
    house.world.down = True
    house.hurry()
    assert house.drain() == ["again"]
    house.world.down = False
    assert house.insist() == ["done"]
    assert house.world.did() == ALL
    assert house.command(case_id)["attempts"] == 2


def test_a_platform_that_stays_down_fails_the_case_and_a_retry_finishes_it(house: House) -> None:
    case_id = _decided(house)
    house.world.down = True
    assert house.insist() == ["again"] * 4 + ["platform-unreachable"]
    assert (house.status(case_id), house.show(case_id)["error"]["cause"]) == ("failed", "platform-unreachable")
    house.world.down = False
    house.retry(case_id)
    assert house.insist() == ["done"]
    assert (house.world.did(), house.show(case_id)["outcome"]) == (ALL, "actioned")


@pytest.mark.parametrize(
    "tampering",
    [
        "update actions set target = 'post:another' where kind = 'remove_content'",
        "update actions set params = '{\"days\": 900}' where kind = 'warn_author'",
        "update actions set kind = 'suspend_author' where kind = 'warn_author'",
        """insert into actions (action_id, case_id, decision_id, round, ordinal, direction, kind, target, aspect,
                                params, reversible, status, key)
        select id, case_id, decision_id, round, 9, direction, 'suspend_author', 'author:x', aspect,
               params, true, 'planned', id || ':0' from (select gen_random_uuid() as id) new, actions
        where kind = 'warn_author'""",
    ],
)
def test_what_was_not_decided_is_not_sent(house: House, tampering: str) -> None:
    case_id = _decided(house)
    house.sql(tampering)
    assert house.insist() == ["digest-mismatch"]
    assert (house.world.calls, house.status(case_id)) == ([], "failed")
    assert house.show(case_id)["error"]["cause"] == "digest-mismatch"


def test_where_nothing_was_decided_nothing_is_sent_and_that_is_looked_at(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id, "reject")
    house.sql(
        """insert into actions (action_id, case_id, decision_id, round, ordinal, direction, kind, target, aspect,
                                params, reversible, status, key)
        select id, case_id, decision_id, round, 1, 'forward', 'suspend_author', 'author:x', 'suspend_author',
               '{}', true, 'planned', id || ':0' from (select gen_random_uuid() as id) new, decisions"""
    )
    assert house.insist() == ["digest-mismatch"]
    assert (house.world.calls, house.status(case_id)) == ([], "failed")


@pytest.mark.parametrize(("decision", "idle"), [("reject", True), ("approve", False)])
def test_the_claim_tells_whether_there_is_anything_to_do(house: House, decision: str, idle: bool) -> None:
    house.decide(house.waiting(), decision)
    (command_id,) = house.due()
    command = house.claim(command_id)
    assert ledger.idle(command, command.ref or "") is idle
    assert not ledger.idle(command, "another")


def test_a_reversal_that_is_refused_is_listed_and_tried_again_under_a_new_key(house: House) -> None:
    case_id = house.acted()
    house.world.refused_kinds = {"remove_content"}
    house.rollback(case_id)
    house.insist()
    shown = house.show(case_id)
    assert (shown["status"], shown["needs_attention"]) == ("waiting_review", True)
    assert house.actions(case_id)["remove_content"] == "reversal_incomplete"
    assert house.world.shows(house.action(case_id, "remove_content")["target"])
    first = house.action(case_id, "remove_content", "reverse")["key"]
    house.world.refused_kinds = set()
    house.settle(house.action(case_id, "remove_content")["action_id"], "retry")
    assert house.insist() == ["done"]
    assert house.actions(case_id)["remove_content"] == "reversed"
    assert house.action(case_id, "remove_content", "reverse")["key"] != first
    assert not house.show(case_id)["needs_attention"]
    assert not house.world.shows(house.action(case_id, "remove_content")["target"])


def test_a_reversal_of_unknown_outcome_stops_no_other_and_keeps_its_key(house: House) -> None:
    house.world.guarantee = "none"
    case_id = house.acted()
    house.rollback(case_id)
    house.world.faults = ["lose"]  # the newest is undone first: the warning
    house.insist()
    assert house.actions(case_id) == {
        "remove_content": "reversed",
        "warn_author": "reversal_incomplete",
        "notify_author": "irreversible",
    }
    first = house.action(case_id, "warn_author", "reverse")["key"]
    house.settle(house.action(case_id, "warn_author")["action_id"], "retry")
    assert house.insist() == ["done"]
    assert house.actions(case_id)["warn_author"] == "reversed"
    assert house.action(case_id, "warn_author", "reverse")["key"] == first


def test_reversals_go_newest_first_and_the_correction_last(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content", "strike_author", "notify_author"))
    house.rollback(case_id)
    house.insist()
    assert house.world.did("reverse") == ["strike_author", "remove_content", "notify_author"]


def test_a_kind_that_cannot_be_read_back_is_irreversible_and_says_so(house: House) -> None:
    house.world.readable = False
    case_id = house.acted("edit", actions=edit("remove_content"))
    house.rollback(case_id)
    house.insist()
    assert house.actions(case_id) == {"remove_content": "irreversible"}
    assert house.world.did("reverse") == []


def test_a_platform_that_stays_down_during_a_rollback_does_not_keep_the_next_review_from_opening(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content", "warn_author"), content_id="p")
    house.rollback(case_id)
    house.world.down = True
    house.insist()
    case = house.show(case_id)
    assert (case["status"], case["needs_attention"], case["review"]["round"]) == ("waiting_review", True, 2)
    assert set(house.actions(case_id).values()) == {"reversal_incomplete"}

    house.world.down = False
    for action in [a for a in case["actions"] if a["status"] == "reversal_incomplete"]:
        house.settle(action["action_id"], "retry")
    house.insist()

    assert set(house.actions(case_id).values()) == {"reversed"}
    assert not house.show(case_id)["needs_attention"]
    assert house.world.shows("post:p") == {}
