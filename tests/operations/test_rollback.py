"""Appeals and orders: who may, once, while something stands; what an appeal does is the policy's to say."""

import threading
from typing import Any

import pytest

from hitl.domain.people import Person
from hitl.errors import AppealExpired, AppealUsed, Conflict, Missing, NothingApplied, Refused, RollbackInProgress
from tests.graphs.house import AUTHOR, AUTHOR_2, MODERATOR, SUPERVISOR, SUPERVISOR_2, House, edit


def _held(house: House) -> str:
    """A decided case under a policy whose appeals leave the effects standing."""
    house.analyzer.policies = ("violence",)
    return house.acted(content_id="p")


def test_an_appeal_reverses_first_and_then_asks_a_supervisor(house: House) -> None:
    case_id = house.acted()
    answer = house.rollback(case_id)
    assert answer["status"] == "rolling_back"
    house.drain()
    shown = house.show(case_id)
    assert (shown["status"], shown["round"], shown["review"]["level"]) == ("waiting_review", 2, 2)
    assert house.world.did("reverse") == ["warn_author", "remove_content", "notify_author"]
    assert (shown["appeal"]["kind"], shown["appeal"]["on_appeal"], shown["appeal"]["round"]) == ("appeal", "reverse", 2)


@pytest.mark.parametrize("decision", ["approve", "edit", "reject"])
def test_after_a_reversal_the_next_round_decides_anew(house: House, decision: str) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    house.decide(case_id, decision, by=SUPERVISOR, actions=edit("strike_author") if decision == "edit" else None)
    house.drain()
    again = {"approve": ["remove_content", "warn_author", "notify_author"], "edit": ["strike_author"], "reject": []}
    assert house.world.did()[3:] == again[decision]
    assert house.show(case_id)["outcome"] == ("kept" if decision == "reject" else "actioned")


@pytest.mark.parametrize("decision", ["approve", "edit", "reject"])
def test_a_held_appeal_leaves_everything_standing_until_it_is_decided(house: House, decision: str) -> None:
    case_id = _held(house)
    house.rollback(case_id)
    house.drain()
    review = house.show(case_id)["review"]
    assert house.world.did("reverse") == []
    assert (review["proposed_actions"], review["choices"][0]["label"]) == ([], "Uphold what was done")
    house.decide(case_id, decision, by=SUPERVISOR, actions=edit("warn_author") if decision == "edit" else None)
    house.drain()
    undone = [] if decision == "approve" else ["suspend_author", "remove_content", "notify_author"]
    assert house.world.did("reverse") == undone
    assert house.world.did()[3:] == (["warn_author"] if decision == "edit" else [])
    assert house.show(case_id)["outcome"] == ("kept" if decision == "reject" else "actioned")
    assert house.world.shows("post:p") == ({"remove_content": {"removed": True}} if decision == "approve" else {})


def test_what_a_held_appeal_chose_instead_is_done_after_the_undoing(house: House) -> None:
    case_id = _held(house)
    house.rollback(case_id)
    house.drain()
    house.decide(case_id, "edit", by=SUPERVISOR, actions=edit("remove_content"))
    house.drain()
    assert house.world.shows("post:p") == {"remove_content": {"removed": True}}
    assert house.world.shows("author:dev-author") == {}
    assert [(d.kind, d.direction) for d in house.world.done][-1] == ("remove_content", "forward")


def test_a_supervisors_order_reverses_even_what_an_appeal_would_hold(house: House) -> None:
    case_id = _held(house)
    house.rollback(case_id, by=SUPERVISOR)
    house.drain()
    assert house.world.shows("post:p") == {}
    assert house.show(case_id)["appeal"]["kind"] == "order"


def test_one_policy_that_holds_is_enough(house: House) -> None:
    house.analyzer.policies = ("harassment", "personal_data")
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    assert house.world.did("reverse") == []


def test_the_policies_that_the_decision_names_are_those_that_count(house: House) -> None:
    house.analyzer.policies = ("harassment", "personal_data")
    case_id = house.acted(policies=["harassment"])
    house.rollback(case_id)
    house.drain()
    assert len(house.world.did("reverse")) == 3


@pytest.mark.parametrize(
    ("state", "slug"),
    [
        ("waiting_review", "nothing-applied"),
        ("kept", "nothing-applied"),
        ("only-told", "nothing-applied"),
        ("received", "nothing-applied"),
        ("executing", "conflict"),
        ("rolling_back", "rollback-in-progress"),
        ("reopened", "rollback-in-progress"),
        ("upheld", "appeal-used"),
        ("late", "appeal-expired"),
    ],
)
def test_every_reason_why_not_has_its_name(house: House, state: str, slug: str) -> None:
    house.analyzer.policies = ("violence",) if state == "upheld" else ("harassment",)
    case_id = _in(house, state)
    before = house.dump()
    with pytest.raises(Conflict) as refusal:
        house.rollback(case_id, by=AUTHOR)
    assert (refusal.value.slug, house.dump()) == (slug, before)


