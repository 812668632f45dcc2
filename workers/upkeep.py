"""Upkeep, in every worker process: orphaned commands, unserved graph versions, blocked reviews, old rows."""

import time

from hitl.operations import upkeep
from hitl.runtime import Runtime
from hitl.store import maintenance
from workers.loops import Loop

ROUND_SECONDS = 2.0
SELDOM_SECONDS = 60.0


class Upkeep(Loop):
    """Each duty in transactions of its own, so that one that fails leaves the others alone."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__("upkeep", ROUND_SECONDS, self._round)
        self._runtime = runtime
        self._store = runtime.store
        self._seldom_at = 0.0

    def _round(self) -> None:
        self._orphans()
        self._versions()
        with self._store.transaction() as tx:
            upkeep.unblock(tx, self._runtime.people.everyone())
        if time.monotonic() - self._seldom_at > SELDOM_SECONDS:
            self._seldom_at = time.monotonic()
            self._old_rows()

    def _orphans(self) -> None:
        with self._store.transaction() as tx:
            found = upkeep.orphans(tx)
        for command_id in found:
            with self._store.transaction() as tx:
                upkeep.adopt(tx, command_id)

    def _versions(self) -> None:
        with self._store.transaction() as tx:
            unserved, parked = upkeep.unserved(tx), upkeep.parked(tx)
        for case_id in unserved:
            with self._store.transaction() as tx:
                upkeep.park(tx, case_id)
        for case_id in parked:
            with self._store.transaction() as tx:
                upkeep.unpark(tx, case_id)

    def _old_rows(self) -> None:
        with self._store.transaction() as tx:
            upkeep.prune(tx)
            closed = upkeep.long_closed(tx)
        for case_id in closed:
            with self._store.transaction() as tx:
                maintenance.clear_checkpoints(tx, case_id)
