"""Places for those who work: who waits for somebody far away leaves theirs, and is back only when there is one."""

import threading
from contextlib import suppress

from hitl import room
from hitl.room import Room
from tests.graphs.house import House


class Other:
    """Another thread that wants a place, and keeps it until it is let go."""

    def __init__(self, of: Room) -> None:
        self.came, self.go = threading.Event(), threading.Event()
        self._room = of
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        with self._room.place():
            self.came.set()
            self.go.wait(10)

    def leave(self) -> None:
        self.go.set()
        self._thread.join(10)


def test_who_is_away_leaves_its_place_and_waits_for_one_to_come_back() -> None:
    one = Room(1)
    with one.place():
        other = Other(one)
        assert not other.came.wait(0.2)
        with room.away():
            assert other.came.wait(10)
            threading.Timer(0.1, other.go.set).start()
        assert other.go.is_set()
        last = Other(one)
        assert not last.came.wait(0.2)
    assert last.came.wait(10)
    last.leave()


def test_who_is_away_twice_leaves_one_place() -> None:
    one = Room(1)
    with suppress(LookupError), one.place(), room.away(), room.away():
        assert one.away == 1
        raise LookupError
    assert one.away == 0
    with one.place():
        other = Other(one)
        assert not other.came.wait(0.2)
    other.leave()


def test_who_has_no_place_may_be_away() -> None:
    with room.away():
        pass


def test_a_run_leaves_its_place_while_a_slow_analyzer_thinks_and_only_then(house: House) -> None:
    one, met = Room(1), list[bool]()

    def think() -> None:
        other = Other(one)
        met.append(other.came.wait(0.3))
        other.leave()

    for quick in (False, True):
        house.analyzer.quick, house.analyzer.on_analyze = quick, think
        house.start()
        with one.place():
            assert house.drain() == ["done"]
    assert met == [True, False]
