"""Deciding: who may, once, on what was asked; intents and command are written with the decision or not at all."""

import threading
from typing import Any

import psycopg
import pytest

from hitl.domain.actions import digest
from hitl.domain.people import Person
from hitl.errors import Conflict, ConflictOfInterest, GuardianError, Invalid, Missing, Refused, StaleReview
from tests.graphs.house import ADMIN, AUTHOR, MODERATOR, MODERATOR_2, SUPERVISOR, SUPERVISOR_2, House, edit

ALL = ["remove_content", "warn_author", "notify_author"]


def test_eight_deciders_at_once_are_one_winner_and_seven_stale(house: House) -> None:
    case_id = house.waiting()
    review_id = house.show(case_id)["review"]["review_id"]
    people = [Person(f"moderator-{n}", frozenset({"moderator"})) for n in range(8)]
    won: list[str] = []
    lost: list[GuardianError] = []
    gate = threading.Barrier(8)

    def race(n: int) -> None:
        gate.wait()
        try:
            house.decide(case_id, "approve" if n % 2 else "reject", by=people[n], review_id=review_id)
            won.append(people[n].id)
        except StaleReview as stale:
            lost.append(stale)

    threads = [threading.Thread(target=race, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert {e.facts["decided_by"] for e in lost} == set(won)
    assert all(e.facts["decided_at"] for e in lost)
    house.drain()
    assert house.told(case_id).count("review_decided") == 1
    assert house.world.did() == (ALL if house.show(case_id)["decision"]["decision"] == "approve" else [])


@pytest.mark.parametrize("person", [AUTHOR, Person("somebody", frozenset({"service"}))])
def test_who_is_no_moderator_may_not_decide(house: House, person: Person) -> None:
    case_id = house.waiting()
    with pytest.raises(Refused):
        house.decide(case_id, by=person)


@pytest.mark.parametrize("person", [MODERATOR, SUPERVISOR, ADMIN])
def test_moderators_and_those_above_decide_the_first_round(house: House, person: Person) -> None:
    case_id = house.waiting()
    assert house.decide(case_id, by=person)["status"] == "executing"


def test_only_supervisors_decide_the_second_round(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    with pytest.raises(Refused) as refusal:
        house.decide(case_id, "reject", by=MODERATOR_2)
    assert not isinstance(refusal.value, ConflictOfInterest)
    house.decide(case_id, "reject", by=SUPERVISOR)


def test_another_tenants_moderator_finds_no_such_case(house: House) -> None:
    case_id = house.waiting()
    with pytest.raises(Missing):
        house.decide(case_id, by=Person("m", frozenset({"moderator"}), "other"))


def test_a_review_of_another_case_is_no_review_of_this_one(house: House) -> None:
    one, other = house.waiting(), house.waiting(content="more")
    with pytest.raises(Missing):
        house.decide(one, review_id=house.show(other)["review"]["review_id"])


def _both(name: str) -> Person:
    return Person(name, frozenset({"author", "service", "supervisor"}))


def test_nobody_decides_what_they_wrote(house: House) -> None:
    case_id = house.waiting(by=Person("backend", frozenset({"service"})), author_id="writer")
    with pytest.raises(ConflictOfInterest):
        house.decide(case_id, by=_both("writer"))


def test_nobody_decides_what_they_started(house: House) -> None:
    case_id = house.waiting(by=_both("starter"), author_id="writer")
    with pytest.raises(ConflictOfInterest):
        house.decide(case_id, by=_both("starter"))


def test_nobody_decides_what_they_decided_before(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id, by=SUPERVISOR)
    house.drain()
    house.rollback(case_id)
    house.drain()
    with pytest.raises(ConflictOfInterest):
        house.decide(case_id, "reject", by=SUPERVISOR)
    house.decide(case_id, "reject", by=SUPERVISOR_2)


def test_nobody_decides_what_they_ordered_reversed(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id, by=SUPERVISOR)
    house.drain()
    with pytest.raises(ConflictOfInterest):
        house.decide(case_id, "reject", by=SUPERVISOR)


def test_one_vote_of_two_decides_nothing(house: House) -> None:
    case_id = house.waiting()
    house.sql("update reviews set quorum = 2")
    assert house.decide(case_id)["decision_id"] is None
    assert house.told(case_id)[-1] == "vote_cast"
    assert house.decide(case_id, by=MODERATOR_2)["decision_id"]


def test_two_of_one_mind_are_a_quorum_and_two_of_two_minds_are_none(house: House) -> None:
    case_id = house.waiting()
    house.sql("update reviews set quorum = 2")
    house.decide(case_id, "approve")
    assert house.decide(case_id, "reject", by=MODERATOR_2)["decision_id"] is None
    assert house.decide(case_id, "approve", by=MODERATOR)["decision_id"] is None, "one person has one vote"
    assert house.decide(case_id, "reject", by=SUPERVISOR)["decision_id"]


def test_two_who_want_different_actions_are_of_two_minds(house: House) -> None:
    case_id = house.waiting()
    house.sql("update reviews set quorum = 2")
    house.decide(case_id, "edit", actions=edit("remove_content"))
    assert house.decide(case_id, "edit", actions=edit("warn_author"), by=MODERATOR_2)["decision_id"] is None
    answer = house.decide(case_id, "edit", actions=edit("warn_author"), by=SUPERVISOR)
    assert answer["decision_id"]
    assert [a["kind"] for a in house.show(case_id)["decision"]["actions"]] == ["warn_author"]


def test_what_was_not_offered_cannot_be_chosen_and_what_was_is_named(house: House) -> None:
    case_id = house.waiting()
    with pytest.raises(Invalid, match=r"offers approve \(Remove the post\), edit \(Choose other actions\), reject"):
        house.decide(case_id, "respond", response="Which one?")


@pytest.mark.parametrize(
    ("decision", "more", "field"),
    [
        ("approve", {"reason": None}, "reason"),
        ("approve", {"reason": "  "}, "reason"),
        ("edit", {"reason": None, "actions": edit("remove_content")}, "reason"),
        ("edit", {"actions": []}, "actions"),
        ("edit", {"actions": None}, "actions"),
        ("edit", {"actions": edit("no_such_action")}, "actions"),
        ("edit", {"actions": [{"kind": "remove_content", "target": "post:another"}]}, "actions"),
        ("edit", {"actions": edit(suspend_author={"days": 0})}, "actions"),
        ("edit", {"actions": edit("suspend_author"), "policies": ["profanity"]}, "actions"),
        ("approve", {"actions": edit("remove_content")}, "actions"),
        ("reject", {"actions": edit("remove_content")}, "actions"),
        ("respond", {"response": "Which one?"}, "decision"),
        ("reject", {"policies": ["no-such"]}, "policies"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_written(
    house: House, decision: str, more: dict[str, Any], field: str
) -> None:
    case_id = house.waiting()
    before = house.dump()
    with pytest.raises(Invalid) as refusal:
        house.decide(case_id, decision, **more)
    assert refusal.value.facts["field"] == field
    assert house.dump() == before


def test_keeping_a_post_needs_no_reason(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id, "reject", reason=None)
    house.drain()
    assert house.show(case_id)["outcome"] == "kept"


def test_the_policies_of_a_decision_are_the_verdicts_unless_others_are_named(house: House) -> None:
    house.analyzer.policies = ("harassment", "spam")
    one, other = house.waiting(), house.waiting(content="more")
    house.decide(one)
    house.decide(other, policies=["hate"])
    assert house.show(one)["decision"]["policies"] == ["harassment", "spam"]
    assert house.show(other)["decision"]["policies"] == ["hate"]


def test_a_decision_carries_the_digest_of_exactly_its_actions(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id, "edit", actions=edit("remove_content", suspend_author={"days": 3}))
    decision = house.show(case_id)["decision"]
    row = house.rows("select digest from decisions")[0]
    assert row["digest"] == digest(decision["actions"])
    planned = house.rows("select kind, target, params from actions order by ordinal")
    assert digest(planned) == row["digest"]


def test_a_decision_is_never_changed(house: House) -> None:
    house.acted()
    for change in ("decision = 'reject'", "decided_by = 'me'", "digest = ''", "actions = '[]'"):
        with pytest.raises(psycopg.errors.RaiseException):
            house.sql(f"update decisions set {change}")  # noqa: S608
    house.sql("update decisions set reason = null")  # what was written can be erased


def test_an_answer_goes_back_and_nothing_is_done(house: House) -> None:
    case_id = house.waiting()
    house.offer("respond")
    with pytest.raises(Invalid, match="needs a text"):
        house.decide(case_id, "respond", response=" ")
    house.decide(case_id, "respond", response="Which of the two do you mean?")
    house.drain()
    assert (house.show(case_id)["outcome"], house.world.done) == ("answered", [])


def test_what_is_being_carried_out_cannot_be_decided_again(house: House) -> None:
    case_id = house.waiting()
    review_id = house.show(case_id)["review"]["review_id"]
    house.decide(case_id)
    for _ in range(2):
        with pytest.raises(StaleReview):
            house.decide(case_id, by=MODERATOR_2, review_id=review_id)
        house.drain()
    house.rollback(case_id)
    house.drain()
    with pytest.raises(Conflict):
        house.decide(case_id, by=SUPERVISOR, review_id=review_id)
    assert house.show(case_id)["review"]["status"] == "open"
