"""What a relay has handed out and not heard the end of."""

import threading
import time
from collections.abc import Callable, Iterable

FORGET_SECONDS = 10.0  # after which a message counts as lost, as where it was published (outbox.REPUBLISH)


class Handed:
    """Commands by id, each until its run has ended here; forgotten after a while, since another may have run it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}
        self._lock = threading.Lock()

    def add(self, command_ids: Iterable[int]) -> None:
        """These are on their way."""
        with self._lock:
            self._since |= dict.fromkeys(command_ids, self._clock())

    def drop(self, *command_ids: int) -> None:
        """These are not, or no longer."""
        with self._lock:
            for command_id in command_ids:
                self._since.pop(command_id, None)

    def ids(self) -> list[int]:
        """Those that may still be on their way."""
        with self._lock:
            late = self._clock() - FORGET_SECONDS
            self._since = {command_id: since for command_id, since in self._since.items() if since > late}
            return list(self._since)