def _in(house: House, state: str) -> str:
    case_id = house.start()
    if state == "received":
        return case_id
    house.drain()
    decision: dict[str, Any] = {"kept": {"decision": "reject"}, "only-told": {"decision": "edit"}}.get(state, {})
    if state != "waiting_review":
        house.decide(case_id, **decision, actions=edit("notify_author") if state == "only-told" else None)
    if state == "executing":
        return case_id
    house.drain()
    if state in ("rolling_back", "reopened", "upheld"):
        house.rollback(case_id)
    if state in ("reopened", "upheld"):
        house.drain()
    if state == "upheld":
        house.decide(case_id, "approve", by=SUPERVISOR)
        house.drain()
    if state == "late":
        with house.store.transaction() as tx:
            tx.execute("set local session_replication_role = replica")  # past the trigger that bars changes
            tx.execute("update decisions set decided_at = now() - interval '185 days'")
    return case_id


def test_the_slugs_are_those_of_the_contract() -> None:
    kinds = (NothingApplied, RollbackInProgress, AppealUsed, AppealExpired)
    assert [k.slug for k in kinds] == ["nothing-applied", "rollback-in-progress", "appeal-used", "appeal-expired"]


@pytest.mark.parametrize("state", ["upheld", "late"])
def test_where_an_author_can_no_longer_appeal_a_supervisor_can_still_order(house: House, state: str) -> None:
    house.analyzer.policies = ("violence",)
    case_id = _in(house, state)
    house.rollback(case_id, by=SUPERVISOR_2)
    house.drain()
    assert house.status(case_id) == "waiting_review"


def test_after_an_order_the_new_decision_can_be_appealed_once(house: House) -> None:
    house.people += [Person("sup-3", frozenset({"supervisor"}))]
    case_id = house.acted()
    house.rollback(case_id, by=SUPERVISOR)
    house.drain()
    house.decide(case_id, "approve", by=SUPERVISOR_2)
    house.drain()
    house.rollback(case_id, by=AUTHOR)
    house.drain()
    assert house.show(case_id)["round"] == 3
    house.decide(case_id, "approve", by=house.people[-1])
    house.drain()
    with pytest.raises(AppealUsed):
        house.rollback(case_id, by=AUTHOR)


def test_who_neither_started_wrote_nor_supervises_may_not(house: House) -> None:
    case_id = house.acted(by=MODERATOR)
    with pytest.raises(Refused):
        house.rollback(case_id, by=MODERATOR)
    for person in (AUTHOR_2, Person("s", frozenset({"supervisor"}), "other")):
        with pytest.raises(Missing):
            house.rollback(case_id, by=person)


def test_the_author_may_appeal_what_a_backend_started_for_them(house: House) -> None:
    case_id = house.acted(author_id="dev-author-2")
    house.rollback(case_id, by=AUTHOR_2)
    assert house.show(case_id)["appeal"]["by"] == "dev-author-2"


def test_asked_eight_times_at_once_it_reverses_once(house: House) -> None:
    case_id = house.acted()
    said: list[str] = []

    def ask(person: Person) -> None:
        try:
            said.append(house.rollback(case_id, by=person)["status"])
        except Conflict as refusal:
            said.append(refusal.slug)

    threads = [threading.Thread(target=ask, args=(p,)) for p in (AUTHOR, SUPERVISOR) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["rollback-in-progress"] * 7 + ["rolling_back"]
    house.drain()
    assert len(house.world.did("reverse")) == 3
    assert house.rows("select count(*) as n from appeals") == [{"n": 1}]


def test_where_nobody_is_left_the_review_is_blocked_and_says_so(house: House) -> None:
    house.people = [AUTHOR, MODERATOR, SUPERVISOR]
    case_id = house.acted()
    house.rollback(case_id, by=SUPERVISOR)
    house.drain()
    assert house.show(case_id)["review"]["status"] == "blocked"
    assert house.told(case_id)[-2:] == ["review_opened", "review_blocked"]
    assert house.events(case_id)[-1]["after"] == "waiting_review"
    house.decide(case_id, "reject", by=SUPERVISOR_2)  # who has come meanwhile need not wait for upkeep
    house.drain()
    assert house.show(case_id)["outcome"] == "kept"
