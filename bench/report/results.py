"""A results file, read: what each system gave in each round."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

Json = dict[str, Any]
CONTENDED = 0.10  # share of the machine that others had


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
    """All lines of one run."""

    def __init__(self, lines: Iterable[Json]) -> None:
        self.lines: list[Json] = []
        self.failed: list[Json] = []
        self.about: Json = {}
        for line in lines:
            if "scenario" not in line:
                self.about |= line
            else:
                (self.failed if "failed" in line else self.lines).append(line)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read a file of JSON lines."""
        return cls(json.loads(line) for line in path.read_text().splitlines())

    @property
    def systems(self) -> list[str]:
        """Those that were measured, in the order of the catalog."""
        measured = {line["system"] for line in self.lines}
        return [name for name in self.about["versions"] if name in measured]

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


def _form(value: float) -> str:
    return ".0f" if abs(value) >= 100 else ".1f" if abs(value) >= 10 else ".2f"
