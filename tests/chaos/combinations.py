"""Every failpoint with every fault on both brokers, through the whole journey; and how one such combination is run."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from hitl.failpoints import NAMES, STALL_SECONDS
from tests.chaos.driver import PATIENCE, Journey, Lost
from tests.chaos.site import DESK, WORKERS, Site
from tests.chaos.troubles import TROUBLES, Way

Fault = Literal["kill", "raise", "stall", "overtake"]
Broker = Literal["embedded", "rabbitmq"]
FAULTS: tuple[Fault, ...] = ("kill", "raise", "stall", "overtake")
BROKERS: tuple[Broker, ...] = ("embedded", "rabbitmq")
AT_THE_DESK = ("start", "decide", "rollback", "settle_action")  # the commits that the API makes
# A run of each kind passes these: the start, the decision, the rollback. (A relay passes `before_commit:publish` with
# each look, whether anything is due or not, but not with a poll of nothing at all; and `after_commit:publish` only if
# it did not hand it on.)
PER_RUN = ("after_publish", "claim", "invoke", "checkpoint", "settle")
# Each action passes these: one that honors the key, one that can be queried, one of which nothing is promised.
PER_ACTION = ("send", "call", "record", "reversal")
# Whoever passes these holds a lease, and may be stopped for so long that another takes over.
LEASED = ("after_commit:claim", "verdict", "invoke", "checkpoint", "settle", *PER_ACTION)
# The same of those beside the main path.
REVERSALS_ENDS = ("refused_reversal", "unknown_reversal", "conflict_reversal")
LEASED_BESIDE = ("refused", "unknown", *REVERSALS_ENDS, "fail", "settled_actions")


@dataclass(frozen=True)
class Combination:
    """A fault at the n-th time that a process passes a failpoint; `overtake`: it stalls, and its lease ends."""

    name: str
    fault: Fault = "kill"
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.name}={self.fault}" + (f"@{self.nth}" if self.nth > 1 else "")

    @property
    def armed(self) -> str:
        """What the program is told by HITL_FAILPOINT."""
        return str(self).replace("overtake", "stall")

    @property
    def boundary(self) -> str:
        """What its name says behind `before_commit:` or `after_commit:`."""
        return self.name.partition(":")[2]

    @property
    def place(self) -> str:
        """Which program passes it."""
        return DESK if self.boundary in AT_THE_DESK else WORKERS

    @property
    def beside(self) -> bool:
        """Whether it is passed only when something goes wrong on a case's way."""
        return self.boundary in TROUBLES


def every() -> Iterator[Combination]:
    """All of them; those that each run or each action passes are hit at the first, the second and the third."""
    for name in NAMES:
        first = Combination(name)
        often = not first.beside and any(part in name for part in (*PER_RUN, *PER_ACTION))
        leased = first.boundary in LEASED_BESIDE if first.beside else any(part in name for part in LEASED)
        for fault in (f for f in FAULTS if f != "overtake" or leased):
            yield from (Combination(name, fault, nth) for nth in range(1, 4 if often else 2))


@dataclass(frozen=True)
class Outcome:
    """How a combination went: what was found wrong (nothing, if all is well), and how long it took."""

    combination: Combination
    broker: Broker
    seconds: float
    wrong: tuple[str, ...]


def run(site: Site, broker: Broker, combination: Combination, number: int) -> Outcome:
    """One case through the whole loop while the fault strikes; then every promise is checked."""
    began = time.monotonic()
    fired = site.folder / f"fired-{number}"
    armed = {"HITL_FAILPOINT": combination.armed, "HITL_FAILPOINT_ONCE": str(fired)}
    site.rearm(combination.place, armed)
    wrong: list[str] = []
    if combination.fault == "overtake":
        threading.Thread(target=_overtake, args=(site, fired), daemon=True).start()
    try:
        case = _journey(site, combination, number, armed).whole_loop()
        site.rest(case["case_id"])
        ends = [(a["round"], a["status"]) for a in case["actions"] if a["reverses"] is None]
        expected = [(1, "reversed"), (1, "reversed"), (1, "irreversible"), *[(2, "applied")] * 3]
        if case["outcome"] != "actioned" or sorted(ends) != sorted(expected):
            wrong.append(f"the case ended {case['outcome']} with {ends}")
    except Lost as loss:
        wrong.append(str(loss))
    if fired.exists() and "stall" in combination.armed:
        _await_waking(fired)
    if not fired.exists():
        wrong.append("the failpoint was never hit")
    wrong += site.violations()
    return Outcome(combination, broker, time.monotonic() - began, tuple(wrong))


def _journey(site: Site, combination: Combination, number: int, armed: Mapping[str, str]) -> Journey:
    journey = site.journey(f"case-{number}")
    if combination.beside:
        way = Way(site, journey, armed if combination.place == WORKERS else {})
        journey.meanwhile = partial(TROUBLES[combination.boundary], way)
    return journey


def _overtake(site: Site, fired: Path) -> None:
    """As soon as somebody stalls, every lease is over: upkeep finds the orphans, and they are run again.

    Once the stalled one has woken up, nobody has to wait any longer for a call that may still arrive.
    """
    until = time.monotonic() + PATIENCE
    while not fired.exists() and time.monotonic() < until:
        time.sleep(0.02)
    if fired.exists():
        site.expire()
        _await_waking(fired)
        site.hurry()


def _await_waking(fired: Path) -> None:
    """Whoever stalled has woken up by now, and has had a second to do harm."""
    time.sleep(max(0.0, fired.stat().st_mtime + STALL_SECONDS + 1.0 - time.time()))
