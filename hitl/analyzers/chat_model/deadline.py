"""One time limit for a whole call: a client's own timeouts start anew with every byte that drips in."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any


class TooManyAbandoned(Exception):
    """Too many calls that were given up on are still going; starting more would only pile up threads."""


class Deadline:
    """Runs calls on threads of their own and gives up on them in time; at most `spare` given-up calls may linger."""

    def __init__(self, seconds: float, *, spare: int = 16) -> None:
        self._seconds, self._spare = seconds, spare
        self._lock = threading.Lock()
        self._abandoned = 0

    def call(self, work: Callable[[], Any]) -> Any:
        """What `work` returns or raises; TimeoutError when it is late, TooManyAbandoned when it may not start."""
        with self._lock:
            if self._abandoned >= self._spare:
                raise TooManyAbandoned()
        done: Future[Any] = Future()
        # The context carries the run that a trace of this call belongs to.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_settle, done, work), daemon=True, name="chat-model").start()
        try:
            return done.result(self._seconds)
        except Late:
            if not done.done():
                self._abandon(done)
            raise

    def _abandon(self, done: "Future[Any]") -> None:
        with self._lock:
            self._abandoned += 1
        done.add_done_callback(self._ended)

    def _ended(self, _: "Future[Any]") -> None:
        with self._lock:
            self._abandoned -= 1


def _settle(done: "Future[Any]", work: Callable[[], Any]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 -- it is handed over whole, to be raised where it is waited for
        done.set_exception(error)
