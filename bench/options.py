"""What can be chosen on the command line."""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

from bench import plan
from bench.places import RESULTS, ROOT
from bench.sizes import Sizes
from bench.systems.catalog import SYSTEMS

QUICK = Sizes(3.0, gentle=5.0, idle=2.0, paused=30, flood=4.0, closed=(0, 500), growth_rounds=1, patience=0.0)
LATEST = Path("the newest")


@dataclass(frozen=True)
class Options:
    """Which systems, which scenarios, how often, how much; `given` are the words that say so, for a reader.

    `report` only writes the page anew from results files; `resumed` is the file that a run goes on with; `plan`
    only tells what would be done.
    """

    systems: tuple[str, ...]
    scenarios: tuple[str, ...]
    rounds: int
    sizes: Sizes
    report: tuple[Path, ...]
    page: bool
    given: tuple[str, ...]
    resumed: Path | None = None
    plan: bool = False


def parse(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.resume:
        resumed = _resumed(parser, _newest(parser) if given.resume == LATEST else given.resume)
        return replace(resumed, plan=given.plan)
    systems, scenarios = _chosen(parser, given)
    sizes = Sizes(
        seconds=given.seconds,
        gentle=given.gentle,
        flood=given.flood,
        paused=given.paused,
        closed=tuple(int(number) for number in given.closed.split(",")),
        growth_rounds=given.rounds,
        patience=given.patience,
        guardian=given.guardian.resolve(),
    )
    rounds, page = given.rounds, not given.no_page
    if given.quick:
        sizes, rounds, page = replace(QUICK, guardian=sizes.guardian), 1, False
    report = tuple(given.report or ())
    return Options(systems, scenarios, rounds, sizes, report, page, tuple(arguments), plan=given.plan)


def _parser() -> argparse.ArgumentParser:
    usual = Sizes()
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="a smoke run: one round, 3 s each, 30 paused cases; writes no page")
    add("--systems", default=",".join(SYSTEMS), help="comma-separated; all: %(default)s")
    add("--scenarios", default=",".join(plan.SCENARIOS), help="comma-separated; all: %(default)s")
    add("--rounds", type=int, default=3, help="interleaved rounds; survival and growth's filling come in the first")
    add("--seconds", type=float, default=usual.seconds, help="length of a closed loop's measurement (%(default)s)")
    add("--gentle", type=float, default=usual.gentle, help="length of the run at a gentle rate (%(default)s)")
    add("--flood", type=float, default=usual.flood, help="length of the run beside a flood (%(default)s)")
    add("--paused", type=int, default=usual.paused, help="cases paused in the survival run (%(default)s)")
    closed = ",".join(map(str, usual.closed))
    add("--closed", default=closed, help="sizes for growth, in closed cases; a tenth of it waits beside (%(default)s)")
    add("--patience", type=float, default=usual.patience, help="seconds to wait for others to be quiet (%(default)s)")
    add("--guardian", type=Path, default=ROOT, help="measure the Guardian of another checkout than this one")
    add("--no-page", action="store_true", help="leave bench/RESULTS.md as it is")
    add("--plan", action="store_true", help="only tell what would be done, and how long that takes")
    add("--resume", type=Path, nargs="?", const=LATEST, help="go on with this results file, or with the newest")
    add("--report", type=Path, nargs="+", help="only write bench/RESULTS.md anew, from these results files together")
    return parser


def _chosen(parser: argparse.ArgumentParser, given: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    systems, scenarios = tuple(given.systems.split(",")), tuple(given.scenarios.split(","))
    if unknown := (set(systems) - set(SYSTEMS)) | (set(scenarios) - set(plan.SCENARIOS)):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return systems, scenarios


def _newest(parser: argparse.ArgumentParser) -> Path:
    found = sorted(RESULTS.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else parser.error("there is no results file to go on with")


def _resumed(parser: argparse.ArgumentParser, file: Path) -> Options:
    """What that run was asked for."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    asked = next((line["arguments"] for line in lines if "arguments" in line), None)
    if asked is None:
        parser.error(f"{file} does not begin with what was asked for")
    return replace(parse(asked), resumed=file)
