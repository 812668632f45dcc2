"""Work on threads: what it returns or raises comes back, whoever is still there to hear it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Event
from threading import enumerate as enumerate_threads

import pytest

from api import desk
from api.threads import Threads
from hitl.errors import Unavailable


@contextmanager
def _threads(most: int) -> Iterator[Threads]:
    threads = Threads(most, "test")
    try:
        yield threads
    finally:
        threads.close()


def _refuse() -> int:
    raise Unavailable("not now")


def test_what_work_returns_or_raises_comes_back() -> None:
    async def ask() -> int:
        with pytest.raises(Unavailable):
            await desk._on(threads, _refuse)
        return await desk._on(threads, lambda: 7)

    with _threads(1) as threads:
        assert asyncio.run(ask()) == 7


def test_whoever_left_is_not_told_and_what_had_not_begun_is_not_done() -> None:
    done: list[int] = []
    go_on = Event()

    def note(number: int) -> None:
        go_on.wait()
        done.append(number)

    async def leave() -> int:
        first = asyncio.create_task(desk._on(threads, lambda: note(1)))
        second = asyncio.create_task(desk._on(threads, lambda: note(2)))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        go_on.set()
        return await desk._on(threads, lambda: 3)

    with _threads(1) as threads:
        assert asyncio.run(leave()) == 3
    assert done in ([1], [])  # the first may not have begun either


def test_as_many_work_at_once_as_there_are_threads_and_the_others_wait_for_their_turn() -> None:
    both = Barrier(2)

    async def ask() -> list[int]:
        pair = [desk._on(threads, lambda: both.wait(5.0)) for _ in range(2)]
        return await asyncio.gather(*pair, *(desk._on(threads, partial(int, n)) for n in range(3, 50)))

    with _threads(2) as threads:
        assert asyncio.run(ask())[2:] == list(range(3, 50))
        names = [thread.name for thread in enumerate_threads() if thread.name.startswith("test_")]
        assert len(names) == 2


def test_threads_end_when_they_are_let_go_and_do_before_what_waits() -> None:
    done: list[int] = []
    threads = Threads(2, "ending")
    for number in range(20):
        threads.put(partial(done.append, number))
    threads.close()
    for thread in enumerate_threads():
        if thread.name.startswith("ending_"):
            thread.join(5.0)
            assert not thread.is_alive()
    assert sorted(done) == list(range(20))
