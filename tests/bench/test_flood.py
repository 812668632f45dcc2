import asyncio

from bench import flood
from bench.journey import Case
from bench.loops import Bench
from bench.meters import Meters
from bench.sizes import Sizes


class Queue:
    """A system that pauses posts one after the other, in the order in which they came."""

    poll = 0.0

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.authors: set[str] = set()

    async def start(self, case: Case) -> None:
        self.authors.add(case.author)
        await asyncio.sleep(0.001)

    async def decide(self, case: Case, *, remove: bool) -> None:
        pass

    async def rollback(self, case: Case) -> None:
        pass

    async def paused(self, case: Case) -> None:
        async with self._turn:
            await asyncio.sleep(0.002)

    async def completed(self, case: Case) -> None:
        pass

    def close(self) -> None:
        pass


async def _flooded() -> tuple[Queue, flood.Json]:
    queue = Queue()
    sizes = Sizes(rate=40.0, flood=0.5, flooders=2)
    return queue, await flood.flooded(Bench(queue, Meters(), "flood-1"), sizes, 1)


def test_two_authors_post_and_the_quiet_one_is_timed_twice() -> None:
    queue, found = asyncio.run(_flooded())

    assert {"quiet-author", "flooding-author"} < queue.authors
    assert found["alone"]["n"] == found["beside"]["n"] > 5
    assert found["flood_posts"] > found["beside"]["n"]
    assert (found["late"], found["errors"]) == (0, 0)
