"""The order of visits: one system after the other, then again, each round beginning with another one."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def visits(systems: Sequence[T], scenarios: Sequence[str], rounds: int) -> Iterator[tuple[int, str, T]]:
    """Round, scenario, system; survival only in the first round."""
    for round_ in range(1, rounds + 1):
        for scenario in scenarios:
            if scenario != "survival" or round_ == 1:
                for system in rotated(systems, round_ - 1):
                    yield round_, scenario, system


def rotated(items: Sequence[T], by: int) -> list[T]:
    """The same items, beginning further on."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]
