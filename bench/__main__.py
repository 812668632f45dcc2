"""`scripts/bench`: install, measure, write down."""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bench import machine, plan, progress
from bench.floor.measuring import measure as floor
from bench.options import Options, parse
from bench.places import RESULTS
from bench.profile.measuring import profile
from bench.report import page
from bench.sizes import forecast
from bench.systems.catalog import SYSTEMS
from bench.systems.installing import NotInstallable
from bench.visits import Visit, pay

Json = dict[str, Any]


def main() -> int:
    """Run what was asked for; exit code 1 when nothing could be measured."""
    options = parse(sys.argv[1:])
    if options.report:
        page.write(options.report)
        return 0
    if options.plan:
        progress.tell_plan(_planned(options, options.systems), options.sizes)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is running is ended and cleared away
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = options.resumed or RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    done = _done(results)
    with results.open("a") as file:
        systems, absent = _install(options.systems)
        _note(file, {"about": machine.portrait(options.sizes.guardian), "arguments": options.given, "absent": absent})
        _note(file, {"versions": {name: dict(SYSTEMS[name].versions()) for name in systems}})
        if "closed-0" in options.scenarios and not done:
            _apart(options, systems, file)
        well = _run([visit for visit in _planned(options, systems) if visit not in done], options, file)
    print(f"Results: {results}")
    if options.page and (well or done):
        page.write([results])
        print("Written: bench/RESULTS.md")
    return 0 if well or done else 1


def _planned(options: Options, systems: Sequence[str]) -> list[plan.Planned]:
    return list(plan.visits(systems, options.scenarios, options.rounds))


def _done(results: Path) -> set[plan.Planned]:
    """The visits that this file has whole; one that failed is made again."""
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    return {(line["visit"][0], line["visit"][1], line["visit"][2]) for line in lines if "visit" in line}


def _install(names: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    systems, absent = [], {}
    for name in names:
        progress.show(f"setting up {name}")
        try:
            SYSTEMS[name].install()
            systems.append(name)
        except NotInstallable as reason:
            absent[name] = str(reason)
            print(f"{name:20} left out: {reason}")
    return systems, absent


def _apart(options: Options, systems: Sequence[str], file: TextIO) -> None:
    """What belongs to no round, and is measured first."""
    progress.show("the floor: each library alone")
    _note(file, {"floor": floor()})
    if plan.EMBEDDED in systems:
        progress.show("the profile: where a case's time goes")
        _note(file, {"profile": profile(options.sizes)})


def _run(planned: Sequence[plan.Planned], options: Options, file: TextIO) -> int:
    """Make all visits; how many went well."""
    well, clock = 0, progress.Clock([forecast(scenario, options.sizes) for _, scenario, _ in planned])
    for number, (round_, scenario, name) in enumerate(planned):
        clock.announce(number, f"{name} {scenario}")
        try:
            for result in pay(Visit(SYSTEMS[name], scenario, round_), options.sizes):
                _note(file, result)
                progress.say(result, clock.left(number))
            _note(file, {"visit": (round_, scenario, name), "ended": time.time()})
            well += 1
        except Exception as error:  # noqa: BLE001 - one system's failure is a result, not the end of the run
            about = {"system": name, "scenario": scenario, "round": round_}
            _note(file, {**about, "failed": str(error)[:2000]})
            print(f"{name:20} {scenario:14} FAILED: {str(error)[:1500]}", flush=True)
    return well


def _note(file: TextIO, line: Json) -> None:
    file.write(json.dumps(line) + "\n")
    file.flush()


if __name__ == "__main__":
    sys.exit(main())
