"""Eight people decide one review at the same moment, again and again: `scripts/chaos races --reviews 200`."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

from tests.chaos.driver import Journey
from tests.chaos.site import Site, opened
from tests.services.folders import throwaway
from tests.services.postgres import Databases, private_postgres

DECIDERS = ("dev-moderator", "dev-moderator-2", "dev-supervisor", "dev-supervisor-2", "dev-admin")
RACERS = 8  # some people press twice, each time with a key of its own
CHOICES: tuple[dict[str, Any], ...] = (
    {"decision": "approve", "reason": "It is rude."},
    {"decision": "reject"},
    {"decision": "edit", "reason": "A warning will do.", "actions": [{"kind": "warn_author"}]},
)


def race(site: Site, reviews: int, seed: int) -> Counter[int]:
    """So many reviews, eight racers each; how often each status was answered. All is carried out at the end."""
    draw, counts = Random(seed), Counter[int]()
    journeys = [site.journey(f"race-{seed}-{n}") for n in range(reviews)]
    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(Journey.start, journeys))
        for journey in journeys:
            counts.update(_one(site, journey, pool, draw))
        list(pool.map(Journey.await_end, journeys))
    for journey in journeys:
        site.rest(journey.case_id)
    return counts


def _one(site: Site, journey: Journey, pool: ThreadPoolExecutor, draw: Random) -> list[int]:
    """All racers leave the line together."""
    review = journey.await_(lambda case: case["status"] == "waiting_review")["review"]
    line = Barrier(RACERS)

    def run(racer: int, choice: dict[str, Any]) -> int:
        body = {"case_id": journey.case_id, "review_id": review["review_id"], **choice}
        line.wait(timeout=60.0)
        key = f"{journey.name}-racer-{racer}"
        return site.driver.ask(DECIDERS[racer % len(DECIDERS)], "/resume", body, key=key).status_code

    return list(pool.map(run, range(RACERS), draw.choices(CHOICES, k=RACERS)))


def main(argv: Sequence[str]) -> int:
    """Race, judge, print; the exit code says whether each review had one winner."""
    parser = argparse.ArgumentParser(prog="scripts/chaos races", description="Eight deciders for every review.")
    parser.add_argument("--reviews", type=int, default=200, help="(200)")
    parser.add_argument("--seed", type=int, default=1, help="draws what they decide (1)")
    given = parser.parse_args(argv)
    began = time.monotonic()
    with throwaway("races") as folder, private_postgres() as postgres, Databases(postgres.url).fresh() as url:
        site = Site(folder, url, None)
        with opened(site):
            counts, broken = race(site, given.reviews, given.seed), site.violations()
    answers = ", ".join(f"{times} × {status}" for status, times in sorted(counts.items()))
    sys.stdout.write(f"{given.reviews} reviews, {RACERS} racers each, seed {given.seed}: {answers}; ")
    sys.stdout.write(
        f"{len(broken)} violations; {time.monotonic() - began:.0f} s\n" + "".join(f"{b}\n" for b in broken)
    )
    return 1 if broken or counts != {202: given.reviews, 409: given.reviews * (RACERS - 1)} else 0
