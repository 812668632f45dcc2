"""Guardian under load with somebody looking on: CPU by process, by part of its Python, by statement."""

import asyncio
from typing import Any

import psycopg

from bench import loops, meters
from bench.clients.guardian import GuardianClient
from bench.profile.sampling import Sampled
from bench.profile.statements import SETTINGS, Statements
from bench.sizes import WARM
from bench.systems import guardian, installing
from bench.systems.household import Household, Setup
from hitl.store.embedded import EmbeddedPostgres
from tests.services.folders import throwaway

CONCURRENCY, SECONDS = 32, 20.0
CALM, CALM_SECONDS = 2, 8.0  # a statement's time is that of the clock: with more at once it would wait for a core, too
PYTHON = ("workers", "uvicorn api.main:app")
Json = dict[str, Any]


def profile() -> Json:
    """All of it, or `absent`: why it cannot be had."""
    try:
        installing.venv("profile")
        return _profile()
    except (installing.NotInstallable, RuntimeError) as reason:
        return {"absent": str(reason)}


def _profile() -> Json:
    with (
        throwaway("profile") as folder,
        EmbeddedPostgres(folder, settings=SETTINGS) as postgres,
        Household(Setup(0, database=postgres.url)) as household,
        psycopg.connect(postgres.url, autocommit=True) as connection,
    ):
        guardian.start_embedded(household)
        return asyncio.run(_measure(household, Statements(connection)))


async def _measure(household: Household, statements: Statements) -> Json:
    client = GuardianClient(*household.ports)
    bench = loops.Bench(client, meters.Meters(household.database), "profile")
    try:
        await loops.warm(bench, 8, WARM)
        loaded = await _loaded(bench, household)
        statements.begin()
        calm = await loops.closed(bench, CALM, CALM_SECONDS)
        found = statements.per_case()
    finally:
        client.close()
        bench.meters.close()
    return {**loaded, "calm_cpu_ms": calm["cpu_ms_by_process"], "statements": found}


async def _loaded(bench: loops.Bench, household: Household) -> Json:
    """The closed loop: each program's CPU per case, which part of it is the kernel's, and whose code it was."""
    with Sampled(meters.pids(PYTHON), household.folder) as sampled:
        spent, kernel = bench.meters.read().servers, meters.kernel()
        full = await loops.closed(bench, CONCURRENCY, SECONDS)
        later, more = bench.meters.read().servers, meters.kernel()
    cpu = full["cpu_ms_by_process"]
    share = {name: (more[name] - kernel[name]) / (later[name] - spent[name]) for name in cpu if name in kernel}
    return {"cpu_ms": cpu, "kernel": share, "shares": sampled.shares()}
