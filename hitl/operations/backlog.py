"""Whether Guardian takes on more: the number of unfinished starts, counted at most once a second per process.

And where in the queue it goes.
"""

import threading
import time

from hitl.errors import Overloaded
from hitl.operations.turns import Turns
from hitl.store import commands
from hitl.store.postgres import Tx

FRESH_SECONDS = 1.0


class Backlog:
    """Refuses new starts above a limit; decisions and appeals are never refused."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = 0
        self._at = float("-inf")
        self._lock = threading.Lock()
        self.turns = Turns()

    def admit(self, tx: Tx) -> None:
        """Raise Overloaded when too many starts wait."""
        if time.monotonic() - self._at > FRESH_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._waiting = commands.starts_waiting(tx, self._limit)
                self._at = time.monotonic()
            finally:
                self._lock.release()
        if self._waiting >= self._limit:
            raise Overloaded(f"{self._waiting} posts are waiting to be analyzed already; send this one again later.")
