"""The failpoint matrix, whole: `scripts/chaos matrix`. Prints as it goes, and writes docs/failpoint-matrix.md.

Lanes are Guardians of their own, side by side; most of the time they wait. `--only TEXT` runs what TEXT is part of.
"""

import argparse
import itertools
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from hitl.failpoints import NAMES
from tests.chaos.combinations import BROKERS, FAULTS, Broker, Combination, Outcome, every, run
from tests.chaos.processes import Burial
from tests.chaos.site import Site, opened
from tests.journeys.guardian import ROOT
from tests.services.folders import throwaway
from tests.services.postgres import Databases, private_postgres
from tests.services.rabbitmq import private_rabbitmq

PAGE = ROOT / "docs" / "failpoint-matrix.md"
HEAD = """\
# The failpoint matrix

Every commit boundary of Guardian has a name (`hitl/failpoints.py`). At each of them the process was killed (SIGKILL),
an exception was raised, a thread stood still for 5 s (`stall`), or stood still while its lease ran out and another took
over (`overtake`), while a case went through the whole loop: start, decide, appeal, reverse, decide again, with one
action that the platform carries out once per key, one that it can be asked about, and one of which it promises nothing.
What each run passes is hit in the first, the second and the third run; what each action passes, at the first, the
second and the third action. When all had woken up, the case had to be where it should, and every checker had to find
nothing (`tests/chaos/checkers.py`; what they judge by is the client's log of answers, the platform's own file of what
it truly did, and the database). A failpoint that was never hit is a failure.

What a case passes only when something goes wrong with it (from `refused` on) is brought about
(`tests/chaos/troubles.py`): the platform refuses, drops its answer, or shows what somebody else has changed; a lease is
lost, also once too often; nobody serves a graph version; a review is blocked; answers and checkpoints are old. The case
has to end in the same way.
"""

BURIALS = {
    "release": "What a killed worker held was given back at once, as `hitl up` does when it has reaped a child.",
    "expire": "Leases of killed workers were ended, and found by upkeep.",
    "wait": "Nobody looked after killed workers: their leases ran out by themselves, 30 s later.",
}


def main(argv: Sequence[str]) -> int:
    """Run what was asked for; the exit code says whether every promise was kept."""
    given = _arguments(argv)
    combinations = [c for c in every() if _asked_for(c, given)]
    began, outcomes = datetime.now(UTC), Progress(len(combinations) * len(given.broker))
    with ExitStack() as stack:
        databases = Databases(stack.enter_context(private_postgres()).url)
        node = stack.enter_context(private_rabbitmq())
        if "rabbitmq" in given.broker:
            node.start()
        threads = []
        for broker in given.broker:
            work = _queued(combinations)
            for number in range(given.lanes):
                url = node.fresh_url() if broker == "rabbitmq" else None
                lane = Lane(broker, url, databases, given.burial, work, outcomes)
                threads.append(threading.Thread(target=lane.run, name=f"{broker} {number + 1}"))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wrong = [o for o in outcomes.all if o.wrong]
    if not given.only and not given.first and not given.beside and set(given.broker) == set(BROKERS):
        PAGE.write_text(page(outcomes.all, began, given.burial))
    _print(f"{len(outcomes.all)} combinations, {len(wrong)} failed, {(datetime.now(UTC) - began).seconds} s")
    return 1 if wrong or len(outcomes.all) < outcomes.total else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    about = "Pulls the plug at every commit boundary. All combinations are run; there is nothing to be drawn."
    parser = argparse.ArgumentParser(prog="scripts/chaos matrix", description=about)
    parser.add_argument("--broker", action="append", choices=BROKERS, help="default: both, one after the other")
    parser.add_argument("--only", default="", metavar="TEXT", help="combinations with this in their name")
    parser.add_argument("--beside", action="store_true", help="only what a case passes when something goes wrong")
    parser.add_argument("--first", action="store_true", help="hit each failpoint at its first pass only")
    parser.add_argument("--lanes", type=int, default=3, help="Guardians side by side, per broker")
    parser.add_argument("--burial", choices=("release", "expire", "wait"), default="release", help="of dead workers")
    given = parser.parse_args(argv)
    given.broker = given.broker or list(BROKERS)
    return given


