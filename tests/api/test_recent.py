"""What is remembered of answers is a hint for those who may see the case, until something newer is heard of."""

import pytest

from api.recent import MOST, Recent
from hitl.domain.people import Person
from hitl.store.notify import Change

AUTHOR = Person("ann", frozenset({"author"}))
MODERATOR = Person("mo", frozenset({"moderator"}))


@pytest.fixture
def recent() -> Recent:
    """A memory in which the author was told the first version of one case."""
    found = Recent()
    found.tell(AUTHOR, "a-case", 1)
    return found


def test_what_was_told_is_current(recent: Recent) -> None:
    assert recent.current(AUTHOR, "a-case") == 1
    assert recent.current(AUTHOR, "another") is None


def test_staff_may_see_what_others_were_told_and_nobody_else(recent: Recent) -> None:
    assert recent.current(MODERATOR, "a-case") == 1
    assert recent.current(Person("bob", frozenset({"author"})), "a-case") is None
    assert recent.current(Person("mo", frozenset({"moderator"}), "elsewhere"), "a-case") is None
    assert recent.current(Person("ann", frozenset({"service"})), "a-case") is None


@pytest.mark.parametrize(("version", "left"), [(1, 1), (2, None), (0, None)])
def test_a_wake_up_ends_it_unless_it_is_about_the_same(recent: Recent, version: int, left: int | None) -> None:
    recent.hear(Change("a-case", version))
    assert recent.current(AUTHOR, "a-case") == left


def test_a_wake_up_may_come_before_the_answer_that_it_overtook(recent: Recent) -> None:
    recent.hear(Change("a-case", 3))
    recent.tell(AUTHOR, "a-case", 2)
    assert recent.current(AUTHOR, "a-case") is None


def test_it_forgets_rather_than_grow(recent: Recent) -> None:
    for n in range(MOST):
        recent.hear(Change(f"case-{n}", 1))
    recent.hear(Change("one-more", 1))
    assert recent.current(AUTHOR, "a-case") is None
    for n in range(MOST + 1):
        recent.tell(AUTHOR, f"case-{n}", 5)
    assert recent.current(AUTHOR, "case-0") is None
