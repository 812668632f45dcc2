"""What `hitl up` keeps running: a private Postgres unless there is another one, the desk, the workers."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing

import structlog

from hitl.cli import readiness
from hitl.cli.children import TICK_SECONDS, WATCH_SECONDS, Child, end
from hitl.cli.signals import Stop
from hitl.errors import GuardianError, Unavailable
from hitl.settings import Settings
from hitl.store import commands, workers
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate
from hitl.store.postgres import Store

log = structlog.get_logger(__name__)
READY_SECONDS = 120.0
GRACE_SECONDS = 17.0  # workers give what is in flight 15
DESK_SECONDS = 10
BURIAL_SECONDS = 2.0  # after which the dead worker's leases run out by themselves
LOST_SECONDS = 60.0  # without our Postgres; its keeper gives up earlier, and we with it
FALLS = 3  # of one child before the first banner: then it will not start at all


class Supervisor:
    """Used once: start, watch, stop. Everything it started is gone when it is, even after kill -9."""

    def __init__(self, settings: Settings, port: int, stop: Stop, tell: Callable[[str], None]) -> None:
        self._settings, self._port, self._stop, self._tell = settings, port, stop, tell
        self._postgres = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
        self._environment: dict[str, str] = {}
        self._children = [self._desk(), *(self._worker(n + 1) for n in range(settings.workers))]
        self._postgres_seen = 0.0
        self.url = ""

    def start(self) -> None:
        """Bring the database up and up to date; start the desk and the workers, and wait until they are ready."""
        self._tell("Starting the database …" if self._postgres else "Looking at the database …")
        self.url = self._postgres.start() if self._postgres else str(self._settings.database_url)
        for name in migrate(self.url):
            self._tell(f"Applied {name}.")
        if self._postgres:
            # the directory was ours to lock: whoever used this database before is dead
            self._write(lambda store: _release(store, ""))
        self._tell("Starting the desk and its workers …" if self._settings.workers else "Starting the desk …")
        self._environment = self._for_children()
        self._stop.patient()
        for child in self._children:
            child.start(self._environment)
        self._await_ready()

    def watch(self) -> None:
        """Keep everything running until asked to stop."""
        while not self._stop.asked:
            self._tend()
            self._stop.pause(WATCH_SECONDS)

    def end(self) -> None:
        """Stop the desk and the workers in good order, then the database. Asked twice, at once."""
        end(self._children, GRACE_SECONDS, lambda: self._stop.hurry)
        if self._postgres:
            self._postgres.stop()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._stop.asked:
            missing = set(readiness.missing(self._settings.host, self._port))
            if not missing - (set() if self._settings.workers else readiness.WORKLESS):
                return
            if time.monotonic() > deadline:
                raise Unavailable(f"Not ready after {READY_SECONDS:.0f} s. Missing: {', '.join(sorted(missing))}.")
            self._tend()
            for child in self._children:
                if child.falls >= FALLS:
                    raise Unavailable(f"The {child.name} fell {FALLS} times while starting; its last words are above.")
            time.sleep(TICK_SECONDS)

    def _tend(self) -> None:
        if self._postgres:
            self._follow(self._postgres)
        for child in self._children:
            child.tend(self._environment)

    def _follow(self, postgres: EmbeddedPostgres) -> None:
        """Postgres comes back by itself; when it had to take another port, the children must learn of it."""
        now = time.monotonic()
        if postgres.pid is None:
            if self._postgres_seen and now - self._postgres_seen > LOST_SECONDS:
                raise Unavailable(f"The embedded Postgres in {postgres.home} does not come back; see its file `log`.")
            return
        self._postgres_seen = now
        if postgres.url != self.url:
            log.warning("the database has moved to another port; everything is started again")
            self._move(postgres.url)

    def _move(self, url: str) -> None:
        self.url = url
        self._environment = self._for_children()
        end(self._children, GRACE_SECONDS, lambda: self._stop.hurry)

    def _for_children(self) -> dict[str, str]:
        own = {"HITL_DATABASE_URL": self.url, "HITL_HOST": self._settings.host, "HITL_PORT": str(self._port)}
        return {**os.environ, **own}

    def _desk(self) -> Child:
        where = ["--host", self._settings.host, "--port", str(self._port)]
        quiet = ["--no-access-log", "--no-proxy-headers", "--log-level", "warning", "--http", "api.joined:Protocol"]
        patience = ["--timeout-graceful-shutdown", str(DESK_SECONDS)]
        return Child("desk", ["uvicorn", "api.main:app", *where, *quiet, *patience])

    def _worker(self, number: int) -> Child:
        return Child(f"worker {number}", ["workers"], buried=self._bury)

    def _bury(self, pid: int) -> None:
        """A worker is dead for certain: what it had in hand is due again at once."""
        self._write(lambda store: _release(store, f"{socket.gethostname()}:{pid}"))

    def _write(self, write: Callable[[Store], None]) -> None:
        """Seldom: a connection kept for it would cost Postgres a process."""
        with closing(Store(self.url, size=1)) as store:
            store.patience = BURIAL_SECONDS
            try:
                write(store)
            except GuardianError as trouble:
                log.warning("the dead worker's leases run out by themselves", error=trouble.detail)


def _release(store: Store, owner: str) -> None:
    with store.transaction() as tx:
        commands.release(tx, owner)
        if owner:
            workers.leave(tx, owner)
        else:
            workers.forget_all(tx)
