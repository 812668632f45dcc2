"""Upkeep, in every worker process: orphaned commands, unserved graph versions, blocked reviews, old rows."""

import time
from collections.abc import Callable

from hitl.domain.people import Person
from hitl.operations import upkeep
from hitl.runtime import Runtime
from hitl.store.postgres import Tx
from workers.loops import Loop

ROUND_SECONDS = 2.0
SELDOM_SECONDS = 60.0
BATCHES_SECONDS = 1.0


class Upkeep(Loop):
    """Each duty in transactions of its own, so that one that fails leaves the others alone."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__("upkeep", ROUND_SECONDS, self._round)
        self._runtime = runtime
        self._store = runtime.store
        self._seldom_at = float("-inf")
        self._present: frozenset[Person] | None = None

    def _round(self) -> None:
        self._orphans()
        self._versions()
        self._people()
        if time.monotonic() - self._seldom_at > SELDOM_SECONDS:
            self._seldom_at = time.monotonic()
            self._old_rows()

    def _people(self) -> None:
        present = self._runtime.people.known()
        if frozenset(present) == self._present:
            return
        after: str | None = None
        while True:
            with self._store.transaction() as tx:
                after = upkeep.reconsider(tx, present, after=after)
            if after is None:
                break
        self._present = frozenset(present)

    def _orphans(self) -> None:
        with self._store.statement() as tx:
            found = upkeep.orphans(tx)
        for command_id in found:
            with self._store.transaction() as tx:
                upkeep.adopt(tx, command_id)

    def _versions(self) -> None:
        with self._store.statement() as tx:
            unserved, parked = upkeep.unserved(tx), upkeep.parked(tx)
        for case_id in unserved:
            with self._store.transaction() as tx:
                upkeep.park(tx, case_id)
        for case_id in parked:
            with self._store.transaction() as tx:
                upkeep.unpark(tx, case_id)

    def _old_rows(self) -> None:
        """Batch after batch, for a second at most: what is left then is gone on with in the next round."""
        with self._store.transaction() as tx:
            upkeep.forget_workers(tx)
        until = time.monotonic() + BATCHES_SECONDS
        for forget, limit in ((upkeep.forget_answers, 5000), (upkeep.clear_long_closed, 100)):
            while not self.stopping and self._batch(forget, limit) == limit:
                if time.monotonic() > until:
                    self._seldom_at = float("-inf")
                    return

    def _batch(self, forget: Callable[[Tx, int], int], limit: int) -> int:
        with self._store.transaction() as tx:
            return forget(tx, limit)
