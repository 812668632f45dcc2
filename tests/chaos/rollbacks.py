"""Rollbacks while the worker is killed every two seconds: `scripts/chaos rollbacks --cases 1000`."""

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import psycopg

from tests.chaos.driver import Journey
from tests.chaos.site import WORKERS, Site, opened
from tests.services.folders import throwaway
from tests.services.postgres import Databases, private_postgres

CLIENTS = 16
PACE_SECONDS = 2.0
UNDONE = """select u.kind, u.status, count(*) from actions r join actions u on u.action_id = r.reverses
    group by 1, 2 order by 1, 2"""


@contextmanager
def killing(site: Site, seed: int) -> Iterator[list[float]]:
    """The worker is killed again and again, at moments that the seed draws; when that was."""
    over, draw, deaths = threading.Event(), Random(seed), list[float]()

    def kill() -> None:
        while not over.wait(draw.uniform(0.5, 1.5) * PACE_SECONDS):
            process = site.fleet.members[WORKERS].process
            if process:
                process.kill()
                deaths.append(time.monotonic())

    killer = threading.Thread(target=kill, name="killer")
    killer.start()
    try:
        yield deaths
    finally:
        over.set()
        killer.join()


def roll_back(site: Site, cases: int) -> None:
    """So many cases are decided, carried out, appealed against and reversed."""
    journeys = [site.journey(f"undone-{n}") for n in range(cases)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(_there_and_back, journeys))
    for journey in journeys:
        site.rest(journey.case_id)


def _there_and_back(journey: Journey) -> None:
    journey.start()
    journey.decide("dev-moderator", "approve")
    journey.await_end()
    journey.appeal()
    journey.await_review(2)


def undone(site: Site) -> Counter[tuple[str, str]]:
    """What became of every action that was to be undone, by kind."""
    with psycopg.connect(site.database_url) as conn:
        return Counter({(kind, status): times for kind, status, times in conn.execute(UNDONE).fetchall()})


def main(argv: Sequence[str]) -> int:
    """Roll back, judge, print; the exit code says whether each action was reversed once or is named."""
    parser = argparse.ArgumentParser(prog="scripts/chaos rollbacks", description="Rollbacks under kills.")
    parser.add_argument("--cases", type=int, default=1000, help="(1,000)")
    parser.add_argument("--seed", type=int, default=1, help="draws the kills and the platform's faults (1)")
    given = parser.parse_args(argv)
    began = time.monotonic()
    faults = ("--seed", str(given.seed), "--drop", "0.02", "--error", "0.02")
    with throwaway("rollbacks") as folder, private_postgres() as postgres, Databases(postgres.url).fresh() as url:
        site = Site(folder, url, None, "release", *faults)
        with opened(site):
            with killing(site, given.seed) as deaths:
                roll_back(site, given.cases)
            found, broken = undone(site), site.violations()
    sys.stdout.write(f"{given.cases} rollbacks, {len(deaths)} kills, seed {given.seed}, ")
    sys.stdout.write(f"{time.monotonic() - began:.0f} s: {len(broken)} violations\n")
    for (kind, status), times in sorted(found.items()):
        sys.stdout.write(f"  {times:5d} {kind} {status}\n")
    sys.stdout.write("".join(f"{b}\n" for b in broken))
    return 1 if broken or found.total() != given.cases * 3 else 0
