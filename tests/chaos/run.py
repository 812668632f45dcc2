"""The nemesis and its victims: `scripts/chaos nemesis --cases 1000 --broker rabbitmq --seed 7`.

Cases go through the whole loop while a nemesis breaks everything that can be broken; afterwards checkers compare what
the clients were told, what the witness did and what the database says. Exit code 1 when any promise was broken.
"""

import argparse
import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.chaos.checkers import violations
from tests.chaos.client import Clients
from tests.chaos.history import History, load
from tests.chaos.lines import ByTurns
from tests.chaos.nemesis import EVERY, Nemesis, schedule
from tests.chaos.report import report
from tests.chaos.stage import Broker, Stage, set_up
from tests.chaos.watch import Watch
from tests.chaos.witness import Temper

SETTLE_SECONDS = 300.0
MOST = 0.6  # of a suite's cases; then its nemesis ends, and the rest shows how everything settles
MANY = 1000  # blows; among so many is each kind
LEFT = "select count(*) from commands where state in ('ready', 'published', 'claimed')"


@dataclass(frozen=True)
class Plan:
    """What is to be done to whom; `seconds` ends it before all cases are through.

    `hurry` is for suites: each kind of fault strikes, and leases' ends are put forward instead of waited for.
    """

    broker: Broker = "rabbitmq"
    cases: int = 300
    seconds: float | None = None
    seed: int = 1
    faults: Sequence[str] = tuple(EVERY)
    concurrency: int = 120
    hurry: bool = False
    temper: Temper = field(default_factory=lambda: Temper(stall=0.002, drop=0.02, error=0.02))


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    plan: Plan
    found: list[str]
    counts: Counter[str]
    blows: Counter[str]
    struck: frozenset[str]
    recoveries: dict[str, list[float]]
    history: History
    load_seconds: float
    settle_seconds: float | None
    refusals: list[float]
    said: str


def run(plan: Plan, tell: Callable[[str], None] = lambda _: None, *, live: bool = False) -> Outcome:
    """Set everything up, break it, let it settle, and judge."""
    with set_up(plan.broker, plan.temper, hurry=plan.hurry) as stage:
        return asyncio.run(_run(plan, stage, tell, live=live))


async def _run(plan: Plan, stage: Stage, tell: Callable[[str], None], *, live: bool) -> Outcome:
    log = stage.folder / "client.jsonl"
    lines = ByTurns(stage.desks)
    clients = Clients(lines, log, stage.testimony, seed=plan.seed)
    nemesis = Nemesis(stage, schedule(plan.seed, plan.broker, plan.faults), tell, hurry=plan.hurry)
    with Watch(stage, nemesis, clients, cases=plan.cases, live=live) as watch:
        nemesis.start()
        work = asyncio.create_task(clients.run(plan.cases, plan.concurrency))
        await _while_it_lasts(plan, clients, nemesis, work)
        clients.stop()
        await asyncio.to_thread(nemesis.stop)
        settle_seconds = await at_rest(stage, work, nemesis.ended, hurry=plan.hurry)
        work.cancel()
    await clients.close()
    history = load(stage.url, log, stage.testimony)
    found = [*violations(history), *clients.surprises, *nemesis.broke]
    if settle_seconds is None:
        found.append(f"not settled {SETTLE_SECONDS:.0f} s after the last fault")
    return Outcome(
        plan,
        found,
        clients.counts,
        nemesis.counts,
        frozenset(blow.fault for _, blow in nemesis.done),
        watch.recoveries,
        history,
        nemesis.ended - nemesis.began,
        settle_seconds,
        lines.refusals,
        stage.said() if found else "",
    )


async def _while_it_lasts(plan: Plan, clients: Clients, nemesis: Nemesis, work: "asyncio.Task[None]") -> None:
    began = time.monotonic()
    wanted = {blow.fault for blow in itertools.islice(schedule(plan.seed, plan.broker, plan.faults), MANY)}
    while True:
        if plan.hurry:
            through = clients.counts["settled"] >= plan.cases * MOST
        else:
            through = clients.counts["acknowledged"] >= plan.cases
        through = through or work.done()
        if through and (not plan.hurry or {blow.fault for _, blow in nemesis.done} >= wanted):
            return
        if plan.seconds and time.monotonic() - began > plan.seconds:
            return
        await asyncio.sleep(0.2)


async def at_rest(stage: Stage, work: "asyncio.Task[None]", since: float, *, hurry: bool = False) -> float | None:
    """Wait until no case is under way and no command left: after how many seconds; None when that takes too long."""
    while time.monotonic() - since < SETTLE_SECONDS:
        if await asyncio.to_thread(_left, stage, hurry=hurry) == 0 and work.done():
            return time.monotonic() - since
        await asyncio.sleep(0.2)
    return None


def _left(stage: Stage, *, hurry: bool) -> int:
    """How many commands are unfinished."""
    if hurry:
        stage.leases_run_out()
    with psycopg.connect(stage.url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(LEFT).fetchone()
    return int(row[0]) if row else 0


def main(argv: Sequence[str]) -> int:
    """Run what the arguments say, print the table, and tell by the exit code whether anything was broken."""
    given = _arguments(argv)
    faults = given.faults.split(",")
    plan = Plan(given.broker, given.cases, given.seconds, given.seed, faults, given.clients, given.hurry)
    if given.schedule:
        blows = schedule(plan.seed, plan.broker, plan.faults)
        for blow in itertools.takewhile(lambda b: b.at < (plan.seconds or 60.0), blows):
            sys.stdout.write(f"{blow}\n")
        return 0
    live = sys.stdout.isatty()
    sys.stdout.write(f"{given.cases} cases over {given.broker}; to see it again: --seed {given.seed}\n")
    outcome = run(plan, lambda line: print(f"\r\033[K{line}" if live else line, flush=True), live=live)  # noqa: T201
    sys.stdout.write(report(outcome))
    if outcome.said and given.keep:
        Path(given.keep).write_text(outcome.said)
    return 1 if outcome.found else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    about = "Breaks everything while cases go through the loop, then looks what became of them."
    parser = argparse.ArgumentParser(prog="scripts/chaos nemesis", description=about)
    parser.add_argument("--cases", type=int, default=10_000, help="to be started (10,000)")
    parser.add_argument("--clients", type=int, default=240, help="cases that are under way at once (240)")
    parser.add_argument("--seconds", type=float, help="end the faults after so long, whatever has been done by then")
    parser.add_argument("--broker", choices=["embedded", "rabbitmq"], default="rabbitmq")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="draws all blows; without one, the time does"
    )
    parser.add_argument("--faults", default=",".join(EVERY), help="only these, separated by commas")
    parser.add_argument("--hurry", action="store_true", help="as the suite does: leases' ends are put forward")
    parser.add_argument("--schedule", action="store_true", help="only print what would be done, and when")
    parser.add_argument("--keep", metavar="FILE", help="where the last words of all programs go")
    return parser.parse_args(argv)
