"""`python -m bench.growth --closed 1000000 --waiting 100000`: a small database and a full one, side by side.

Both lie in one private Postgres with the settings of `hitl up`; rounds alternate between them. Filling takes one to
three minutes and 2 GB per 100,000 closed cases. The small one has as many cases as a page shows, and a few more.
This is the look at every statement and its plan; the plot of `bench/RESULTS.md` comes from `scripts/bench`.
"""

import argparse
import os

from bench.growth import databases, filling, page
from bench.growth.measuring import Subject
from hitl.store.embedded import EmbeddedPostgres
from tests.services.folders import throwaway

ROUNDS = 4
SMALL = {"closed": 200, "waiting": 100}


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--closed", type=int, default=100_000, help="closed cases")
    parser.add_argument("--waiting", type=int, default=10_000, help="cases that wait for people")
    parser.add_argument("--cases", type=int, default=20, help="whole cases per round, of which there are 4")
    given = parser.parse_args()
    with throwaway("growth") as folder, EmbeddedPostgres(folder) as postgres:
        small, full = (databases.made(postgres.url, f"growth_{name}") for name in ("small", "full"))
        _fill(small, SMALL)
        _fill(full, {"closed": given.closed, "waiting": given.waiting})
        compare(small, full, given.cases)


def _fill(url: str, many: dict[str, int]) -> None:
    for kind, cases in databases.templates(url).items():
        databases.filled(url, kind, cases, many[kind])
        if kind == "closed" and many is not SMALL:
            _say_sizes(url, many[kind])


def _say_sizes(url: str, cases: int) -> None:
    print("\n| table | rows per closed case | bytes per closed case | of these in indexes |\n|---|---|---|---|")
    found = filling.sizes(url)
    for name, (count, own, index) in found.items():
        print(f"| {name} | {count / cases:.1f} | {(own + index) / cases:,.0f} | {index / cases:,.0f} |")
    rows, bytes_, indexes = (sum(size[part] for size in found.values()) / cases for part in (0, 1, 2))
    print(f"| all | {rows:.1f} | {bytes_ + indexes:,.0f} | {indexes:,.0f} |\n")


def compare(small_url: str, full_url: str, cases: int) -> None:
    """Measure two filled databases in turns, and print what differs."""
    small, full = Subject(small_url), Subject(full_url)
    both = (small, full)
    for number in range(ROUNDS):
        for subject in both if number % 2 == 0 else reversed(both):
            subject.timed(cases)
            subject.timed_seldom(1)
    for subject in both:
        subject.explained()
        subject.explained_seldom()
    print(f"Load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
    print(page.table(small, full))
    print("\nStatements to look at:\n")
    print(page.findings(small, full))
    for subject in both:
        subject.close()


if __name__ == "__main__":
    main()
