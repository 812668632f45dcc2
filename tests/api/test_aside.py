"""Aside: posts of authors far ahead of their share are taken on one at a time, and everybody else's pass by."""

import asyncio
from functools import partial
from typing import Any

from fastapi.testclient import TestClient

from api.aside import Aside
from hitl.domain.commands import FAR
from hitl.runtime import Runtime
from tests.api.conftest import as_


class Work:
    """Posts that end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.end = asyncio.Event()
        self.three_begun = asyncio.Event()

    async def __call__(self, number: int) -> int:
        self.begun.append(number)
        if len(self.begun) == 3:
            self.three_begun.set()
        await self.end.wait()
        return number


async def _begin(aside: Aside, work: Work, count: int) -> list["asyncio.Task[int]"]:
    """The first is under way before the others come."""
    tasks = []
    for n in range(count):
        tasks.append(asyncio.create_task(aside.take(partial(work, n))))
        await asyncio.sleep(0.01)
    return tasks


def test_one_is_taken_on_at_a_time_in_the_order_in_which_they_came() -> None:
    async def seen() -> tuple[list[int], list[int], list[int], int]:
        aside, work = Aside(longest=60.0), Work()
        tasks = await _begin(aside, work, 5)
        first = list(work.begun)
        work.end.set()
        return first, await asyncio.gather(*tasks), work.begun, aside.waiting

    assert asyncio.run(seen()) == ([0], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4], 0)


def test_nothing_waits_for_ever_and_the_line_is_whole_afterwards() -> None:
    async def seen() -> tuple[int, list[int], int]:
        aside, work = Aside(longest=0.02), Work()
        tasks = await _begin(aside, work, 3)
        await work.three_begun.wait()
        begun = len(work.begun)
        work.end.set()
        done = await asyncio.gather(*tasks)
        return begun, [*done, await aside.take(partial(work, 9))], aside.waiting

    assert asyncio.run(seen()) == (3, [0, 1, 2, 9], 0)


def test_the_line_has_an_end_and_who_comes_then_is_taken_on_at_once() -> None:
    async def seen() -> list[int]:
        aside, work = Aside(longest=60.0, most=2), Work()
        tasks = await _begin(aside, work, 4)
        begun = list(work.begun)
        work.end.set()
        await asyncio.gather(*tasks)
        return begun

    assert asyncio.run(seen()) == [0, 3]


def test_only_who_is_far_ahead_stands_aside_and_none_is_refused(own_desk: tuple[TestClient, Runtime]) -> None:
    client, runtime = own_desk
    aside = client.app.state.desk.aside  # type: ignore[attr-defined]
    taken: list[int] = []
    through = aside.take

    def counted(work: Any) -> Any:
        taken.append(1)
        return through(work)

    aside.take = counted

    def post(author: str) -> int:
        return client.post(
            "/start", json={"content": "hello", "author_id": author}, headers=as_("dev-author")
        ).status_code

    assert {post("eager") for _ in range(FAR + 2)} == {202}
    assert taken == []  # alone, nobody stands aside
    assert post("calm") == 202
    for _ in range(1000):
        runtime.backlog.turns.take("default", "eager")
    assert {post("eager") for _ in range(3)} == {202}
    assert len(taken) == 3
    assert post("calm") == 202
    assert len(taken) == 3
