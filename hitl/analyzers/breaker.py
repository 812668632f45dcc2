"""A circuit breaker: after enough failures in a row nobody waits for a service that is down."""

import threading
import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]
Outcome = Literal["answered", "failed", "unclear"]


class CircuitBreaker:
    """Closed until `failures` come in a row; then open for `seconds`; then one probe at a time decides.

    A call takes a ticket from `admit()` and hands it back with `report()`. Tickets from before the last change of state
    count for nothing: a call that was under way when the breaker opened cannot close it. Thread-safe.
    """

    def __init__(
        self, *, failures: int = 5, seconds: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._seconds, self._clock = failures, seconds, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probing = False
        self._ticket = 1

    @property
    def state(self) -> State:
        """Closed (calls pass), open (none does) or half-open (one probe may)."""
        with self._lock:
            return self._state()

    def admit(self) -> int | None:
        """A ticket for one call, or None when it must not be made now."""
        with self._lock:
            state = self._state()
            if state == "open" or (state == "half_open" and self._probing):
                return None
            if state == "half_open":
                self._probing = True
                self._ticket += 1
            return self._ticket

    def report(self, ticket: int, outcome: Outcome) -> None:
        """How the call ended; `unclear` says nothing about the service's health, so the next call may probe."""
        with self._lock:
            if ticket != self._ticket:
                return
            probe, self._probing = self._probing, False
            if outcome == "answered":
                self._in_a_row, self._opened_at = 0, None
            elif outcome == "failed":
                self._in_a_row += 1
                if probe or self._in_a_row >= self._limit:
                    self._opened_at = self._clock()
                    self._ticket += 1

    def _state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock() - self._opened_at >= self._seconds else "open"
