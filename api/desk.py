"""What routes stand on: the runtime, the hub that wakes those who wait, the HTTP numbers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Request

from api.aside import Aside
from api.hub import Hub
from api.metrics import Gauges
from hitl.errors import Unavailable
from hitl.runtime import Runtime
from hitl.store.at_hand import AtHand
from hitl.store.lines import DUE
from hitl.store.notify import LATER
from hitl.store.postgres import Tx
from hitl.telemetry.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
READERS = 3  # threads for those who wait, so that they never keep a POST from its own
WRITERS = 7  # with them as many as there are connections, so that none waits for one
PATIENCE = 2.0  # seconds after which a request is told that Postgres does not answer, be it dead, mute or too slow


@dataclass
class Desk:
    """One process's front desk."""

    runtime: Runtime
    hub: Hub
    metrics: Metrics = field(default_factory=Metrics)
    migrated: bool = False
    aside: Aside = field(default_factory=Aside)

    def __post_init__(self) -> None:
        self.runtime.store.patience = PATIENCE
        self.gauges = Gauges(self.runtime.store)
        self.at_hand = AtHand(self.runtime.store)
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._writers = ThreadPoolExecutor(WRITERS, "writer")

    async def read(self, look: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading operation on a thread, each statement by itself."""
        return await _on(self._readers, partial(self._read, monotonic() + PATIENCE, look, *args, **kwargs))

    async def write(self, work: Callable[[], T], due: float | None = None, *, begun: bool = False) -> T:
        """Run a writing operation on a thread; one that has `begun` may use what is left of its time."""
        due = due or self.due()  # counted from here, so that a queue of them is over as soon as its first
        return await _on(self._writers, partial(self._write, due, work, begun=begun))

    def due(self) -> float:
        """When what comes in now is to be answered, on the monotonic clock."""
        return monotonic() + PATIENCE

    async def open(self) -> None:
        """Begin, on the running loop."""
        await self.hub.open()
        self.at_hand.open()

    async def close(self) -> None:
        """Listen no more; let go of the line and the threads that are idle, and of the others when they are."""
        await self.hub.stop()
        await self.at_hand.close()
        self._readers.shutdown(wait=False)
        self._writers.shutdown(wait=False)

    def _read(self, due: float, look: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        _begin(due)
        with self.runtime.store.statement() as tx:
            return look(tx, *args, **kwargs)

    def _write(self, due: float, work: Callable[[], T], *, begun: bool) -> T:
        _begin(due, begun=begun)
        return work()


async def _on(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """What the work returns: that is told in one call, and others are woken after that."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        if ended.cancelled():
            return
        later: list[Callable[[], None]] = []
        LATER.calls = later
        try:
            tell = partial(_tell, ended, ended.set_result, work())
        except BaseException as error:  # noqa: BLE001 (whoever waits for it gets it, whatever it is)
            tell = partial(_tell, ended, ended.set_exception, error)
        with suppress(RuntimeError):  # the loop may have closed meanwhile
            loop.call_soon_threadsafe(tell)
        for call in later:
            call()

    threads.submit(run)
    return await ended


def _tell(ended: asyncio.Future[Any], end: Callable[[Any], None], found: object) -> None:
    if not ended.done():  # whoever waited may be gone
        end(found)


def _begin(due: float, *, begun: bool = False) -> None:
    """Refuse what has waited too long to be done in time: begun now, it would be broken off in the midst of it."""
    if due - monotonic() < (0 if begun else PATIENCE / 2):
        raise Unavailable("The front desk has more to do than it can; nothing was recorded.")
    DUE.at = due


async def the_desk(request: Request) -> Desk:
    """The desk that this request came to."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(the_desk)]
