"""What can be chosen on the command line."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from bench.places import ROOT
from bench.systems.catalog import SYSTEMS
from bench.visits import Sizes

SCENARIOS = ("closed-0", "closed-200", "gentle", "survival")


@dataclass(frozen=True)
class Options:
    """Which systems, which scenarios, how often, how much; `report` only writes the page anew from a results file."""

    systems: tuple[str, ...]
    scenarios: tuple[str, ...]
    rounds: int
    sizes: Sizes
    report: Path | None
    page: bool


def parse(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="a smoke run: one round, 3 s each, 30 paused cases; writes no page")
    add("--systems", default=",".join(SYSTEMS), help="comma-separated; all: %(default)s")
    add("--scenarios", default=",".join(SCENARIOS), help="comma-separated; all: %(default)s (gentle measures idle too)")
    add("--rounds", type=int, default=3, help="interleaved rounds; survival is run in the first only")
    add("--seconds", type=float, default=15.0, help="length of a closed loop's measurement")
    add("--gentle", type=float, default=40.0, help="length of the run at a gentle rate")
    add("--paused", type=int, default=1000, help="cases paused in the survival run")
    add("--report", type=Path, help="write bench/RESULTS.md anew from this results file, and run nothing")
    add("--patience", type=float, default=60.0, help="seconds to wait, before each visit, for others to be quiet")
    add("--guardian", type=Path, default=ROOT, help="measure the Guardian of another checkout than this one")
    add("--no-page", action="store_true", help="leave bench/RESULTS.md as it is")
    given = parser.parse_args(arguments)
    systems, scenarios = tuple(given.systems.split(",")), tuple(given.scenarios.split(","))
    if unknown := (set(systems) - set(SYSTEMS)) | (set(scenarios) - set(SCENARIOS)):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    sizes = Sizes(
        seconds=given.seconds,
        gentle=given.gentle,
        paused=given.paused,
        patience=given.patience,
        guardian=given.guardian.resolve(),
    )
    rounds, page = given.rounds, not given.no_page
    if given.quick:
        sizes, rounds, page = replace(sizes, seconds=3.0, gentle=5.0, idle=2.0, paused=30, patience=0.0), 1, False
    return Options(systems, scenarios, rounds, sizes, given.report, page)
