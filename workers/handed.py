"""What a relay has handed out and not heard the end of."""

import math
import threading
import time
from collections.abc import Callable, Iterable

FORGET_SECONDS = 10.0  # after which a message counts as lost, as where it was published (outbox.REPUBLISH)


class Handed:
    """Commands by id: each until its run has ended here, or for a while if none begins here."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._out: dict[int, tuple[float, bool]] = {}  # until when it counts, and whether its row says so
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._left())

    def add(self, command_ids: Iterable[int], *, marked: bool) -> None:
        """These are on their way; `marked`: their rows say so."""
        with self._lock:
            until = self._clock() + FORGET_SECONDS
            self._out = self._left() | dict.fromkeys(command_ids, (until, marked))

    def claimed(self, command_id: int) -> None:
        """It runs here, and counts until that ends, however long it takes; its row says so, until it is taken away."""
        with self._lock:
            self._out[command_id] = (math.inf, True)

    def drop(self, *command_ids: int) -> None:
        """These are not on their way, or no longer."""
        with self._lock:
            for command_id in command_ids:
                self._out.pop(command_id, None)

    def unmarked(self) -> list[int]:
        """Those of which no row says that they are on their way."""
        with self._lock:
            return [command_id for command_id, (_, marked) in self._left().items() if not marked]

    def _left(self) -> dict[int, tuple[float, bool]]:
        now = self._clock()
        return {command_id: out for command_id, out in self._out.items() if out[0] > now}
