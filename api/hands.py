"""Threads for what waits for Postgres; an executor would make, lock and tell a future for each job that nobody asks."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], object]


class Hands:
    """So many threads; each job that comes while there are fewer begins one. None outlives the process."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def do(self, job: Job) -> None:
        """Have a job done, after those that came before; it must not raise."""
        if self._closed:
            raise RuntimeError("nobody is left to do this")
        self._jobs.put(job)
        if len(self._threads) < self._most:
            name = f"{self._name}_{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """Let go of the threads that are idle, and of the others when all that was asked for is done."""
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            del job  # what it holds is not kept until the next one comes
