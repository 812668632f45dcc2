"""A closed case says what stands: settling afterwards changes its outcome, and an event tells it."""

from typing import Any

import pytest

from tests.graphs.house import SUPERVISOR, SUPERVISOR_2, House, edit
from tests.graphs.troubled import kept_with_a_conflict

POST = "post:p"


def _of(house: House, case_id: str) -> str:
    return str(house.action(case_id, "remove_content")["action_id"])


@pytest.mark.parametrize(
    ("outcome", "ends"), [("overwrite", "kept"), ("leave", "kept"), ("did_not_happen", "actioned")]
)
def test_a_settled_conflict_changes_the_outcome_of_a_closed_case(house: House, outcome: Any, ends: str) -> None:
    case_id = kept_with_a_conflict(house)
    house.settle(_of(house, case_id), outcome)
    house.insist()
    assert (house.status(case_id), house.show(case_id)["outcome"]) == ("completed", ends)
    assert ("outcome_changed" in house.told(case_id)) == (ends == "kept")
    assert house.show(case_id)["version"] == len(house.events(case_id))


def test_what_cannot_be_taken_back_still_stands(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.faults = ["refuse"]
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    house.decide(case_id, "reject", by=SUPERVISOR_2)
    house.insist()
    house.settle(_of(house, case_id), "leave")
    assert (house.actions(case_id), house.show(case_id)["outcome"]) == ({"remove_content": "irreversible"}, "actioned")


def _unknown_of_a_round_that_was_rolled_back(house: House) -> str:
    house.world.guarantee = "none"
    case_id = house.waiting(content_id="p")
    house.decide(case_id, "edit", actions=edit("strike_author", "remove_content"))
    house.world.faults = [None, "drop"]
    house.insist()
    assert house.status(case_id) == "failed"
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    return case_id


@pytest.mark.parametrize("closed", [True, False])
def test_an_effect_found_after_its_round_was_rolled_back_is_undone_too(house: House, closed: bool) -> None:
    case_id = _unknown_of_a_round_that_was_rolled_back(house)
    if closed:
        house.decide(case_id, "reject", by=SUPERVISOR_2)
        house.insist()
        assert (house.status(case_id), house.show(case_id)["needs_attention"]) == ("completed", True)
    house.settle(_of(house, case_id), "happened")
    house.insist()
    assert (house.actions(case_id)["remove_content"], house.world.shows(POST)) == ("reversed", {})
    shown = house.show(case_id)
    assert (shown["outcome"], shown["needs_attention"]) == ("kept" if closed else None, False)


def test_an_effect_found_in_a_held_round_stands_until_that_is_decided(house: House) -> None:
    house.analyzer.policies = ("violence",)
    house.world.guarantee, house.world.faults = "none", [None, "drop"]
    case_id = house.acted("edit", actions=[*edit(suspend_author={"days": 3}), *edit("remove_content")])
    assert house.status(case_id) == "failed"
    house.rollback(case_id)
    house.insist()
    house.settle(_of(house, case_id), "happened")
    house.insist()
    assert house.actions(case_id)["remove_content"] == "applied"
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.insist()
    assert house.actions(case_id)["remove_content"] == "reversed"


def test_the_permission_to_overwrite_is_for_once(house: House) -> None:
    case_id = kept_with_a_conflict(house)
    house.world.faults = ["refuse"]
    house.settle(_of(house, case_id), "overwrite")
    house.insist()
    assert house.action(case_id, "remove_content", "reverse")["overwrite"]
    house.rollback(case_id, by=SUPERVISOR)
    assert not house.action(case_id, "remove_content", "reverse")["overwrite"]
    house.insist()
    assert house.world.shows(POST) == {"remove_content": {"by": "the law"}}
