"""Leases of the work under way in this process, renewed while it lives and no longer than its time limit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hitl.domain.commands import RENEW_SECONDS, Command
from hitl.store import commands
from hitl.store.postgres import Store
from workers.loops import Loop

TIME_LIMIT_SECONDS = 600.0  # a run that takes longer loses its lease, and with it the right to write


class Leases(Loop):
    """Knows which commands run here, and keeps their leases alive."""

    def __init__(self, store: Store, worker_id: str) -> None:
        super().__init__("leases", RENEW_SECONDS, self._renew)
        self._store, self._worker_id = store, worker_id
        self._held: dict[object, tuple[Command, float]] = {}  # by run: one may be overtaken by another here

    @contextmanager
    def holding(self, command: Command) -> Iterator[None]:
        """Keep a command's lease alive during the block."""
        run = object()
        self._held[run] = (command, time.monotonic())
        try:
            yield
        finally:
            del self._held[run]

    def held(self) -> list[Command]:
        """The commands that are running here now."""
        return [command for command, _ in list(self._held.values())]

    def _renew(self) -> None:
        now = time.monotonic()
        held = list(self._held.values())
        alive = [command.command_id for command, since in held if now - since < TIME_LIMIT_SECONDS]
        if alive:
            with self._store.transaction() as tx:
                commands.renew(tx, self._worker_id, alive)
