"""One visit to one system: started fresh, measured, ended. What a visit finds is a line of JSON for each scenario."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import loops
from bench.journey import Log
from bench.meters import Meters, memory, quiet
from bench.places import ROOT
from bench.systems.catalog import System
from bench.systems.household import Household

GENTLE_POLL = 0.05
SETTLE = 3.0  # seconds of peace before idleness is measured
WARM = 2.0
Json = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How much of everything; `guardian` is the checkout that is measured."""

    seconds: float = 15.0
    concurrency: int = 32
    rate: float = 3.0
    gentle: float = 40.0  # seconds: a p99 wants a few hundred decisions
    idle: float = 10.0
    paused: int = 1000
    patience: float = 60.0  # seconds to wait for a quiet machine before each visit
    guardian: Path = ROOT


@dataclass(frozen=True)
class Visit:
    """What to measure at one system, in one round."""

    system: System
    scenario: str
    round: int

    @property
    def milliseconds(self) -> int:
        """How long the analyzer takes."""
        return 200 if self.scenario == "closed-200" else 0


def pay(visit: Visit, sizes: Sizes) -> Iterator[Json]:
    """Make the visit; yields a result for each thing that it measured."""
    asyncio.run(quiet(sizes.patience))
    with Household(visit.milliseconds, sizes.guardian) as household:
        began = time.monotonic()
        visit.system.start(household)
        started = time.monotonic() - began
        meters = Meters(household.database)
        try:
            found = asyncio.run(_measure(visit, sizes, household, meters))
            settings = meters.settings() if visit.scenario != "survival" else {}
        finally:
            meters.close()
    for scenario, result in found.items():
        about = {"system": visit.system.name, "scenario": scenario, "round": visit.round}
        yield {**about, "start_seconds": started, "postgres": settings, **result}


async def _measure(visit: Visit, sizes: Sizes, household: Household, meters: Meters) -> dict[str, Json]:
    client = visit.system.client(household.port)
    bench = loops.Bench(client, meters, f"{visit.scenario}-{visit.round}")
    try:
        match visit.scenario:
            case "gentle":
                return await _gentle(bench, sizes, visit.round)
            case "survival":
                return {"survival": await _survival(bench, sizes, household)}
        await loops.warm(bench, 8, WARM)
        return {visit.scenario: await loops.closed(bench, sizes.concurrency, sizes.seconds)}
    finally:
        client.close()


async def _gentle(bench: loops.Bench, sizes: Sizes, seed: int) -> dict[str, Json]:
    """Idleness first, while nothing has happened yet; then a gentle rate."""
    await asyncio.sleep(SETTLE)
    before = memory()
    cost = await loops.idle(bench, sizes.idle)
    cores = {name: spent / cost.seconds for name, spent in cost.servers.items() if spent > 0}
    resting = {"cores": cost.server_cpu / cost.seconds, "cores_by_process": cores}
    resting |= {"pss_mib": sum(before.values()), "pss_mib_by_process": before}
    resting |= {"others": cost.others, "stolen": cost.stolen, "errors": 0}
    bench.client.poll = min(bench.client.poll, GENTLE_POLL)
    await loops.warm(bench, 4, WARM)
    return {"idle": resting, "gentle": await loops.gentle(bench, sizes.rate, sizes.gentle, seed)}


async def _survival(bench: loops.Bench, sizes: Sizes, household: Household) -> Json:
    """Many paused at once, everything killed and started again, all resumed."""
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
    survived = await loops.in_turn(bench.client, waiting, sizes.concurrency, "B", log)
    ended = time.monotonic()
    return {
        "paused": len(waiting),
        "survived": len(survived),
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
