"""The relay: hands due commands to the broker, by priority, turn and age, as far as the window has room."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from dramatiq import Broker

from hitl import failpoints
from hitl.room import Room
from hitl.store import outbox, workers
from hitl.store.excess import Excess
from hitl.store.listener import Listener
from hitl.store.notify import COMMANDS, Due, due_in
from hitl.store.postgres import Store, Tx
from workers.broker import publish
from workers.doorbell import message
from workers.handed import Handed
from workers.in_process import InProcessBroker
from workers.loops import Loop

log = structlog.get_logger(__name__)
POLL_SECONDS = 0.5  # beneath the wake-up, so that a lost one costs no more than this
BROKER_PAUSE = 1.0
LOOK_SECONDS = 1.0


class Relay(Loop):
    """The only publisher. Any number may run: rows are claimed with SKIP LOCKED.

    A relay that is alone, and has fewer commands out than can begin here at once, hands a new one on when it is told of
    it, without a look at the others: there is none that should go before. No row says so: if it is lost, it is ready.
    """

    def __init__(
        self,
        store: Store,
        broker: Broker,
        worker_id: str,
        window: int,
        *,
        quick: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("relay", POLL_SECONDS, self._round)
        self._store, self._broker, self._worker_id, self._window = store, broker, worker_id, window
        self._threads, self._places, self._embedded = 0, Room(0), isinstance(broker, InProcessBroker)
        self._flowing, self._full = False, False
        self._excess = Excess(window, quick=quick)
        self._looked, self._serves, self._alone = float("-inf"), list[str](), False
        self._asked = float("-inf")
        self._handed, self._clock = Handed(clock), clock
        self._told, self._look, self._busy, self._turn = list[Due](), False, False, threading.Lock()
        self._listener = Listener(store.url, COMMANDS, self._heard, store.bells)

    def start(self) -> None:
        """Begin to listen and to publish."""
        self._listener.start()
        super().start()

    def stop(self) -> None:
        """Publish nothing more."""
        super().stop()
        self._listener.close()

    def works(self, threads: int, places: Room) -> None:
        """So many threads take up commands in this process, and have these places to work."""
        self._threads, self._places = threads, places

    def room(self) -> None:
        """A run has ended here: while a backlog fills the window, hand out the next at once, not at the next poll."""
        if self._backed_up or self._excess.flowing:
            self.wake()

    def claimed(self, command_id: int) -> None:
        """A command that was handed out, by whomever, runs here."""
        self._handed.claimed(command_id)

    def ended(self, command_id: int) -> None:
        """It has been dealt with."""
        self._handed.drop(command_id)

    def wake(self) -> None:
        """Look for what is due, now."""
        self._look = True
        super().wake()

    def _heard(self, payload: str) -> None:
        due, look = due_in(payload)
        first = not (look or self._look or self._told or self._busy)  # nothing that was told before still waits
        if self._embedded and first and self._hand_on(due):  # in this thread: nothing there can keep it waiting
            return
        with self._turn:
            self._told += due
            self._look |= look
        super().wake()

    def _round(self) -> None:
        with self._turn:
            told, look, self._told, self._look, self._busy = self._told, self._look, [], False, True
        try:
            self._serve(told, look=look)
        finally:
            self._busy = False

    def _serve(self, told: Sequence[Due], *, look: bool) -> None:
        late = self._clock() - self._asked > POLL_SECONDS  # what was not told of is looked for all the same
        if told and not look and not late and self._hand_on(told):
            return
        more = bool(told) or look or self._backed_up or self._waits()
        self._full, self._asked = False, self._clock()
        while more and not self.stopping:
            more = self._publish()
        self._flowing = self._full

    def _hand_on(self, told: Sequence[Due]) -> bool:
        """Hand out what was told of, if nothing else can be waiting; whether that was so."""
        if self._backed_up or not self._alone or self.stopping:
            return False
        if not self._can_begin(len(self._handed) + len(told)):
            return False
        self._excess.saw((0, due.who) for due in told if due.who)
        left = self._hand_out([(due.command_id, due.kind) for due in told], marked=False)
        if left:
            log.warning("the broker takes nothing", waiting=len(left))
            self._stopped.wait(BROKER_PAUSE)
        return True

    def _can_begin(self, runs: int) -> bool:
        """Whether so many runs find a thread here, and a place those of them that do not wait for somebody far away."""
        return runs <= min(self._threads, self._window) and runs - self._places.away <= self._places.places

    @property
    def _backed_up(self) -> bool:
        """Whether the last look, or the one under way, found no room: then more may be waiting."""
        return self._flowing or self._full

    def _served(self, tx: Tx) -> list[str]:
        """The graph versions that living workers serve; old news for a second costs nothing."""
        if self._clock() - self._looked > LOOK_SECONDS:
            self._serves, relays = workers.at_hand(tx)
            self._alone, self._looked = relays <= 1, self._clock()
        return self._serves

    def _waits(self) -> bool:
        """Whether a poll finds anything at all: that of an idle Guardian need not cost what a look does."""
        with self._store.statement() as tx:
            self._served(tx)
            return outbox.waits(tx)

    def _publish(self) -> bool:
        """Hand out what the window has room for; whether more may be waiting."""
        failpoints.hit("before_commit:publish")
        with self._store.statement() as tx:
            serves = self._served(tx)
            due, full = outbox.take(
                tx,
                window=self._window,
                relay=self._worker_id,
                serves=serves,
                excess=self._excess,
                handed=self._handed.unmarked(),
            )
            tx.name = "publish" if due else None
        self._full |= full
        left = self._hand_out(due, marked=True)
        if left:
            log.warning("the broker takes nothing", waiting=len(left))
            with self._store.transaction() as tx:
                outbox.unpublish(tx, left)
            self._stopped.wait(BROKER_PAUSE)
        return full and bool(due) and not left

    def _hand_out(self, due: list[tuple[int, str]], *, marked: bool) -> list[int]:
        """Publish them together; those that the broker has not confirmed, whatever came in between."""
        self._handed.add((command_id for command_id, _ in due), marked=marked)
        left = self._published(due)
        self._handed.drop(*left)
        return left

    def _published(self, due: list[tuple[int, str]]) -> list[int]:
        try:
            left = publish(self._broker, [message(kind, command_id) for command_id, kind in due])
            for _ in range(len(due) - len(left)):
                failpoints.hit("after_publish")
        except Exception as trouble:  # noqa: BLE001 (whatever the broker's client raises: rows wait in Postgres)
            log.warning("the broker cannot be spoken to", error=type(trouble).__name__)
            return [command_id for command_id, _ in due]
        return [int(message.args[0]) for message in left]
