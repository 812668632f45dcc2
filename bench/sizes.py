"""How much of everything, and how long that takes."""

from dataclasses import dataclass
from pathlib import Path

from bench.places import ROOT

HOUSEKEEPING = 6.5  # seconds to start a system, wait for a quiet machine, and end it
SETTLE = 3.0  # seconds of peace before idleness is measured
WARM = 2.5  # seconds of load before anything counts: plans are made, caches filled
RAMP = 2.0  # seconds of load before a closed loop counts, at least
RAMP_MOST = 16.0
FILLED = 900  # cases that a database is filled with in a second


@dataclass(frozen=True)
class Sizes:
    """How much of everything; `guardian` is the checkout that is measured."""

    seconds: float = 8.0
    concurrency: int = 32
    rate: float = 3.0
    gentle: float = 18.0  # seconds: a p99 wants a few hundred decisions, all rounds together
    idle: float = 10.0
    paused: int = 1000
    flood: float = 12.0  # seconds alone, and as many beside the flood
    flooders: int = 16  # requests that the author who floods has under way
    closed: tuple[int, ...] = (0, 10_000, 100_000)  # closed cases in the database, a tenth of it waiting beside them
    growth_rate: float = 5.0
    growth_rounds: int = 3
    patience: float = 60.0  # seconds to wait for a quiet machine before each visit
    guardian: Path = ROOT


def forecast(scenario: str, sizes: Sizes) -> float:
    """Seconds that a visit takes, about; two cores, and nobody else on them."""
    match scenario.partition("-")[0]:
        case "gentle":
            return HOUSEKEEPING + (SETTLE + sizes.idle) / 2 + WARM + sizes.gentle  # idleness is for half of the visits
        case "survival":
            return HOUSEKEEPING * 2 + sizes.paused / 28  # to pause a case and to decide it
        case "flood":
            return HOUSEKEEPING + WARM + sizes.flood * 2 + 15
        case "growth":
            fill = sum(sizes.closed) * 1.1 / FILLED
            return fill + sizes.growth_rounds * len(sizes.closed) * (HOUSEKEEPING + 3 * WARM + 10 + sizes.seconds)
    return HOUSEKEEPING + WARM + RAMP * 2 + sizes.seconds
