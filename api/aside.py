"""Where posts of authors far ahead of their share wait, so that everybody else's pass by."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
LONGEST = 1.0  # seconds that a post waits here; then it is taken on like any other: nothing is refused for it
MOST = 1000  # wait here at once, each with its body; one more is taken on like any other


class Aside:
    """A line in one desk's memory: one post at a time, and after each a pause as long as that took.

    So all of them together never have more than half of what one thread can do.
    """

    def __init__(self, longest: float = LONGEST, most: int = MOST) -> None:
        self._longest, self._most = longest, most
        self._gate = asyncio.Lock()
        self._next = 0.0
        self.waiting = 0

    async def take(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work in its turn; at once when too many wait, or when it has waited long enough."""
        if self.waiting >= self._most or not await self._turn():
            return await work()
        began = time.monotonic()
        try:
            return await work()
        finally:
            ended = time.monotonic()
            self._next = ended + (ended - began)
            self._gate.release()

    async def _turn(self) -> bool:
        """Wait for it; False when that took too long, and then it is another's."""
        self.waiting += 1
        came = False
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._longest):
                    await self._gate.acquire()
                    try:
                        await asyncio.sleep(self._next - time.monotonic())
                        came = True
                    finally:
                        if not came:
                            self._gate.release()
        finally:
            self.waiting -= 1
        return came
