"""Places in the queue: who posts faster than others stands behind them, and not in front."""

import threading
import time
from collections.abc import Callable

from hitl.domain.commands import FAR
from hitl.domain.company import Company

SHARE = 5.0  # posts a second that an author may send without standing behind anybody
MOST_AUTHORS = 10_000  # remembered at once; those who post no faster than that need not be
LAST = 32_767


class Turns:
    """Counts, in the memory of a process, how far ahead of their share authors are: virtual clocks, as in fair queuing.

    A place orders those who wait and nothing else: where nobody waits, the last is next.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[tuple[str, str], float] = {}  # when an author will have been given all that they sent
        self._company = Company(clock)
        self._lock = threading.Lock()

    def take(self, tenant: str, author: str) -> int:
        """The place of one more post of an author: 0 for those within their share."""
        with self._lock:
            now = self._clock()
            due = max(now, self._due.get((tenant, author), now))
            if len(self._due) >= MOST_AUTHORS:
                self._due = {who: until for who, until in self._due.items() if until > now}
            self._due[tenant, author] = due + 1 / SHARE
            place = int((due - now) * SHARE)
            if place < FAR:
                self._company.meet((tenant, author))
        return min(place, LAST)

    def stands_aside(self, tenant: str, author: str) -> bool:
        """Whether one more post of an author belongs to the excess, and others have posted within the last minute."""
        with self._lock:
            now, who = self._clock(), (tenant, author)
            return (self._due.get(who, now) - now) * SHARE >= FAR and self._company.of(who)
