"""GET /metrics, at most every few seconds from the database, however many ask."""

import threading
import time

from hitl.errors import Unavailable
from hitl.store import numbers
from hitl.store.postgres import Store
from hitl.telemetry.metrics import CONTENT_TYPE, Metrics, Numbers

FRESH_SECONDS = 5.0
CATCH_UP_SECONDS = 1.0
MEDIA_TYPE = CONTENT_TYPE


class Gauges:
    """What the database says, remembered for a moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._numbers: Numbers | None = None
        self._totals = numbers.Totals()
        self._complete = False

    def render(self, metrics: Metrics) -> bytes:
        """The text of a scrape; while the database is gone, with what this process knows."""
        with self._lock:
            if time.monotonic() - self._at > FRESH_SECONDS:
                self._numbers = self._read()
                self._at = time.monotonic()
            return metrics.render(self._numbers)

    def _read(self) -> Numbers | None:
        try:
            self._complete |= self._totals.catch_up(self._store, CATCH_UP_SECONDS)
            with self._store.transaction() as tx:
                return numbers.numbers(tx, self._totals if self._complete else None)
        except Unavailable:
            return None
