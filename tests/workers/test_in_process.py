"""The embedded broker: each message is worked on once, also one that came before the worker was there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
from dramatiq import Worker

from workers.broker import build, publish
from workers.doorbell import QUEUE, message

SECONDS = 20.0


class Bell:
    """An actor that notes what it was called with, and can be told to break."""

    def __init__(self) -> None:
        self.broker = build(None, [])
        self.rung: list[int] = []
        self._rang = threading.Semaphore(0)
        dramatiq.actor(actor_name="start", queue_name=QUEUE, broker=self.broker)(self._ring)

    def _ring(self, command_id: int) -> None:
        self.rung.append(command_id)
        self._rang.release()
        if command_id < 0:
            raise LookupError

    def ring(self, *command_ids: int) -> list[Any]:
        return list(publish(self.broker, [message("start", n) for n in command_ids]))

    def heard(self, times: int) -> None:
        for _ in range(times):
            assert self._rang.acquire(timeout=SECONDS)

    @contextmanager
    def worker(self) -> Iterator[None]:
        found = Worker(self.broker, worker_threads=2, worker_timeout=50)
        found.start()
        try:
            yield
        finally:
            found.stop(int(SECONDS * 1000))


def test_each_message_is_worked_on_once() -> None:
    bell = Bell()
    with bell.worker():
        assert bell.ring(*range(50)) == []
        bell.heard(50)
    assert sorted(bell.rung) == list(range(50))


def test_who_publishes_before_the_worker_has_begun_waits_for_it() -> None:
    bell = Bell()
    early = threading.Thread(target=bell.ring, args=(1, 2))
    early.start()
    early.join(0.1)
    assert early.is_alive()
    with bell.worker():
        bell.heard(2)
        early.join(SECONDS)
    assert sorted(bell.rung) == [1, 2]


def test_an_actor_that_breaks_takes_no_thread_with_it() -> None:
    bell = Bell()
    with bell.worker():
        bell.ring(-1, -2, -3, 4)
        bell.heard(4)
    assert sorted(bell.rung) == [-3, -2, -1, 4]
