"""Turns: a flood of one author's posts does not stand before another's."""

from hitl.domain.commands import FAR
from hitl.domain.company import SECONDS
from hitl.domain.people import Person
from hitl.operations.backlog import Backlog
from hitl.operations.start import StartRequest, start
from hitl.operations.turns import LAST, MOST_AUTHORS, SHARE, Turns
from hitl.store import outbox
from tests.graphs.house import SERVED, House


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def test_who_keeps_to_their_share_is_always_first() -> None:
    clock = Clock()
    places = Turns(clock)
    for _ in range(50):
        assert places.take("t", "calm") == 0
        clock.now += 1 / SHARE


def test_who_sends_faster_stands_ever_further_behind_and_comes_back_with_time() -> None:
    clock = Clock()
    places = Turns(clock)
    assert [places.take("t", "eager") for _ in range(4)] == [0, 1, 2, 3]
    assert places.take("t", "calm") == places.take("other", "eager") == 0
    clock.now += 2 / SHARE
    assert places.take("t", "eager") == 2
    clock.now += 60.0
    assert places.take("t", "eager") == 0


def test_who_is_far_ahead_stands_aside_while_others_are_there() -> None:
    clock = Clock()
    places = Turns(clock)
    places.take("t", "calm")
    for _ in range(FAR):
        assert not places.stands_aside("t", "eager")
        places.take("t", "eager")
    assert places.stands_aside("t", "eager")
    assert not places.stands_aside("t", "calm")
    for _ in range(int(SECONDS * SHARE)):
        places.take("t", "eager")
    clock.now += SECONDS
    assert not places.stands_aside("t", "eager")


def test_a_place_has_an_end() -> None:
    places = Turns(Clock())
    assert max(places.take("t", "eager") for _ in range(LAST + 10)) == LAST


def test_of_many_authors_those_who_flood_are_remembered() -> None:
    clock = Clock()
    places = Turns(clock)
    for _ in range(50):
        places.take("t", "eager")
    for n in range(2 * MOST_AUTHORS):
        assert places.take("t", f"author {n}") == 0
        clock.now += 0.0001
    assert places.take("t", "eager") > 30


def test_the_first_post_of_another_goes_before_the_rest_of_a_flood(house: House) -> None:
    backlog = Backlog(1000)
    by = {"flood": [_start(house, backlog, "flooder", n) for n in range(20)], "calm": []}
    by["calm"].append(_start(house, backlog, "calm", 0))
    urgent = _start(house, backlog, "flooder", 99, priority=9)
    with house.store.transaction() as tx:
        taken, _ = outbox.take(tx, window=64, relay="r", serves=[SERVED])
    ids = [command_id for command_id, _ in taken]
    order = {row["command_id"]: row["case_id"] for row in house.rows("select command_id, case_id from commands")}
    cases = [order[command_id] for command_id in ids]
    assert cases[0] == urgent
    assert cases.index(by["calm"][0]) < 10  # behind the flooder's first, which were within their share
    assert [case for case in cases if case in by["flood"]] == by["flood"]


def _start(house: House, backlog: Backlog, author: str, n: int, priority: int = 5) -> str:
    service = Person("backend", frozenset({"service"}))
    request = StartRequest(f"text {n}", content_id=f"{author}-{n}", author_id=author, priority=priority)
    with house.store.transaction() as tx:
        return str(start(tx, service, request, backlog=backlog)["case_id"])
