"""Work on threads: what it returns or raises comes back, whoever is still there to hear it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from api import desk
from hitl.errors import Unavailable
from hitl.store.notify import LATER


def _refuse() -> int:
    raise Unavailable("not now")


def test_what_work_returns_or_raises_comes_back() -> None:
    async def ask() -> int:
        with pytest.raises(Unavailable):
            await desk._on(threads, _refuse)
        return await desk._on(threads, lambda: 7)

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(ask()) == 7


def test_an_answer_is_on_its_way_before_others_are_woken() -> None:
    answered = Event()
    woken: list[bool] = []

    def work() -> int:
        assert LATER.calls is not None
        LATER.calls.append(lambda: woken.append(answered.wait(10.0)))
        return 7

    async def ask() -> int:
        found = await desk._on(threads, work)
        answered.set()
        return found + await desk._on(threads, lambda: 1)

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(ask()) == 8
    assert woken == [True]


def test_others_are_woken_also_when_nobody_hears_the_answer_or_it_is_an_error() -> None:
    woken: list[str] = []

    def fail() -> int:
        assert LATER.calls is not None
        LATER.calls.append(lambda: woken.append("failed"))
        raise Unavailable("not now")

    async def ask() -> None:
        with pytest.raises(Unavailable):
            await desk._on(threads, fail)
        await desk._on(threads, lambda: 1)

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(ask())
    assert woken == ["failed"]


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

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(leave()) == 3
    assert done in ([1], [])  # the first may not have begun either
