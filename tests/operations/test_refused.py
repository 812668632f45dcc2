"""A platform that says no to what was decided: a person is called, and tries again or lets it be."""

from typing import Any

import pytest

from hitl.errors import Conflict
from tests.graphs.house import SUPERVISOR, SUPERVISOR_2, House, edit

POST = "post:p"


def _refused(house: House, *others: str, **more: Any) -> str:
    """A completed case whose post the platform would not remove."""
    house.world.refused_kinds = {"remove_content"}
    case_id = house.acted("edit", actions=edit("remove_content", *others), content_id="p", **more)
    house.world.refused_kinds = set()
    assert house.action(case_id, "remove_content")["status"] == "refused"
    return case_id


def _of(house: House, case_id: str) -> str:
    return str(house.action(case_id, "remove_content")["action_id"])


def _stands(house: House, case_id: str) -> tuple[str, str | None, bool]:
    shown = house.show(case_id)
    return shown["status"], shown["outcome"], shown["needs_attention"]


def test_a_refused_action_calls_for_a_person(house: House) -> None:
    case_id = _refused(house)
    assert _stands(house, case_id) == ("completed", "kept", True)


def test_it_is_tried_again_with_a_new_key_and_the_outcome_follows(house: House) -> None:
    case_id = _refused(house)
    house.settle(_of(house, case_id), "retry")
    assert not house.show(case_id)["needs_attention"]
    assert house.insist() == ["done"]
    assert _stands(house, case_id) == ("completed", "actioned", False)
    assert (house.world.did(), house.world.shows(POST)) == (["remove_content"], {"remove_content": {"removed": True}})
    assert len(set(house.world.calls)) == 2
    assert house.told(case_id)[-3:] == ["action_applied", "actions_settled", "outcome_changed"]
    assert house.events(case_id)[-1]["data"] == {"outcome": "actioned", "was": "kept"}


def test_what_was_tried_again_is_undone_like_anything_else(house: House) -> None:
    case_id = _refused(house)
    house.settle(_of(house, case_id), "retry")
    house.insist()
    house.rollback(case_id)
    house.insist()
    assert (house.actions(case_id)["remove_content"], house.world.shows(POST)) == ("reversed", {})


def test_refused_again_it_calls_again(house: House) -> None:
    case_id = _refused(house)
    house.world.refused_kinds = {"remove_content"}
    house.settle(_of(house, case_id), "retry")
    assert house.insist() == ["done"]
    assert _stands(house, case_id) == ("completed", "kept", True)


@pytest.mark.parametrize("outcome", ["leave", "did_not_happen"])
def test_a_person_lets_it_be(house: House, outcome: Any) -> None:
    case_id = _refused(house)
    house.settle(_of(house, case_id), outcome)
    assert _stands(house, case_id) == ("completed", "kept", False)
    assert (house.actions(case_id), house.due()) == ({"remove_content": "refused"}, [])
    assert house.action(case_id, "remove_content")["error"] == "the platform says no"
    with pytest.raises(Conflict):
        house.settle(_of(house, case_id), "retry", by=SUPERVISOR_2)


@pytest.mark.parametrize("outcome", ["happened", "overwrite"])
def test_what_the_platform_denied_did_not_happen(house: House, outcome: Any) -> None:
    case_id = _refused(house)
    with pytest.raises(Conflict):
        house.settle(_of(house, case_id), outcome)


def test_what_a_rollback_dropped_calls_for_nobody(house: House) -> None:
    case_id = _refused(house, "warn_author")
    house.rollback(case_id)
    house.insist()
    assert _stands(house, case_id) == ("waiting_review", None, False)
    with pytest.raises(Conflict):
        house.settle(_of(house, case_id), "retry")


def test_a_retry_that_was_rolled_back_before_it_ran_does_nothing(house: House) -> None:
    case_id = _refused(house, "warn_author")
    house.settle(_of(house, case_id), "retry")
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    assert (house.world.did(), house.actions(case_id)["remove_content"]) == (["warn_author"], "refused")
    assert _stands(house, case_id) == ("waiting_review", None, False)


def test_a_rollback_waits_for_a_retry_that_is_under_way(house: House) -> None:
    case_id = _refused(house, "warn_author")
    house.settle(_of(house, case_id), "retry")
    (command_id,) = house.due()
    house.world.after_apply = house.crash
    house.crashing(command_id)
    house.world.after_apply = None
    with pytest.raises(Conflict, match="tried again"):
        house.rollback(case_id, by=SUPERVISOR)
    house.adopt()
    house.insist()
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    assert (house.actions(case_id)["remove_content"], house.world.shows(POST)) == ("reversed", {})


def test_a_retry_of_unknown_outcome_can_be_settled_too(house: House) -> None:
    case_id = _refused(house)
    house.world.guarantee, house.world.faults = "none", ["drop"]
    house.settle(_of(house, case_id), "retry")
    assert house.insist() == ["effect-unknown"]
    assert _stands(house, case_id) == ("completed", "kept", True)
    house.settle(_of(house, case_id), "happened")
    assert _stands(house, case_id) == ("completed", "actioned", False)
    assert house.told(case_id)[-1] == "outcome_changed"


def test_a_retry_that_never_reaches_the_platform_calls_again(house: House) -> None:
    case_id = _refused(house)
    house.settle(_of(house, case_id), "retry")
    house.world.down = True
    house.insist()
    house.world.down = False
    assert _stands(house, case_id) == ("completed", "kept", True)
    house.settle(_of(house, case_id), "retry")
    house.insist()
    assert _stands(house, case_id) == ("completed", "actioned", False)


def test_a_failed_case_tries_the_refused_action_again_with_the_rest(house: House) -> None:
    house.world.guarantee, house.world.faults = "none", ["refuse", "lose"]
    case_id = house.acted("edit", actions=edit("remove_content", "warn_author"), content_id="p")
    assert house.status(case_id) == "failed"
    assert house.settle(_of(house, case_id), "retry")["status"] == "failed", "the other is still of unknown outcome"
    house.settle(house.action(case_id, "warn_author")["action_id"], "did_not_happen")
    assert house.insist() == ["done"]
    assert _stands(house, case_id) == ("completed", "actioned", False)
    assert house.world.did() == ["remove_content"]


def test_what_is_sent_again_is_what_was_decided(house: House) -> None:
    case_id = _refused(house)
    house.settle(_of(house, case_id), "retry")
    house.sql("update actions set target = 'post:another'")
    assert house.insist() == ["digest-mismatch"]
    assert house.world.did() == []
    assert _stands(house, case_id) == ("completed", "kept", True)
