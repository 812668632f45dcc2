"""The excess: authors far ahead of their share have few runs under way while anybody else is there."""

from hitl.domain.commands import FAR
from hitl.domain.company import SECONDS
from hitl.store import outbox
from hitl.store.excess import Excess, mark
from tests.graphs.house import SERVED, House

EAGER, CALM = mark("default", "eager"), mark("default", "calm")
TWO = [(0, EAGER), (0, CALM)]


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def _crowd(house: House, count: int, *, turn: int = FAR, priority: int = 5) -> list[int]:
    """New starts with this turn; their commands."""
    before = {row["command_id"] for row in house.rows("select command_id from commands")}
    for n in range(count):
        house.start(f"text {len(before)} {n}", priority=priority)
    new = sorted({row["command_id"] for row in house.rows("select command_id from commands")} - before)
    with house.store.transaction() as tx:
        tx.execute("update commands set turn = %s where command_id = any(%s)", (turn, new))
    return new


def _take(house: House, excess: Excess) -> list[int]:
    with house.store.transaction() as tx:
        taken, _ = outbox.take(tx, window=8, relay="r", serves=[SERVED], excess=excess)
    return [command_id for command_id, _ in taken]


def test_one_of_the_excess_at_a_time_while_others_are_there(house: House) -> None:
    flood, calm = _crowd(house, 5), _crowd(house, 2, turn=0)
    excess = Excess(8)
    excess.saw(TWO)
    assert _take(house, excess) == [*calm, flood[0]]
    assert _take(house, excess) == []
    run = house.claim(flood[0])
    assert _take(house, excess) == []
    assert excess.flowing
    house.runner().run(run)
    assert _take(house, excess) == [flood[1]]


def test_one_that_waits_for_something_is_not_waited_for(house: House) -> None:
    flood, excess = _crowd(house, 3), Excess(8)
    excess.saw(TWO)
    assert _take(house, excess) == flood[:1]
    house.claim(flood[0])
    house.sql("update commands set published_at = published_at - interval '2 seconds'")
    assert _take(house, excess) == flood[1:2]


def test_urgency_comes_first_with_the_excess_too_and_one_at_a_time(house: House) -> None:
    urgent, calm = _crowd(house, 3, priority=9), _crowd(house, 9, turn=FAR - 1)
    excess = Excess(8)
    excess.saw(TWO)
    assert _take(house, excess) == [urgent[0], *calm[:7]]


def test_runs_that_wait_for_a_model_have_half_of_the_window(house: House) -> None:
    flood, calm = _crowd(house, 12), _crowd(house, 2, turn=0)
    excess = Excess(8, quick=False)
    excess.saw(TWO)
    assert _take(house, excess) == [*calm, *flood[:4]]


def test_alone_the_excess_has_the_whole_window(house: House) -> None:
    flood = _crowd(house, 12)
    assert _take(house, Excess(8)) == flood[:8]


def test_others_are_there_for_a_minute_after_they_were_served() -> None:
    clock = Clock()
    excess = Excess(256, clock=clock)
    excess.saw([(turn, EAGER) for turn in range(2 * FAR)])
    assert (excess.places(), excess.flowing) == (256, True)
    excess.saw([(0, CALM)])
    assert excess.places() == 4
    clock.now += SECONDS / 2
    excess.saw([(FAR, EAGER)])
    assert excess.places() == 4
    clock.now += SECONDS / 2
    assert (excess.places(), excess.flowing) == (256, False)


def test_whose_a_start_was_is_known_from_its_case(house: House) -> None:
    calm, excess = _crowd(house, 1, turn=0), Excess(8)
    assert _take(house, excess) == calm
    flood = _crowd(house, 9)
    assert _take(house, excess) == flood[:1]
    assert _take(house, excess) == flood[1:7]  # it was the same author who was calm before, and nobody else is there


def test_what_no_thread_has_taken_yet_counts_however_long_that_takes(house: House) -> None:
    flood, excess = _crowd(house, 3), Excess(8)
    excess.saw(TWO)
    assert _take(house, excess) == flood[:1]
    house.sql("update commands set published_at = published_at - interval '2 seconds'")
    assert _take(house, excess) == []


def test_two_floods_do_not_hold_each_other_up(house: House) -> None:
    flood, excess = _crowd(house, 12), Excess(8)
    excess.saw([(FAR, EAGER), (FAR, CALM)])
    assert _take(house, excess) == flood[:8]
