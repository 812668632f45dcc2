"""`scripts/bench`: install, measure, write down."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine, plan
from bench.options import Options, parse
from bench.places import RESULTS
from bench.report import page
from bench.systems.catalog import SYSTEMS, System
from bench.systems.installing import NotInstallable
from bench.visits import Visit, pay

Json = dict[str, Any]
TERMINAL = sys.stderr.isatty()


def main() -> int:
    """Run what was asked for; exit code 1 when nothing could be measured."""
    options = parse(sys.argv[1:])
    if options.report:
        page.write(options.report)
        return 0
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    with results.open("a") as file:
        systems, absent = _install(options.systems)
        _note(file, {"about": machine.portrait(options.sizes.guardian), "arguments": sys.argv[1:], "absent": absent})
        _note(file, {"versions": {system.name: dict(system.versions()) for system in systems}})
        well = _run(options, systems, file)
    print(f"Results: {results}")
    if options.page and well:
        page.write(results)
        print("Written: bench/RESULTS.md")
    return 0 if well else 1


def _install(names: tuple[str, ...]) -> tuple[list[System], dict[str, str]]:
    systems, absent = [], {}
    for name in names:
        _progress(f"setting up {name}")
        try:
            SYSTEMS[name].install()
            systems.append(SYSTEMS[name])
        except NotInstallable as reason:
            absent[name] = str(reason)
            print(f"{name:20} left out: {reason}")
    return systems, absent


def _run(options: Options, systems: list[System], file: Any) -> int:
    """Make all visits; how many went well."""
    planned = [Visit(system, scenario, round_) for round_, scenario, system in _plan(options, systems)]
    well, began = 0, time.monotonic()
    for number, visit in enumerate(planned, 1):
        left = (time.monotonic() - began) / max(1, number - 1) * (len(planned) - number + 1) / 60
        _progress(f"{number}/{len(planned)} {visit.system.name} {visit.scenario}, about {left:.0f} min left")
        try:
            for result in pay(visit, options.sizes):
                _note(file, result)
                _say(result)
            well += 1
        except Exception as error:  # noqa: BLE001 - one system's failure is a result, not the end of the run
            about = {"system": visit.system.name, "scenario": visit.scenario, "round": visit.round}
            _note(file, {**about, "failed": str(error)[:2000]})
            print(f"{visit.system.name:20} {visit.scenario:10} FAILED: {str(error)[:1500]}")
    return well


def _plan(options: Options, systems: list[System]) -> list[tuple[int, str, System]]:
    return list(plan.visits(systems, options.scenarios, options.rounds))


def _note(file: Any, line: Json) -> None:
    file.write(json.dumps(line) + "\n")
    file.flush()


def _say(result: Json) -> None:
    _progress("")
    print(f"{result['system']:20} {result['scenario']:10} round {result['round']}  {_figures(result)}", flush=True)


def _figures(result: Json) -> str:
    load = f"(others {result['others']:.0%}, stolen {result['stolen']:.0%})"
    errors = f"  {result['errors']} ERRORS {result.get('first_errors')}" if result["errors"] else ""
    match result["scenario"]:
        case "idle":
            return f"{result['cores']:.2%} of a core, {result['pss_mib']:.0f} MiB {load}"
        case "survival":
            took = f"restart {result['restart_seconds']:.1f} s, resume {result['resume_seconds']:.1f} s"
            return f"{result['survived']}/{result['paused']} survived, {took} {load}{errors}"
    cpu = f"{result.get('server_cpu_ms', 0):.1f} ms CPU/case, client {result.get('client_cpu_ms', 0):.1f}"
    wal = f", WAL {result['wal_kb']:.1f} kB {result['wal_flushes']:.1f} flushes" if "wal_kb" in result else ""
    waits = ", ".join(f"{name} {v['p50']}/{v['p99']}" for name, v in result["latency"].items())
    return f"{result['cases_per_second']:.1f} cases/s, {cpu}{wal}; ms p50/p99: {waits} {load}{errors}"


def _progress(text: str) -> None:
    if TERMINAL:
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
