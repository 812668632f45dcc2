"""A person ends what the machine cannot: every outcome, from every state that allows it, and nothing is done twice."""

import threading
from typing import Any

import pytest

from hitl.errors import Conflict, Missing, Refused
from tests.graphs.house import AUTHOR, MODERATOR, SUPERVISOR, SUPERVISOR_2, House, edit

POST = "post:p"


def _unknown(house: House, *, applied: bool) -> str:
    """A case that failed because nobody knows whether the post was removed; the warning waits behind it."""
    house.world.guarantee = "none"
    house.world.faults = ["drop" if applied else "lose"]
    return house.acted(content_id="p")


def _incomplete(house: House, fault: Any = "refuse") -> str:
    """A case in its second round whose post could not be restored."""
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.guarantee = "none"
    house.world.faults = [fault]
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    return case_id


def _conflict(house: House) -> str:
    """A case in its second round whose post somebody else changed."""
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.state[POST] = {"remove_content": {"by": "the law"}}
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    return case_id


def _of(house: House, case_id: str) -> str:
    return str(house.action(case_id, "remove_content")["action_id"])


def test_it_happened_and_the_rest_is_done(house: House) -> None:
    case_id = _unknown(house, applied=True)
    answer = house.settle(_of(house, case_id), "happened")
    assert answer["status"] == "executing"
    assert house.insist() == ["done"]
    assert house.world.did() == ["remove_content", "warn_author", "notify_author"]
    assert (house.show(case_id)["outcome"], house.show(case_id)["needs_attention"]) == ("actioned", False)
    house.rollback(case_id)
    house.insist()
    assert (house.actions(case_id)["remove_content"], house.world.shows(POST)) == ("reversed", {})


def test_it_did_not_happen_and_the_rest_is_done(house: House) -> None:
    case_id = _unknown(house, applied=False)
    house.settle(_of(house, case_id), "did_not_happen")
    assert house.insist() == ["done"]
    assert house.world.did() == ["warn_author", "notify_author"]
    assert house.actions(case_id)["remove_content"] == "refused"


def test_it_is_tried_again_with_the_same_key_and_the_first_before_image(house: House) -> None:
    case_id = _unknown(house, applied=False)
    house.settle(_of(house, case_id), "retry")
    assert house.insist() == ["done"]
    assert house.world.did() == ["remove_content", "warn_author", "notify_author"]
    assert house.world.calls[0] == house.world.calls[1]
    assert house.action(case_id, "remove_content")["before"] is None


def test_a_retry_that_breaks_off_again_is_unknown_again(house: House) -> None:
    case_id = _unknown(house, applied=False)
    house.settle(_of(house, case_id), "retry")
    (command_id,) = house.due()
    house.world.after_apply = house.crash
    house.crashing(command_id)
    house.world.after_apply = None
    assert house.deliver(command_id) == "effect-unknown"
    assert (house.world.did(), house.actions(case_id)["remove_content"]) == (["remove_content"], "unknown")


@pytest.mark.parametrize("outcome", ["overwrite", "leave"])
def test_an_unknown_action_is_not_settled_by_what_is_for_reversals(house: House, outcome: Any) -> None:
    case_id = _unknown(house, applied=True)
    with pytest.raises(Conflict):
        house.settle(_of(house, case_id), outcome)


@pytest.mark.parametrize("outcome", ["happened", "did_not_happen", "retry", "leave"])
@pytest.mark.parametrize("fault", ["refuse", "lose", "drop"])
def test_an_incomplete_reversal_ends_as_a_person_says(house: House, outcome: Any, fault: str) -> None:
    case_id = _incomplete(house, fault)
    assert house.show(case_id)["needs_attention"]
    assert house.actions(case_id) == {"remove_content": "reversal_incomplete"}
    house.settle(_of(house, case_id), outcome)
    house.insist()
    shown = house.show(case_id)
    assert (shown["status"], shown["needs_attention"]) == ("waiting_review", False)
    ends = {"happened": "reversed", "retry": "reversed", "did_not_happen": "applied", "leave": "irreversible"}
    assert house.actions(case_id) == {"remove_content": ends[outcome]}
    if outcome == "retry":
        assert house.world.shows(POST) == {}


@pytest.mark.parametrize(("outcome", "status"), [("happened", "reversed"), ("leave", "reversed"),
                                                 ("did_not_happen", "applied"), ("retry", "conflict"),
                                                 ("overwrite", "reversed")])  # fmt: skip
def test_a_conflict_ends_as_a_person_says(house: House, outcome: Any, status: str) -> None:
    case_id = _conflict(house)
    house.settle(_of(house, case_id), outcome)
    house.insist()
    assert house.actions(case_id) == {"remove_content": status}
    assert house.show(case_id)["needs_attention"] == (status == "conflict")
    assert house.world.shows(POST) == ({} if outcome == "overwrite" else {"remove_content": {"by": "the law"}})


def test_a_reversal_is_settled_by_its_own_id_just_as_well(house: House) -> None:
    case_id = _incomplete(house)
    house.settle(house.action(case_id, "remove_content", "reverse")["action_id"], "happened")
    assert house.actions(case_id) == {"remove_content": "reversed"}


def test_only_supervisors_settle_and_only_once(house: House) -> None:
    case_id = _incomplete(house)
    for person in (AUTHOR, MODERATOR):
        with pytest.raises(Refused):
            house.settle(_of(house, case_id), "happened", by=person)
    house.settle(_of(house, case_id), "happened")
    with pytest.raises(Conflict):
        house.settle(_of(house, case_id), "happened", by=SUPERVISOR_2)
    with pytest.raises(Missing):
        house.settle(case_id, "happened")


