"""The work: one case from its start to its end, in four quarters, the same for every system."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # the same error in two cases is one error
PATIENCE = 120.0  # seconds until a quarter counts as failed
CONTENT = (
    "You silly goose {}, nobody here likes your soup, and the garden club has had enough of your remarks about it. "
)


@dataclass
class Case:
    """One post, by an author of its own unless `by` names one; `known` is what its client remembers of it."""

    number: str
    known: dict[str, Any] = field(default_factory=dict)
    by: str = ""

    @property
    def content(self) -> str:
        """A distinct text of about 450 bytes, as posts have."""
        return (CONTENT * 4).replace("{}", self.number)

    @property
    def author(self) -> str:
        """A distinct author, or the one that was named."""
        return self.by or f"author-{self.number}"


class Client(Protocol):
    """How a system's users talk to it; each act returns when it is acknowledged."""

    poll: float  # seconds between two looks, where a system can only be asked again and again

    async def start(self, case: Case) -> None:
        """A: post it."""

    async def decide(self, case: Case, *, remove: bool) -> None:
        """B and D: a moderator's answer."""

    async def rollback(self, case: Case) -> None:
        """C: the author's appeal."""

    async def paused(self, case: Case) -> None:
        """Wait until people are asked, durably."""

    async def completed(self, case: Case) -> None:
        """Wait until the decision has been carried out and recorded."""

    def close(self) -> None:
        """Hang up."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter of a case that went well: its name, when it ended, seconds to the answer and to the state."""

    name: str
    at: float
    ack: float
    whole: float


class Log:
    """What has been seen."""

    def __init__(self) -> None:
        self.quarters: list[Quarter] = []
        self.errors: list[str] = []


async def play(client: Client, case: Case, log: Log, quarters: str = "ABCD") -> bool:
    """Take a case through these quarters; False, and a line in the log, when one fails."""
    try:
        for name in quarters:
            act, state = _quarter(client, case, name)
            began = time.perf_counter()
            async with asyncio.timeout(PATIENCE):
                await act()
                answered = time.perf_counter()
                await state(case)
            ended = time.perf_counter()
            log.quarters.append(Quarter(name, ended, answered - began, ended - began))
    except Exception as error:  # noqa: BLE001 - whatever a system answers is a result
        log.errors.append(ID.sub("…", f"{type(error).__name__}: {error}")[:300])
        await asyncio.sleep(0.1)
        return False
    return True


def _quarter(
    client: Client, case: Case, name: str
) -> tuple[Callable[[], Awaitable[None]], Callable[[Case], Awaitable[None]]]:
    match name:
        case "A":
            return lambda: client.start(case), client.paused
        case "B":
            return lambda: client.decide(case, remove=True), client.completed
        case "C":
            return lambda: client.rollback(case), client.paused
    return lambda: client.decide(case, remove=False), client.completed
