"""Guardian over HTTP on databases of several sizes, which take turns; one Postgres holds them all."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any

from bench import loops
from bench.clients.guardian import GuardianClient
from bench.journey import Log
from bench.meters import Meters, quiet
from bench.places import ROOT
from bench.plan import rotated
from bench.sizes import WARM, Sizes
from bench.systems.catalog import System
from bench.systems.household import Household, Setup

LOOKS = 60
GENTLE_SECONDS = 10.0
LEAST_WAITING = 100  # the queue's first page is full in the smallest database too
Json = dict[str, Any]


def pay(system: System, sizes: Sizes) -> Iterator[Json]:
    """Fill, then measure each size in each round."""
    if sizes.guardian != ROOT:
        raise RuntimeError("growth fills with this checkout's code, and so measures no other")
    with Household(Setup(0)) as keeper:
        server = keeper.postgres()
        databases = [(closed, waiting(closed), _filled(server, closed)) for closed in sizes.closed]
        for round_ in range(1, sizes.growth_rounds + 1):
            for closed, open_, url in rotated(databases, round_ - 1):
                asyncio.run(quiet(sizes.patience))
                about = {"system": system.name, "scenario": f"growth-{closed}", "round": round_}
                yield {**about, "closed": closed, "waiting": open_, **_visit(system, sizes, url, round_)}


def waiting(closed: int) -> int:
    """How many cases wait beside so many closed ones."""
    return max(LEAST_WAITING, closed // 10)


def _filled(server: str, closed: int) -> str:
    """In a process of its own: this one is the client, and stays small."""
    command = [sys.executable, "-m", "bench.growth.databases", server, str(closed), str(waiting(closed))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"filling failed: {done.stderr[-1000:]}")
    return done.stdout.split()[-1]


def _visit(system: System, sizes: Sizes, url: str, round_: int) -> Json:
    with Household(Setup(0, database=url)) as household:
        began = time.monotonic()
        system.start(household)
        started = time.monotonic() - began
        meters = Meters(url)
        try:
            found = asyncio.run(_measure(household, meters, sizes, round_))
            return {"start_seconds": started, "postgres": meters.settings(), **found}
        finally:
            meters.close()


async def _measure(household: Household, meters: Meters, sizes: Sizes, round_: int) -> Json:
    """Looks first, then a gentle rate for the latencies, then the closed loop for rate and cost."""
    client = GuardianClient(*household.ports)
    bench = loops.Bench(client, meters, f"growth-{round_}-{time.time_ns()}")
    try:
        await loops.warm(bench, 8, WARM)
        looks = await _looks(client, bench)
        calm = await loops.gentle(bench, sizes.growth_rate, GENTLE_SECONDS, round_)
        full = await loops.closed(bench, sizes.concurrency, sizes.seconds)
    finally:
        client.close()
    errors = {"errors": calm["errors"] + full["errors"], "first_errors": calm["first_errors"] + full["first_errors"]}
    return full | {"latency": calm["latency"], "looks": looks} | errors


async def _looks(client: GuardianClient, bench: loops.Bench) -> Json:
    paused = await loops.in_turn(client, islice(bench.cases(), 1), 1, "A", Log())
    case = paused[0]
    return {"queue": await _timed(client.queue), "status": await _timed(lambda: client.status(case))}


async def _timed(look: Callable[[], Awaitable[None]]) -> Json:
    taken = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await look()
        taken.append(time.perf_counter() - began)
    return loops.percentiles(taken)
