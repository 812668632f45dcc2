"""The order of visits: one system after the other, then again, each round beginning with another one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Planned = tuple[int, str, str]  # round, scenario, system
SCENARIOS = ("closed-0", "closed-200", "gentle", "flood", "scale", "survival", "growth")
ONCE = {"survival", "growth"}  # growth takes its rounds within its one visit: filling is what takes long
EMBEDDED, RABBITMQ = "guardian-embedded", "guardian-rabbitmq"
GUARDIANS = (EMBEDDED, RABBITMQ)
WORKERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Shape:
    """What runs: the analyzer's milliseconds, how many workers and desks."""

    milliseconds: int = 0
    workers: int = 1
    desks: int = 1

    @property
    def scenario(self) -> str:
        """The name that its results go by."""
        return f"scale-{self.milliseconds}-{self.workers}x{self.desks}"


# Worker processes one after the other under one desk, and two of each beside one of each.
SHAPES = {
    EMBEDDED: tuple(Shape(ms, workers) for ms in (0, 200) for workers in WORKERS),
    RABBITMQ: (Shape(), Shape(0, 2, 2)),
}
# What is asked of Guardian alone; everything else is asked of every system.
OWN = {"flood": GUARDIANS, "scale": tuple(SHAPES), "growth": (EMBEDDED,)}


def visits(systems: Sequence[str], scenarios: Sequence[str], rounds: int) -> Iterator[Planned]:
    """Round, scenario, system; what is measured once, in the first round; shapes take turns like systems."""
    for round_ in range(1, rounds + 1):
        for scenario in scenarios:
            if scenario not in ONCE or round_ == 1:
                yield from ((round_, *visit) for visit in rotated(_asked(systems, scenario), round_ - 1))


def shape(scenario: str) -> Shape:
    """What runs in a scenario."""
    kind, _, rest = scenario.partition("-")
    if kind == "closed":
        return Shape(int(rest))
    if kind == "scale":
        milliseconds, _, processes = rest.partition("-")
        workers, _, desks = processes.partition("x")
        return Shape(int(milliseconds), int(workers), int(desks))
    return Shape()


def rotated(items: Sequence[T], by: int) -> list[T]:
    """The same items, beginning further on."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]


def _asked(systems: Sequence[str], scenario: str) -> list[tuple[str, str]]:
    """Scenario and system, for whom it is meant."""
    meant = [system for system in systems if system in OWN.get(scenario, systems)]
    if scenario == "scale":
        return [(shape_.scenario, system) for system in meant for shape_ in SHAPES[system]]
    return [(scenario, system) for system in meant]
