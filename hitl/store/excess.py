"""The excess: commands of authors far ahead of their share. Few of them are under way while anybody else is there."""

import threading
import time
from collections.abc import Callable, Iterable
from zlib import crc32

from hitl.domain.commands import FAR
from hitl.domain.company import Company

SHARES = {True: 64, False: 2}  # which part of the window is for the excess: of runs that work, of runs that wait
FLOWING_SECONDS = 1.0  # since some of the excess was handed out: so long the end of each run may make room for more


def mark(tenant: str, author: str) -> str:
    """What tells an author's posts from others': short, and without a name in it."""
    return f"{crc32(f'{tenant}/{author}'.encode()):x}"


class Excess:
    """What a relay remembers of whom it served.

    A run of the excess takes a share of the cores from every run beside it; so there are few, and others find threads
    and cores at once. Where analyses are not `quick`, runs wait most of their time and leave the cores alone: then half
    of the window is for the excess. Where nobody else is there, it has the whole window.
    """

    def __init__(self, window: int, *, quick: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._share, self._clock = window, SHARES[quick], clock
        self._company = Company(clock)
        self._flood: str | None = None  # whose excess was handed out last
        self._seen = float("-inf")
        self._turn = threading.Lock()

    def places(self) -> int:
        """How many of the excess may be under way at once."""
        with self._turn:
            return max(1, self._window // self._share) if self._company.of(self._flood) else self._window

    def saw(self, starts: Iterable[tuple[int, str]]) -> None:
        """Starts with these turns, of authors with these marks, are handed out."""
        with self._turn:
            for turn, who in starts:
                if turn < FAR:
                    self._company.meet(who)
                else:
                    self._flood, self._seen = who, self._clock()

    @property
    def flowing(self) -> bool:
        """Whether more may wait for a place than was handed out."""
        return self._clock() - self._seen < FLOWING_SECONDS
