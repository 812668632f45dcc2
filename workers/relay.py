"""The relay: hands due commands to the broker, by priority, turn and age, as far as the window has room."""

import time

import structlog
from dramatiq import Broker

from hitl import failpoints
from hitl.store import outbox, workers
from hitl.store.excess import Excess
from hitl.store.notify import COMMANDS, Listener
from hitl.store.postgres import Store, Tx
from workers.broker import publish
from workers.doorbell import message
from workers.loops import Loop

log = structlog.get_logger(__name__)
POLL_SECONDS = 0.5  # beneath the wake-up, so that a lost one costs no more than this
BROKER_PAUSE = 1.0
LOOK_SECONDS = 1.0


class Relay(Loop):
    """The only publisher. Any number may run: rows are claimed with SKIP LOCKED."""

    def __init__(self, store: Store, broker: Broker, worker_id: str, window: int, *, quick: bool = True) -> None:
        super().__init__("relay", POLL_SECONDS, self._round)
        self._store, self._broker, self._worker_id, self._window = store, broker, worker_id, window
        self._flowing = False
        self._excess = Excess(window, quick=quick)
        self._looked, self._serves = float("-inf"), list[str]()
        self._listener = Listener(store.url, COMMANDS, lambda _: self.wake())

    def start(self) -> None:
        """Begin to listen and to publish."""
        self._listener.start()
        super().start()

    def stop(self) -> None:
        """Publish nothing more."""
        super().stop()
        self._listener.close()

    def room(self) -> None:
        """A run has ended here: while a backlog fills the window, hand out the next at once, not at the next poll."""
        if self._flowing or self._excess.flowing:
            self.wake()

    def _round(self) -> None:
        self._flowing, more = False, True
        while more and not self.stopping:
            more = self._publish()

    def _served(self, tx: Tx) -> list[str]:
        """The graph versions that living workers serve; old news for a second costs nothing."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._serves, self._looked = sorted(workers.served(tx)), time.monotonic()
        return self._serves

    def _publish(self) -> bool:
        """Hand out what the window has room for; whether more may be waiting."""
        failpoints.hit("before_commit:publish")
        with self._store.statement() as tx:
            serves = self._served(tx)
            due, more = outbox.take(tx, window=self._window, relay=self._worker_id, serves=serves, excess=self._excess)
            tx.name = "publish" if due else None
        self._flowing |= more
        left = self._hand_out(due)
        if left:
            log.warning("the broker takes nothing", waiting=len(left))
            with self._store.transaction() as tx:
                outbox.unpublish(tx, left)
            self._stopped.wait(BROKER_PAUSE)
        return more and not left

    def _hand_out(self, due: list[tuple[int, str]]) -> list[int]:
        """Publish them together; those that the broker has not confirmed, whatever came in between."""
        try:
            left = publish(self._broker, [message(kind, command_id) for command_id, kind in due])
            for _ in range(len(due) - len(left)):
                failpoints.hit("after_publish")
        except Exception as trouble:  # noqa: BLE001 (whatever the broker's client raises: rows wait in Postgres)
            log.warning("the broker cannot be spoken to", error=type(trouble).__name__)
            return [command_id for command_id, _ in due]
        return [int(message.args[0]) for message in left]
