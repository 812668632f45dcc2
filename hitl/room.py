"""Room for those who have something to do: a thread that waits for somebody far away leaves its place to others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Mine(threading.local):
    """The places of which this thread holds one."""

    places: threading.Semaphore | None = None


_MINE = _Mine()


class Room:
    """Has so many places; the threads of a process may be more."""

    def __init__(self, places: int) -> None:
        self._places = threading.Semaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place, and hold it during the block but for the time that is spent `away`."""
        with self._places:
            _MINE.places = self._places
            try:
                yield
            finally:
                _MINE.places = None


@contextmanager
def away() -> Iterator[None]:
    """Leave this thread's place, if it has one, to others during the block, and wait for one again behind it.

    No lock may be held around it that somebody with a place waits for: then neither would ever go on.
    """
    places, _MINE.places = _MINE.places, None
    if places is None:
        yield
        return
    places.release()
    try:
        yield
    finally:
        places.acquire()
        _MINE.places = places
