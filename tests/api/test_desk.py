"""Work on threads: what it returns or raises comes back, whoever is still there to hear it."""

import asyncio
from contextlib import closing
from threading import Event

import pytest

from api import desk
from api.hands import Hands
from hitl.errors import Unavailable


def _refuse() -> int:
    raise Unavailable("not now")


def test_what_work_returns_or_raises_comes_back() -> None:
    async def ask() -> int:
        with pytest.raises(Unavailable):
            await desk._on(threads, _refuse)
        return await desk._on(threads, lambda: 7)

    with closing(Hands(1, "hand")) as threads:
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

    with closing(Hands(1, "hand")) as threads:
        assert asyncio.run(leave()) == 3
    assert done in ([1], [])  # the first may not have begun either
