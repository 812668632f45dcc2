"""Ways to put a system under load, with what was seen and what it cost."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from bench.journey import Case, Client, Log, Quarter, play
from bench.meters import Cost, Meters
from bench.sizes import RAMP, RAMP_MOST

DRAIN = 60.0  # seconds that an open loop's last cases may take
Json = dict[str, Any]


@dataclass
class Bench:
    """One running system: how to talk to it and how to read it; `names` makes each case a new one."""

    client: Client
    meters: Meters
    name: str

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    def cases(self) -> Iterable[Case]:
        """New cases, without end."""
        return (Case(f"{self.name}-{number}") for number in self._numbers)


async def closed(bench: Bench, concurrency: int, seconds: float) -> Json:
    """So many clients, each beginning a case as its last one ends; counts the quarters that end in the window.

    It opens when as many cases have ended as there are clients, so that all four quarters are under way by then.
    """
    log, cases = Log(), iter(bench.cases())

    async def one() -> None:
        for case in cases:
            await play(bench.client, case, log)

    tasks = [asyncio.create_task(one()) for _ in range(concurrency)]
    try:
        await _ramp(log, concurrency)
        begin = bench.meters.read()
        await asyncio.sleep(seconds)
        end = bench.meters.read()
    finally:
        await cancelled(tasks)
    seen = [quarter for quarter in log.quarters if begin.at < quarter.at <= end.at]
    return _result(seen, log, bench.meters.between(begin, end), len(seen) / 4)


async def gentle(bench: Bench, rate: float, seconds: float, seed: int) -> Json:
    """Cases that arrive by chance, the same chance for every system; all of them count."""
    log, dice = Log(), random.Random(seed)
    tasks: list[asyncio.Task[bool]] = []
    begin = bench.meters.read()
    arrival = begin.at
    for case in bench.cases():
        arrival += dice.expovariate(rate)
        if arrival > begin.at + seconds:
            break
        await asyncio.sleep(arrival - time.perf_counter())
        tasks.append(asyncio.create_task(play(bench.client, case, log)))
    _, late = await asyncio.wait(tasks, timeout=DRAIN)
    end = bench.meters.read()
    await cancelled(late)
    log.errors += ["too late"] * len(late)
    return _result(log.quarters, log, bench.meters.between(begin, end), len(log.quarters) / 4)


async def warm(bench: Bench, concurrency: int, seconds: float) -> None:
    """Cases that nobody counts, all of them to their end."""
    cases, until = iter(bench.cases()), time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < until:
            await play(bench.client, next(cases), Log())

    await asyncio.gather(*(one() for _ in range(concurrency)))


async def idle(bench: Bench, seconds: float) -> Cost:
    """Nothing, for a while."""
    begin = bench.meters.read()
    await asyncio.sleep(seconds)
    return bench.meters.between(begin, bench.meters.read())


async def in_turn(client: Client, cases: Iterable[Case], concurrency: int, quarters: str, log: Log) -> list[Case]:
    """Take each of these cases through these quarters; those that came through."""
    left = iter(cases)
    well: list[Case] = []

    async def one() -> None:
        for case in left:
            went = await play(client, case, log, quarters)
            well.extend([case] if went else [])

    await asyncio.gather(*(one() for _ in range(concurrency)))
    return well


def latencies(seen: Iterable[Quarter]) -> Json:
    """p50 and p99 in ms: of the answers, from a start to its pause, from a decision to its end."""
    seen = list(seen)
    groups = {
        "ack": [quarter.ack for quarter in seen],
        "start_paused": [quarter.whole for quarter in seen if quarter.name == "A"],
        "decision_completed": [quarter.whole for quarter in seen if quarter.name in "BD"],
        "rollback_paused": [quarter.whole for quarter in seen if quarter.name == "C"],
    }
    return {name: percentiles(values) for name, values in groups.items()}


def percentiles(values: list[float]) -> Json:
    """p50, p99 (in ms) and how many there were."""
    if len(values) < 2:
        return {"n": len(values), "p50": None, "p99": None}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"n": len(values), "p50": round(cuts[49] * 1000, 2), "p99": round(cuts[98] * 1000, 2)}


def _result(seen: list[Quarter], log: Log, cost: Cost, cases: float) -> Json:
    result: Json = {
        "cases": cases,
        "seconds": cost.seconds,
        "cores_by_process": _cores(cost.servers, cost.seconds),
        "cores_client": cost.client / cost.seconds,
        "cases_per_second": cases / cost.seconds,
        "latency": latencies(seen),
        "errors": len(log.errors),
        "first_errors": sorted(set(log.errors))[:3],
        "others": cost.others,
        "stolen": cost.stolen,
    }
    return result | (_per_case(cost, cases) if cases else {})


def _cores(servers: dict[str, float], seconds: float) -> Json:
    """How many cores each program had, all its processes together."""
    return {name: spent / seconds for name, spent in servers.items() if spent > 0.01 * seconds}


def _per_case(cost: Cost, cases: float) -> Json:
    per: Json = {
        "server_cpu_ms": cost.server_cpu / cases * 1000,
        "client_cpu_ms": cost.client / cases * 1000,
        "cpu_ms_by_process": {name: spent / cases * 1000 for name, spent in cost.servers.items() if spent > 0.005},
    }
    if cost.wal_bytes is not None and cost.wal_flushes is not None and cost.commits is not None:
        per |= {"wal_kb": cost.wal_bytes / cases / 1000, "wal_flushes": cost.wal_flushes / cases}
        per["commits"] = cost.commits / cases
    return per


async def _ramp(log: Log, concurrency: int) -> None:
    began = time.perf_counter()
    while time.perf_counter() < began + RAMP_MOST:
        ended = sum(quarter.name == "D" for quarter in log.quarters)
        if ended >= concurrency and time.perf_counter() > began + RAMP:
            return
        await asyncio.sleep(0.1)


async def cancelled(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel them, and wait until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