def _asked_for(combination: Combination, given: argparse.Namespace) -> bool:
    if given.beside and not combination.beside:
        return False
    return given.only in str(combination) and (not given.first or combination.nth == 1)


class Progress:
    """What has been run, told as it happens."""

    def __init__(self, total: int) -> None:
        self.total, self.all = total, list[Outcome]()
        self._lock = threading.Lock()

    def add(self, outcome: Outcome) -> None:
        """Remember one, and print it."""
        with self._lock:
            self.all.append(outcome)
            word = "ok" if not outcome.wrong else "WRONG"
            at = f"{len(self.all):4d}/{self.total}"
            _print(f"{at}  {word:5s} {outcome.seconds:6.1f} s  {outcome.broker:8s}  {outcome.combination}")
            for found in outcome.wrong:
                _print(f"          {found}")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _queued(combinations: Sequence[Combination]) -> "queue.Queue[tuple[int, Combination]]":
    work: queue.Queue[tuple[int, Combination]] = queue.Queue()
    for numbered in enumerate(combinations, start=1):
        work.put(numbered)
    return work


@dataclass(frozen=True)
class Lane:
    """One Guardian after the other; one that was caught is not used again."""

    broker: Broker
    broker_url: str | None
    databases: Databases
    burial: Burial
    work: "queue.Queue[tuple[int, Combination]]"
    outcomes: Progress

    def run(self) -> None:
        """Take combinations until none is left."""
        while not self.work.empty():
            with throwaway("matrix") as folder, self.databases.fresh() as url:
                self._use(Site(folder, url, self.broker_url, self.burial))
        _print(f"{'':11}lane {threading.current_thread().name} has nothing left to do")

    def _use(self, guardian: Site) -> None:
        with opened(guardian) as site:
            while self._one(site):
                pass

    def _one(self, site: Site) -> bool:
        """Run one combination; False when there is none left, or this Guardian is not to be trusted any more."""
        try:
            number, combination = self.work.get_nowait()
        except queue.Empty:
            return False
        began = time.monotonic()
        try:
            outcome = run(site, self.broker, combination, number)
        except Exception as error:  # noqa: BLE001 (whatever broke, the other combinations are still to be run)
            outcome = Outcome(combination, self.broker, time.monotonic() - began, (repr(error),))
        self.outcomes.add(outcome)
        return not outcome.wrong


def page(outcomes: Sequence[Outcome], began: datetime, burial: Burial) -> str:
    """The page for docs/."""
    wrong = [o for o in outcomes if o.wrong]
    seconds = int((datetime.now(UTC) - began).total_seconds())
    made = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, check=False).stdout
    commit, took = made.decode().strip() or "unknown", f"{seconds // 60} min {seconds % 60} s"
    summary = f"""\
**{len(outcomes)} combinations, {len(wrong)} failed.** Run on {began:%Y-%m-%d} at commit {commit}, in {took} on 2 cores.
{BURIALS[burial]} Again: `scripts/chaos matrix`.

A cell says how many of its combinations kept every promise; it is empty where no lease can be lost.
"""
    columns = [f"{fault}, {broker}" for broker, fault in itertools.product(BROKERS, FAULTS)]
    table = ["| failpoint | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines = [HEAD, summary, *table, *(_row(name, outcomes) for name in NAMES)]
    lines += [
        "",
        "## What failed\n",
        *(f"* `{o.combination}`, {o.broker}: {'; '.join(o.wrong)}" for o in wrong),
    ] * bool(wrong)
    return "\n".join(lines) + "\n"


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    cells = []
    for broker, fault in itertools.product(BROKERS, FAULTS):
        of = [o for o in outcomes if (o.combination.name, o.combination.fault, o.broker) == (name, fault, broker)]
        kept = sum(not o.wrong for o in of)
        cells.append("" if not of else f"{kept} of {len(of)}" if kept == len(of) else f"**{kept} of {len(of)}**")
    return f"| `{name}` | " + " | ".join(cells) + " |"
