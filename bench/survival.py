"""Many paused at once, everything killed and started again, all resumed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from bench import loops
from bench.journey import Case, Client, Log, play
from bench.meters import memory
from bench.sizes import Sizes
from bench.systems.household import Household

AGAIN = 10  # times that a client comes back to a server that hung up on it
PAUSE = 0.5
Json = dict[str, Any]


async def survived(bench: loops.Bench, sizes: Sizes, household: Household) -> Json:
    """How many were paused, and how many of these could be decided, carried out and recorded afterwards."""
    log, cases = Log(), [case for case, _ in zip(bench.cases(), range(sizes.paused), strict=False)]
    begin = bench.meters.read()
    waiting = await loops.in_turn(bench.client, cases, sizes.concurrency, "A", log)
    pausing = bench.meters.between(begin, bench.meters.read())
    held = sum(memory().values())
    bench.meters.close()
    bench.client.close()
    began = time.monotonic()
    household.kill9()  # in this thread: what a thread has started dies with it
    killed = time.monotonic()
    household.restart()
    ready = time.monotonic()
    well = await resumed(bench.client, waiting, sizes.concurrency, log)
    ended = time.monotonic()
    return {
        "paused": len(waiting),
        "survived": well,
        "pause_seconds": pausing.seconds,
        "kill_seconds": killed - began,
        "restart_seconds": ready - killed,
        "resume_seconds": ended - ready,
        "pss_mib": held,
        "others": pausing.others,
        "stolen": pausing.stolen,
        "errors": len(log.errors),
        "first_errors": sorted(set(log.errors))[:3],
    }


async def resumed(client: Client, waiting: Sequence[Case], concurrency: int, log: Log) -> int:
    """Decide them all; how many came to their end. A server that hangs up while it recovers is asked again."""
    left, well = iter(waiting), 0

    async def one() -> None:
        nonlocal well
        for case in left:
            went = await play(_Patient(client), case, log, "B")
            well += went  # not in one line: that would read `well` before it waits

    await asyncio.gather(*(one() for _ in range(concurrency)))
    return well


class _Patient:
    """A client that comes back when its connection breaks, as a backend's would."""

    def __init__(self, client: Client) -> None:
        self._client, self.poll = client, client.poll
        self.start, self.rollback, self.paused = client.start, client.rollback, client.paused

    async def decide(self, case: Case, *, remove: bool) -> None:
        """Whether a broken connection had been heard, the case's end will tell: a refusal after it is no failure."""
        try:
            await self._client.decide(case, remove=remove)
        except ConnectionError:
            with suppress(RuntimeError):
                await _persistent(lambda: self._client.decide(case, remove=remove))

    async def completed(self, case: Case) -> None:
        """Ask again after a broken connection."""
        await _persistent(lambda: self._client.completed(case))

    def close(self) -> None:
        """Hang up."""
        self._client.close()


async def _persistent(ask: Callable[[], Awaitable[None]]) -> None:
    for _ in range(AGAIN):
        with suppress(ConnectionError):
            await ask()
            return
        await asyncio.sleep(PAUSE)
    await ask()
