"""What is remembered of answers is a hint for those who may see the case, until something newer is heard of."""

from time import monotonic

import pytest

from api.recent import AGED, MOST, MOST_SEEN, Recent
from hitl.domain.people import Person
from hitl.operations.shown import Shown
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


def _seen(case_id: str = "a-case", version: int = 3, *, status: str = "waiting_review", ago: float = 0.0) -> Shown:
    return Shown({"case_id": case_id, "version": version, "status": status}, monotonic() - ago)


def test_how_a_case_was_shown_is_kept_until_it_changes(recent: Recent) -> None:
    shown = _seen()
    recent.see(shown)
    recent.hear(Change("a-case", 3))
    recent.hear(Change("another", 9))
    assert recent.seen("a-case") is shown
    recent.hear(Change("a-case", 4))
    assert recent.seen("a-case") is None


def test_what_was_overtaken_before_it_was_shown_is_not_kept(recent: Recent) -> None:
    recent.hear(Change("a-case", 4))
    recent.see(_seen())
    assert recent.seen("a-case") is None


def test_who_changes_a_case_here_has_it_forgotten(recent: Recent) -> None:
    recent.see(_seen())
    recent.tell(AUTHOR, "a-case", 4)
    assert recent.seen("a-case") is None


def test_what_is_under_way_or_was_seen_long_ago_is_not_kept(recent: Recent) -> None:
    recent.see(_seen(status="executing"))
    assert recent.seen("a-case") is None
    recent.see(_seen(ago=AGED + 1))
    assert recent.seen("a-case") is None


def test_few_cases_are_kept_whole(recent: Recent) -> None:
    for n in range(MOST_SEEN + 1):
        recent.see(_seen(f"case-{n}"))
    assert recent.seen("case-0") is None
    assert recent.seen(f"case-{MOST_SEEN}") is not None
