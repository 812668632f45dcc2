"""Room for those who have something to do: a thread that waits for somebody far away leaves its place to others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Mine(threading.local):
    """The room in which this thread has a place."""

    room: "Room | None" = None


_MINE = _Mine()


class Room:
    """Has so many places; the threads of a process may be more. `away`: how many have left theirs for a while."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._free = threading.Semaphore(places)
        self._counting = threading.Lock()
        self.away = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place, and hold it during the block but for the time that is spent `away`."""
        with self._free:
            _MINE.room = self
            try:
                yield
            finally:
                _MINE.room = None

    def leave(self) -> None:
        """Give a place up for a while."""
        self._goes(1)
        self._free.release()

    def come_back(self) -> None:
        """Wait for a place again; who waits for one no longer counts as away."""
        self._goes(-1)
        self._free.acquire()

    def _goes(self, by: int) -> None:
        with self._counting:
            self.away += by


@contextmanager
def away() -> Iterator[None]:
    """Leave this thread's place, if it has one, to others during the block, and wait for one again behind it.

    No lock may be held around it that somebody with a place waits for: then neither would ever go on.
    """
    room, _MINE.room = _MINE.room, None
    if room is None:
        yield
        return
    room.leave()
    try:
        yield
    finally:
        room.come_back()
        _MINE.room = room
