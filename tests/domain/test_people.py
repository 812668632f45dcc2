"""Who may do what, and who must stay away."""

import pytest

from hitl.domain.cases import level_of
from hitl.domain.people import LADDER, Person, eligible, keep_apart, permit, role_for
from hitl.errors import ConflictOfInterest, Refused


def _person(*roles: str, name: str = "p", tenant: str = "default") -> Person:
    return Person(name, frozenset(roles), tenant)


@pytest.mark.parametrize("held", LADDER)
def test_a_role_holds_those_below_it_and_none_above(held: str) -> None:
    person = _person(held)
    assert [r for r in LADDER if person.has(r)] == list(LADDER[: LADDER.index(held) + 1])
    assert not person.has("service")


def test_service_stands_beside_the_ladder() -> None:
    person = _person("service")
    assert person.has("service")
    assert not person.staff
    assert not any(person.has(r) for r in LADDER)


def test_moderators_and_up_are_staff() -> None:
    assert [_person(r).staff for r in LADDER] == [False, True, True, True]


def test_who_lacks_a_role_is_told_which() -> None:
    permit(_person("admin"), "supervisor")
    with pytest.raises(Refused, match="supervisor"):
        permit(_person("moderator"), "supervisor")
    with pytest.raises(Refused, match="none"):
        permit(_person(), "author")


def test_whoever_was_involved_stays_away() -> None:
    keep_apart(_person("moderator", name="new"), ["old"])
    with pytest.raises(ConflictOfInterest):
        keep_apart(_person("admin", name="old"), ["old", "older"])


@pytest.mark.parametrize(
    ("round_", "role"), [(1, "moderator"), (2, "supervisor"), (3, "supervisor"), (9, "supervisor")]
)
def test_later_rounds_go_to_supervisors(round_: int, role: str) -> None:
    assert role_for(level_of(round_)) == role


@pytest.mark.parametrize(
    ("people", "free"),
    [
        ([], False),
        ([_person("moderator", name="m")], False),
        ([_person("supervisor", name="involved")], False),
        ([_person("supervisor", name="s", tenant="other")], False),
        ([_person("supervisor", name="s")], True),
        ([_person("admin", name="a")], True),
    ],
)
def test_a_review_is_blocked_where_nobody_is_left(people: list[Person], free: bool) -> None:
    assert eligible(people, 2, "default", ["involved"]) == free
