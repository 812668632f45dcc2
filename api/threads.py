"""Threads that do what they are handed; the one that was busy last is the first to be busy again.

A ThreadPoolExecutor hands out its threads in turns, each of which is cold by then, with Futures that nobody reads.
"""

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]


class Threads:
    """At most so many threads; each begins when all others have something to do."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Work | None]] = []
        self._waiting: deque[Work | None] = deque()
        self._began = 0

    def put(self, work: Work | None) -> None:
        """Have it done; it must not raise. None ends a thread."""
        with self._lock:
            if not self._idle:
                self._waiting.append(work)
                self._begin()
                return
            inbox = self._idle.pop()
        inbox.put(work)

    def close(self) -> None:
        """Let go of the threads that are idle, and of the others when all that waits is done."""
        for _ in range(self._began):
            self.put(None)

    def _begin(self) -> None:
        if self._began < self._most:
            self._began += 1
            threading.Thread(target=self._run, name=f"{self._name}_{self._began}", daemon=True).start()

    def _run(self) -> None:
        inbox: SimpleQueue[Work | None] = SimpleQueue()
        while work := self._next(inbox):
            work()

    def _next(self, inbox: SimpleQueue[Work | None]) -> Work | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(inbox)
        return inbox.get()
