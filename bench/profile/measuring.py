"""Guardian under load: CPU by program, by whose code its Python runs, and by statement."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg

from bench import loops, meters
from bench.clients.guardian import GuardianClient
from bench.places import ROOT
from bench.profile.sampling import Sampled
from bench.profile.statements import SETTINGS, Statements
from bench.sizes import SETTLE, WARM, Sizes
from bench.systems import guardian
from bench.systems.household import Household, Setup

LOOKED_AT = 20.0  # seconds: some thousand samples
CALM = 2  # cases at a time: statements are timed by the clock, and with more at once they would wait for a core, too
PYTHON = ("workers", "uvicorn api.main:app")
Json = dict[str, Any]


def profile(sizes: Sizes) -> Json:
    """What was found; or `absent`, the reason why there is nothing."""
    if sizes.guardian != ROOT:
        return {"absent": "only this checkout's code can be told by its files."}
    try:
        return _profile(sizes)
    except Exception as error:  # noqa: BLE001 - a benchmark without a profile is one all the same
        return {"absent": f"{type(error).__name__}: {str(error)[:300]}"}


def _profile(sizes: Sizes) -> Json:
    asyncio.run(meters.quiet(sizes.patience))
    with Household(Setup(0)) as keeper:
        url = keeper.postgres(SETTINGS)
        with Household(Setup(0, database=url)) as household, psycopg.connect(url, autocommit=True) as connection:
            guardian.start_embedded(household)
            return asyncio.run(_measure(household, Statements(connection), sizes))


async def _measure(household: Household, statements: Statements, sizes: Sizes) -> Json:
    client = GuardianClient(*household.ports)
    bench = loops.Bench(client, meters.Meters(household.database), "profile")
    try:
        await loops.warm(bench, 8, WARM)
        programs = await _programs(bench, sizes)
        seen = await _seen(bench, sizes.concurrency, household.folder)
        await asyncio.sleep(SETTLE)  # what was under way comes to rest
        statements.begin()
        calm = await loops.closed(bench, CALM, sizes.seconds)
        found = statements.per_case()
    finally:
        client.close()
        bench.meters.close()
    return {**programs, **seen, "calm": CALM, "calm_cpu_ms": calm["cpu_ms_by_process"], "statements": found}


async def _programs(bench: loops.Bench, sizes: Sizes) -> Json:
    """The closed loop, with nobody looking on: each program's CPU per case, and the kernel's share of it."""
    servers, kernel = bench.meters.read().servers, meters.kernel()
    full = await loops.closed(bench, sizes.concurrency, sizes.seconds)
    servers_then, kernel_then = bench.meters.read().servers, meters.kernel()
    cpu = full["cpu_ms_by_process"]
    share = {
        name: (kernel_then[name] - kernel[name]) / (servers_then[name] - servers[name])
        for name in cpu
        if name in kernel and name in kernel_then
    }
    return {"cpu_ms": cpu, "kernel": share, **{key: full[key] for key in ("others", "stolen", "errors")}}


async def _seen(bench: loops.Bench, concurrency: int, folder: Path) -> Json:
    """The same, looked into."""
    with Sampled(meters.pids(PYTHON), folder) as sampled:
        await loops.closed(bench, concurrency, LOOKED_AT)
    return sampled.found()
