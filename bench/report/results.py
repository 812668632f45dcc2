"""A results file, read: what each system gave in each round."""

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median
from typing import Any, Self

Json = dict[str, Any]
CONTENDED = 0.10  # share of the machine that others had
PACED = {"closed-0", "closed-200", "gentle"}  # where systems are compared; elsewhere one system's scenarios are


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some values."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """None when there are no values."""
        found = sorted(values)
        return cls(found[0], median(found), found[-1]) if found else None

    def show(self, form: str = "") -> str:
        """Median, then the smallest and largest when they differ."""
        low, middle, high = (format(value, form or _form(value)) for value in (self.low, self.middle, self.high))
        return middle if low == high else f"{middle} ({low}–{high})"


@dataclass(frozen=True)
class Measure:
    """One figure of a result: where it is measured, how it is called and found, and whether more of it is better."""

    scenario: str
    title: str
    find: Callable[[Json], float | None]
    more_is_better: bool = False


class Results:
    """All lines of one run, or of several: the rounds of a later one come after those of the earlier ones."""

    def __init__(self, lines: Iterable[Json]) -> None:
        self.lines: list[Json] = []
        self.failed: list[Json] = []
        self.runs: list[Json] = []
        self.versions: dict[str, dict[str, str]] = {}
        self.absent: dict[str, str] = {}
        self.floors: list[dict[str, float]] = []
        self.profiles: list[Json] = []
        self.add(lines)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> "Results":
        """Read files of JSON lines."""
        results = cls([])
        for path in paths:
            results.add(json.loads(line) for line in path.read_text().splitlines())
        return results

    def add(self, lines: Iterable[Json]) -> None:
        """Take a run in. What failed and was made again has not failed."""
        first = len(self.runs)
        seen, failed = dict[tuple[str, str, int], Json](), dict[tuple[str, str, int], Json]()
        for line in lines:
            if "scenario" not in line:
                self._about(line, first)
                continue
            key = (line["system"], line["scenario"], int(line["round"]))
            (failed if "failed" in line else seen)[key] = line
        before = self._rounds()
        for key, line in failed.items():
            if not any(key[0] == own and key[2] == round_ and _same(key[1], what) for own, what, round_ in seen):
                self.failed.append(line | {"round": key[2] + before.get(key[1], 0)})
        self.lines += [line | {"round": key[2] + before.get(key[1], 0)} for key, line in seen.items()]

    def _about(self, line: Json, first: int) -> None:
        """Machine, versions, what is absent; a run that went on in the same file is still one, unless code changed."""
        if "about" in line:
            run = {"about": line["about"], "arguments": line["arguments"]}
            known = {(old["about"]["commit"], old["about"]["changed"]) for old in self.runs[first:]}
            self.runs += [] if (run["about"]["commit"], run["about"]["changed"]) in known else [run]
            self.absent |= line["absent"]
        self.versions |= line.get("versions", {})
        self.floors += [line["floor"]] if "floor" in line else []
        self.profiles += [line["profile"]] if "profile" in line else []

    def _rounds(self) -> dict[str, int]:
        """By scenario, the last round so far."""
        last: dict[str, int] = {}
        for line in self.lines + self.failed:
            last[line["scenario"]] = max(last.get(line["scenario"], 0), int(line["round"]))
        return last

    @property
    def systems(self) -> list[str]:
        """Those that were measured, in the order of the catalog."""
        measured = {line["system"] for line in self.lines}
        return [name for name in self.versions if name in measured]

    def by_round(self, system: str, measure: Measure) -> dict[int, float]:
        """A figure in each round where it could be had."""
        found = {}
        for line in self.of(system, measure.scenario):
            value = measure.find(line)
            if value is not None:
                found[int(line["round"])] = value
        return found

    def spread(self, system: str, measure: Measure) -> Spread | None:
        """A figure over all rounds."""
        return Spread.of(self.by_round(system, measure).values())

    def ratio(self, one: str, other: str, measure: Measure) -> Spread | None:
        """How much better `one` is than `other`, round by round: above 1 it is ahead, whichever way better is."""
        mine, theirs = self.by_round(one, measure), self.by_round(other, measure)
        pairs = [(mine[r], theirs[r]) for r in mine if theirs.get(r) and mine[r]]
        return Spread.of(a / b if measure.more_is_better else b / a for a, b in pairs)

    def of(self, system: str, scenario: str) -> list[Json]:
        """The lines of one system and scenario."""
        return [line for line in self.lines if (line["system"], line["scenario"]) == (system, scenario)]

    def contended(self) -> list[Json]:
        """The runs during which others had more than a tenth of the machine."""
        return [line for line in self.lines if line["others"] + line["stolen"] > CONTENDED]

    def quickest(self) -> dict[tuple[str, str], float]:
        """By system and scenario, the least CPU that the client took for a case; its work is the same each time."""
        least: dict[tuple[str, str], float] = {}
        for line in self.lines:
            if "client_cpu_ms" in line:
                key = (line["system"], line["scenario"])
                least[key] = min(least.get(key, inf), line["client_cpu_ms"])
        return least

    def paced(self, quickest: dict[tuple[str, str], float]) -> Self:
        """An estimate: the same, had the cores in each visit been as fast as in the client's quickest one."""
        found = copy.copy(self)
        found.lines = [_paced(line, quickest.get((line["system"], line["scenario"]))) for line in self.lines]
        return found


def _paced(line: Json, quickest: float | None) -> Json:
    if line["scenario"] not in PACED or "client_cpu_ms" not in line or not quickest:
        return line
    slower = line["client_cpu_ms"] / quickest
    waits = {quarter: {name: ms / slower for name, ms in of.items()} for quarter, of in line.get("latency", {}).items()}
    rate, cpu = line["cases_per_second"] * slower, line["server_cpu_ms"] / slower
    return line | {"cases_per_second": rate, "server_cpu_ms": cpu, "latency": waits}


def _same(failed: str, seen: str) -> bool:
    """Whether what was seen later is what failed: a visit may yield several results, its sizes or idleness beside."""
    return seen == failed or seen.startswith(f"{failed}-")


def _form(value: float) -> str:
    return ".0f" if abs(value) >= 100 else ".1f" if abs(value) >= 10 else ".2f"
