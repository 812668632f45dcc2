"""Runs go side by side, but one that may kill its process goes alone, so that it takes no others with it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Solitude:
    """Shared by the worker threads of a process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._taken = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Wait until nobody is alone; then run beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody new begin, wait for those who run, and run by oneself."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken)
            self._taken = True
            self._changed.wait_for(lambda: self._running == 0)
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
