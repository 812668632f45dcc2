"""Wakes those who wait: told after each commit, and a poll beneath that makes a lost word harmless.

Whoever waits holds a bell, and neither a thread nor a connection.
"""

import asyncio
import contextlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import anyio.to_thread
import structlog

from api.errors import Problem
from api.recent import Recent
from hitl.errors import GuardianError
from hitl.store import events
from hitl.store.bells import Pipe
from hitl.store.listener import Listener
from hitl.store.notify import CASES, Change, read
from hitl.store.postgres import Store
from hitl.store.ringer import Ringer

log = structlog.get_logger(__name__)
POLL_SECONDS = 0.5
MOST = str(2**64 - 1)  # behind every transaction
MOST_BELLS = 5000
Concern = Callable[[Change], bool]


class Bell:
    """Rung when what it watches may have changed, in a way that concerns the one who waits."""

    def __init__(self, hub: "Hub", tenant: str, concerns: Concern) -> None:
        self._hub = hub
        self.tenant = tenant
        self.concerns = concerns
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the one who waits."""
        self._rung.set()

    async def rings(self, seconds: float) -> bool:
        """Wait for it; False when nothing came in time. Returns at once while the desk closes."""
        if self._hub.closed:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        rung = self._rung.is_set()
        self._rung.clear()
        return rung and not self._hub.closed


class Hub:
    """All bells of a process: those of one case, and those of all cases of a tenant."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bells: dict[str | None, set[Bell]] = defaultdict(set)  # by case; None: all cases
        self._tenants: Counter[str] = Counter()  # how many bells each has
        self._seen: dict[str, str] = {}  # by tenant: the transaction that the last poll came to
        self._listener = Listener(store.url, CASES, self._heard)
        self._pipe: Pipe | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poll: asyncio.Task[None] | None = None
        self.recent = Recent()
        self.waiting = 0
        self.closed = False

    async def open(self) -> None:
        """Begin to listen, on the running loop."""
        self._loop = asyncio.get_running_loop()
        if self._store.bells:  # read by the loop itself, which is who has to wake up
            self._pipe = Pipe(self._store.bells, CASES)
            self._loop.add_reader(self._pipe, self._rung, self._pipe)
            if isinstance(self._store.notifier, Ringer):
                self._store.notifier.spare(self._pipe, self._told)
        self._listener.start()
        self._poll = asyncio.create_task(self._polls())

    def close(self) -> None:
        """Send everybody home who waits; streams and long-polls end with what they have."""
        self.closed = True
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    async def stop(self) -> None:
        """Stop listening."""
        self.close()
        if self._poll:
            self._poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poll
            if self._loop and self._pipe:
                if isinstance(self._store.notifier, Ringer):
                    self._store.notifier.forget()
                self._loop.remove_reader(self._pipe)
                self._pipe.close()
            await anyio.to_thread.run_sync(self._listener.close)

    def admit(self) -> None:
        """Send away whoever wants to wait when too many do; to be asked before an answer has begun."""
        if self.waiting >= MOST_BELLS:
            raise Problem(429, "too-many-waiting", "Too many requests wait here already.", {"Retry-After": "5"})

    @contextmanager
    def watch(self, tenant: str, case_id: str | None, concerns: Concern = lambda _: True) -> Iterator[Bell]:
        """A bell for one case, or for all of a tenant's (None); a change that does not concern it leaves it still."""
        bell = Bell(self, tenant, concerns)
        self._bells[case_id].add(bell)
        self._tenants[tenant] += 1
        self.waiting += 1
        try:
            yield bell
        finally:
            self.waiting -= 1
            self._tenants[tenant] -= 1
            self._bells[case_id].discard(bell)
            if not self._bells[case_id]:
                del self._bells[case_id]

    def _rung(self, pipe: Pipe) -> None:
        for line in pipe.lines():
            self._ring(read(line))

    def _heard(self, payload: str) -> None:
        self._told(read(payload))

    def _told(self, changes: Iterable[Change]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop may close in this moment
                self._loop.call_soon_threadsafe(self._ring, changes)

    def _ring(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.recent.hear(change)
            for bell in self._bells.get(change.case_id, ()):
                if bell.concerns(change):
                    bell.ring()
        for bell in self._bells.get(None, ()):
            bell.ring()

    async def _polls(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._tenants = +self._tenants
            tenants = list(self._tenants)
            self._seen = {t: upto for t, upto in self._seen.items() if t in tenants}
            for tenant in tenants:
                try:
                    watched = [of for of, bells in self._bells.items() if of and any(b.tenant == tenant for b in bells)]
                    found = await anyio.to_thread.run_sync(self._news, tenant, watched)
                    self._tell(tenant, found)
                except GuardianError:
                    continue  # Postgres is gone: the next poll may find it again
                except Exception:
                    log.exception("a poll broke", loop="hub")

    def _tell(self, tenant: str, found: events.News | None) -> None:
        if found is None:
            for bell in itertools.chain.from_iterable(self._bells.values()):
                if bell.tenant == tenant:
                    bell.ring()
        elif found.any:
            self._ring(found.changes)

    def _news(self, tenant: str, watched: list[str]) -> events.News | None:
        """What happened to a tenant's cases since the last poll; None when there was no last poll."""
        since = self._seen.get(tenant)
        with self._store.statement() as tx:
            found = events.news(tx, tenant, watched, since=since or MOST)
        self._seen[tenant] = found.upto
        return found if since else None
