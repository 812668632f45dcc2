"""What a run says while it goes on: what it found, and how long it will still take."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from bench.plan import Planned
from bench.sizes import Sizes, forecast

TERMINAL = sys.stderr.isatty()
Json = dict[str, Any]


class Clock:
    """Time left: the forecast of what is to come, as much slower or faster as what has been was."""

    def __init__(self, forecasts: Sequence[float]) -> None:
        self._forecasts = forecasts
        self._began = time.monotonic()

    def announce(self, number: int, what: str) -> None:
        """Show what begins now."""
        show(f"{number + 1}/{len(self._forecasts)} {what}, about {self.minutes(number):.0f} min left")

    def minutes(self, number: int) -> float:
        """Minutes left when so many visits have been made."""
        expected = sum(self._forecasts[:number])
        pace = (time.monotonic() - self._began) / expected if expected else 1.0
        return sum(self._forecasts[number:]) * pace / 60

    def left(self, number: int) -> str:
        """How far it is when this visit's results come in."""
        return f"[{number + 1}/{len(self._forecasts)}, {self.minutes(number + 1):.0f} min left]"


def tell_plan(planned: Sequence[Planned], sizes: Sizes) -> None:
    """How many visits of each kind, and how long they take."""
    visits: Counter[str] = Counter()
    minutes: dict[str, float] = defaultdict(float)
    for _, scenario, _ in planned:
        kind = scenario.partition("-")[0] if scenario.startswith("scale") else scenario
        visits[kind] += 1
        minutes[kind] += forecast(scenario, sizes) / 60
    for kind, count in visits.items():
        print(f"{kind:12} {count:4} visits, about {minutes[kind]:4.1f} min")
    print(f"{'all':12} {visits.total():4} visits, about {sum(minutes.values()):4.1f} min")


def show(text: str) -> None:
    """On the terminal's last line, where there is one."""
    if TERMINAL:
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def say(result: Json, left: str) -> None:
    """A result, as one line."""
    show("")
    print(
        f"{result['system']:20} {result['scenario']:14} round {result['round']}  {_figures(result)}  {left}", flush=True
    )


def _figures(result: Json) -> str:
    load = f"(others {result['others']:.0%}, stolen {result['stolen']:.0%})"
    errors = f"  {result['errors']} ERRORS {result.get('first_errors')}" if result["errors"] else ""
    match result["scenario"]:
        case "idle":
            return f"{result['cores']:.2%} of a core, {result['pss_mib']:.0f} MiB {load}"
        case "survival":
            took = f"restart {result['restart_seconds']:.1f} s, resume {result['resume_seconds']:.1f} s"
            return f"{result['survived']}/{result['paused']} survived, {took} {load}{errors}"
        case "flood":
            waits = ", ".join(
                f"{name} {result[name]['p50']}/{result[name]['p99']}" for name in ("alone", "beside", "beside_ack")
            )
            flood = f"flood of {result['flood_per_second']:.0f}/s, {result['late']} never paused"
            flood += f", {result['flood_refused']} of it refused"
            return f"start → paused ms p50/p99: {waits}; {flood} {load}{errors}"
    cpu = f"{result.get('server_cpu_ms', 0):.1f} ms CPU/case, client {result.get('client_cpu_ms', 0):.1f}"
    wal = f", WAL {result['wal_kb']:.1f} kB {result['wal_flushes']:.1f} flushes" if "wal_kb" in result else ""
    waits = ", ".join(f"{name} {v['p50']}/{v['p99']}" for name, v in result["latency"].items())
    return f"{result['cases_per_second']:.1f} cases/s, {cpu}{wal}; ms p50/p99: {waits} {load}{errors}"