def test_who_settled_it_and_why_is_kept(house: House) -> None:
    case_id = _incomplete(house)
    house.settle(_of(house, case_id), "did_not_happen")
    assert [(r["person"], r["outcome"], r["reason"]) for r in house.rows("select * from settlements")] == [
        ("dev-supervisor", "did_not_happen", "looked")
    ]
    assert house.told(case_id)[-1] == "action_settled"


def test_a_reversal_that_is_being_tried_again_cannot_be_settled_meanwhile(house: House) -> None:
    case_id = _conflict(house)
    house.settle(_of(house, case_id), "retry")
    for outcome in ("happened", "retry", "overwrite"):
        with pytest.raises(Conflict):
            house.settle(_of(house, case_id), outcome)
    assert house.insist() == ["done"]


@pytest.mark.parametrize("first", ["settle", "resume"])
def test_a_settling_and_the_cases_own_command_never_run_at_once(house: House, first: str) -> None:
    case_id = _incomplete(house)
    house.settle(_of(house, case_id), "retry")
    house.decide(case_id, "reject", by=SUPERVISOR_2)
    ids = {kind: house.command(case_id, kind)["command_id"] for kind in ("settle", "resume")}
    run = house.claim(ids.pop(first))
    (other,) = ids.values()
    assert house.deliver(other, "w2") is None
    assert house.runner().run(run) == "done"
    assert house.insist() == ["done"]
    assert len(house.world.did("reverse")) == 1
    assert house.actions(case_id) == {"remove_content": "reversed"}


def test_a_settling_that_cannot_reach_the_platform_leaves_the_case_as_it_was(house: House) -> None:
    case_id = _incomplete(house)
    house.settle(_of(house, case_id), "retry")
    house.world.unreadable_now = True
    house.insist()
    shown = house.show(case_id)
    assert (shown["status"], shown["review"]["status"], shown["needs_attention"]) == ("waiting_review", "open", True)
    assert house.actions(case_id) == {"remove_content": "reversal_incomplete"}
    house.world.unreadable_now = False
    house.settle(_of(house, case_id), "retry")
    house.insist()
    assert house.actions(case_id) == {"remove_content": "reversed"}


def test_a_settling_that_dies_again_and_again_frees_the_target(house: House) -> None:
    case_id = _incomplete(house)
    house.decide(case_id, "reject", by=SUPERVISOR_2)
    house.drain()
    assert house.status(case_id) == "completed"
    house.world.guarantee = "key"
    house.settle(_of(house, case_id), "retry")
    (command_id,) = house.due()
    house.world.before_apply = house.crash
    for _ in range(5):
        house.crashing(command_id)
    house.adopt()
    house.world.before_apply = None
    house.insist()
    assert (house.status(case_id), house.show(case_id)["needs_attention"]) == ("completed", True)
    assert house.actions(case_id) == {"remove_content": "reversal_incomplete"}
    other = house.acted("edit", actions=edit("remove_content"), content="another", content_id="p")
    assert house.show(other)["outcome"] == "actioned"


def test_a_rollback_that_cannot_reach_the_platform_says_so_and_goes_on_when_it_is_retried(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.rollback(case_id)
    house.world.unreadable_now = True
    house.insist()
    assert (house.status(case_id), house.show(case_id)["needs_attention"]) == ("waiting_review", True)
    house.world.unreadable_now = False
    house.settle(_of(house, case_id), "retry")
    assert house.insist() == ["done"]
    assert house.actions(case_id)["remove_content"] == "reversed"
    assert (house.status(case_id), house.world.shows(POST)) == ("waiting_review", {})


def test_a_rollback_that_died_in_mid_call_is_for_a_person_to_settle(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.rollback(case_id)
    (command_id,) = house.due()
    house.world.after_apply = house.crash
    for _ in range(5):
        house.crashing(command_id)
    house.world.after_apply = None
    house.adopt()
    assert house.status(case_id) == "failed"
    assert house.actions(case_id) == {"remove_content": "reversal_incomplete"}
    house.settle(_of(house, case_id), "happened")
    assert house.actions(case_id) == {"remove_content": "reversed"}
    house.retry(case_id)
    house.insist()
    assert house.status(case_id) == "waiting_review"


def test_an_unknown_action_of_a_round_that_is_over_is_not_tried_again(house: House) -> None:
    house.world.guarantee = "none"
    case_id = house.waiting(content_id="p")
    house.decide(case_id, "edit", actions=edit("strike_author", "remove_content", "warn_author"))
    house.world.faults = [None, "drop"]
    house.insist()
    assert house.status(case_id) == "failed"
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    assert house.actions(case_id) == {
        "strike_author": "reversed",
        "remove_content": "unknown",
        "warn_author": "refused",
    }
    with pytest.raises(Conflict):
        house.settle(_of(house, case_id), "retry")
    house.settle(_of(house, case_id), "happened")
    assert house.status(case_id) == "waiting_review"
    house.decide(case_id, "reject", by=SUPERVISOR_2)
    house.insist()
    assert (house.actions(case_id)["remove_content"], house.world.shows(POST)) == ("reversed", {})


def test_two_supervisors_settling_at_once_are_one(house: House) -> None:
    case_id = _incomplete(house)
    said: list[str] = []

    def settle(person: Any) -> None:
        try:
            house.settle(_of(house, case_id), "retry", by=person)
            said.append("settled")
        except Conflict:
            said.append("conflict")

    threads = [threading.Thread(target=settle, args=(p,)) for p in (SUPERVISOR, SUPERVISOR_2) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["conflict"] * 3 + ["settled"]
