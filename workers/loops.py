"""A duty that is done again and again, in a thread of its own, whatever goes wrong with one round."""

import threading
from collections.abc import Callable

import structlog

from hitl.errors import GuardianError

log = structlog.get_logger(__name__)


class Loop:
    """Calls `once` every `seconds`, or sooner when woken; trouble is logged and the next round comes all the same."""

    def __init__(self, name: str, seconds: float, once: Callable[[], object]) -> None:
        self._name, self._seconds, self._once = name, seconds, once
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Do the next round now."""
        self._woken.set()

    def stop(self) -> None:
        """End after the round under way."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(5.0)

    @property
    def stopping(self) -> bool:
        """Whether the end has been asked for."""
        return self._stopped.is_set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._once()
            except GuardianError as trouble:
                log.warning("a round went wrong", loop=self._name, error=trouble.detail)
            except Exception:
                log.exception("a round broke", loop=self._name)
            self._woken.wait(self._seconds)
            self._woken.clear()
