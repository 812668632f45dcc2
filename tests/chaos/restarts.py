"""Rolling restarts: desks and workers in turn, as a deployment does it, while cases go through the loop."""

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.checkers import violations
from tests.chaos.client import Clients
from tests.chaos.history import load
from tests.chaos.lines import Balancer
from tests.chaos.processes import Process
from tests.chaos.run import SETTLE_SECONDS, at_rest
from tests.chaos.stage import DESKS, WORKERS, Broker, Stage, ready, set_up
from tests.chaos.witness import Temper

DRAIN_SECONDS = "2"  # longer than it takes the balancer to notice
MANY = 1_000_000  # cases; the restarts end it
SHOWN = 20
PATIENCE = 120.0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of it; `seen` is every 5xx that a client saw."""

    found: list[str]
    seen: list[str]
    counts: Counter[str]
    answers: Counter[int]
    elsewhere: int
    seconds: float
    settle_seconds: float | None


def run(broker: Broker, restarts: int, seed: int, clients: int, tell: Tell = lambda _: None) -> Outcome:
    """So many times, everybody is restarted, one after the other."""
    with set_up(broker, Temper(), clocks={}, HITL_DRAIN_SECONDS=DRAIN_SECONDS) as stage:
        return asyncio.run(_run(stage, restarts, seed, clients, tell))


async def _run(stage: Stage, restarts: int, seed: int, concurrency: int, tell: Tell) -> Outcome:
    log, balancer = stage.folder / "client.jsonl", Balancer(stage.desks)
    clients = Clients(balancer, log, stage.testimony, seed=seed)
    work, began = asyncio.create_task(clients.run(MANY, concurrency)), time.monotonic()
    for number in range(1, restarts + 1):
        await asyncio.to_thread(_roll, stage)
        told = f"  settled {clients.counts['settled']}  answers {balancer.answers.total()}  5xx {len(balancer.seen)}"
        tell(f"restart {number:3d} of {restarts}  {time.monotonic() - began:5.0f} s{told}")
    clients.stop()
    ended = time.monotonic()
    settled = await at_rest(stage, work, ended)
    work.cancel()
    await clients.close()
    found = [*violations(load(stage.url, log, stage.testimony)), *clients.surprises]
    found += [f"{count} cases {what}" for what, count in clients.counts.items() if what.startswith("failed")]
    found += [f"not settled {SETTLE_SECONDS:.0f} s after the last restart"] * (settled is None)
    return Outcome(found, balancer.seen, clients.counts, balancer.answers, balancer.elsewhere, ended - began, settled)


def _roll(stage: Stage) -> None:
    """One whole restart: nobody goes down before the one before is back."""
    for name, url in zip(DESKS, stage.desks, strict=True):
        _restart(stage, name, lambda url=url: ready(url))  # type: ignore[misc]
    for name in WORKERS:
        _restart(stage, name, lambda name=name: stage.works(name))  # type: ignore[misc]


def _restart(stage: Stage, name: str, back: Callable[[], bool]) -> None:
    before = stage.process(name)
    assert before is not None, "everybody is up"
    before.send(signal.SIGTERM)
    if not before.dead.wait(PATIENCE):
        raise RuntimeError(f"{name} does not end:\n{stage.said()}")
    deadline = time.monotonic() + PATIENCE
    while not _again(stage.process(name), before) or not back():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} does not come back:\n{stage.said()}")
        time.sleep(0.05)


def _again(now: Process | None, before: Process) -> bool:
    return now is not None and now is not before and not now.dead.is_set()


def report(outcome: Outcome) -> str:
    """What was seen, as text."""
    answers = ", ".join(f"{count} × {status}" for status, count in sorted(outcome.answers.items()))
    lines = [f"{answers}; {outcome.elsewhere} connections were refused and went to the other desk"]
    lines += [f"  {name:<44} {count:>6}" for name, count in sorted(outcome.counts.items())]
    settled = "never" if outcome.settle_seconds is None else f"{outcome.settle_seconds:.1f} s after the last"
    lines += [f"{outcome.seconds:.0f} s of restarts; settled {settled}"]
    lines += [f"{len(outcome.seen)} answers of 5xx", *(f"  ! {line[:300]}" for line in outcome.seen[:SHOWN])]
    lines += [f"{len(outcome.found)} violations", *(f"  ! {line[:300]}" for line in outcome.found[:SHOWN])]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Restart, judge, print; the exit code says whether nobody noticed."""
    about = "Restarts two desks and three workers in turn, under load, behind a load balancer that asks /readyz."
    parser = argparse.ArgumentParser(prog="scripts/chaos restarts", description=about)
    parser.add_argument("--restarts", type=int, default=20, help="of everybody (20)")
    parser.add_argument("--clients", type=int, default=24, help="cases that are under way at once (24)")
    parser.add_argument("--broker", choices=["embedded", "rabbitmq"], default="rabbitmq")
    parser.add_argument("--seed", type=int, default=1, help="draws what the clients do (1)")
    given = parser.parse_args(argv)
    sys.stdout.write(f"{given.restarts} rolling restarts over {given.broker}, seed {given.seed}\n")
    tell: Tell = lambda line: print(line, flush=True)  # noqa: E731, T201
    outcome = run(given.broker, given.restarts, given.seed, given.clients, tell)
    sys.stdout.write(report(outcome))
    return 1 if outcome.found or outcome.seen else 0
