"""One visit to one system: started fresh, measured, ended. What a visit finds is a line of JSON for each scenario."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import flood, loops, plan, survival
from bench.disk import Disk
from bench.growth import visit as growth
from bench.meters import Meters, memory, quiet
from bench.pythons import pace
from bench.sizes import SETTLE, WARM, Sizes
from bench.systems.catalog import System
from bench.systems.household import Household, Setup
from bench.waits import Waits

GENTLE_POLL = 0.05
Json = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """What to measure at one system, in one round."""

    system: System
    scenario: str
    round: int


def pay(visit: Visit, sizes: Sizes) -> Iterator[Json]:
    """Make the visit; yields a result for each thing that it measured."""
    asyncio.run(quiet(sizes.patience))
    if visit.scenario == "growth":
        yield from growth.pay(visit.system, sizes)
        return
    before, shape = pace(), plan.shape(visit.scenario)
    setup = Setup(shape.milliseconds, sizes.guardian, shape.workers, shape.desks)
    with Household(setup) as household:
        began = time.monotonic()
        visit.system.start(household)
        started = time.monotonic() - began
        meters = Meters(household.database)
        try:
            found = asyncio.run(_measure(visit, sizes, household, meters))
            settings = meters.settings() if visit.scenario != "survival" else {}
        finally:
            meters.close()
    after = pace()
    for scenario, result in found.items():
        about = {"system": visit.system.name, "scenario": scenario, "round": visit.round}
        yield {**about, "start_seconds": started, "postgres": settings, "loop_ms": max(before, after), **result}


async def _measure(visit: Visit, sizes: Sizes, household: Household, meters: Meters) -> dict[str, Json]:
    client = visit.system.client(*household.ports)
    bench = loops.Bench(client, meters, f"{visit.scenario}-{visit.round}")
    try:
        match visit.scenario.partition("-")[0]:
            case "gentle":
                resting = visit.round == 1 or visit.system.name in plan.GUARDIANS
                return await _gentle(bench, sizes, visit.round, resting=resting)
            case "survival":
                return {"survival": await survival.survived(bench, sizes, household)}
            case "flood":
                with Disk() as disk:
                    found = await flood.flooded(bench, sizes, visit.round)
                return {"flood": found | {"slowest_flush_ms": disk.slowest()}}
            case "scale":
                return {visit.scenario: await _scaled(bench, sizes, household)}
        await loops.warm(bench, 8, WARM)
        return {visit.scenario: await loops.closed(bench, sizes.concurrency, sizes.seconds)}
    finally:
        client.close()


async def _scaled(bench: loops.Bench, sizes: Sizes, household: Household) -> Json:
    """The closed loop, with what the database's sessions wait for meanwhile."""
    await loops.warm(bench, 8, WARM)
    with Waits(household.database) as waits:
        result = await loops.closed(bench, sizes.concurrency, sizes.seconds)
    return result | {"waits": waits.shares(), "active_sessions": waits.active()}


async def _gentle(bench: loops.Bench, sizes: Sizes, seed: int, *, resting: bool) -> dict[str, Json]:
    """Idleness first, while nothing has happened yet; then a gentle rate."""
    found = {"idle": await _rest(bench, sizes)} if resting else {}
    bench.client.poll = min(bench.client.poll, GENTLE_POLL)
    await loops.warm(bench, 4, WARM)
    with Disk() as disk:
        gentle = await loops.gentle(bench, sizes.rate, sizes.gentle, seed)
    return found | {"gentle": gentle | {"slowest_flush_ms": disk.slowest()}}


async def _rest(bench: loops.Bench, sizes: Sizes) -> Json:
    await asyncio.sleep(SETTLE)
    before = memory()
    cost = await loops.idle(bench, sizes.idle)
    cores = {name: spent / cost.seconds for name, spent in cost.servers.items() if spent > 0}
    return {
        "cores": cost.server_cpu / cost.seconds,
        "cores_by_process": cores,
        "pss_mib": sum(before.values()),
        "pss_mib_by_process": before,
        "others": cost.others,
        "stolen": cost.stolen,
        "errors": 0,
    }
