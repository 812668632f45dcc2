"""A Guardian to be hurt: a desk and workers in a fleet, a witness that is not killed, a client's log, one database."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.chaos import checkers
from tests.chaos.driver import PATIENCE, Driver, Journey, Lost
from tests.chaos.history import load
from tests.chaos.processes import Burial, Fleet, Undertaker
from tests.chaos.records import Records
from tests.journeys.guardian import await_ready
from tests.services.ports import free_ports, listening

STALL_SECONDS = "4"  # of a call, when one is ordered: shorter than Guardian waits for an answer
DESK, WORKERS = "desk", "workers"
EMBEDDED = ["workers"]
# Dramatiq's master waits so long for a child to come up, also for one that died over it: 30 s unless told otherwise.
FORK_MS = "1000"
DISTRIBUTED = ["dramatiq", "workers", "-p", "1", "-t", "4", "--worker-fork-timeout", FORK_MS]
# Its master says so once the child is up. A child that is killed while it tells its master so leaves a lock behind, and
# the master waits for ever: so nothing is posted before, and a master that says nothing for so long is killed, too.
BOOTED, BOOT_SECONDS = "is booting up", 10.0
LEFT = "select count(*) from commands where case_id = %s and state in ('ready', 'published', 'claimed')"


class Site:
    """One desk, one worker process; `broker_url` None is the embedded broker."""

    def __init__(
        self, folder: Path, database_url: str, broker_url: str | None, burial: Burial = "release", *witness: str
    ) -> None:
        self.folder, self.database_url = folder, database_url
        self.testimony, self.log_file = folder / "applied.jsonl", folder / "client.jsonl"
        self._known: set[str] = set()
        self._ports = free_ports(2)
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        self.settings = {
            "HITL_DATABASE_URL": database_url,
            "HITL_PLATFORM_URL": f"http://127.0.0.1:{self._ports[1]}",
            "HITL_ANALYZER": "stub:0",
            "HITL_WORKER_THREADS": "4",
            "HITL_LOG_FORMAT": "json",
        }
        if broker_url:
            self.settings["HITL_BROKER_URL"] = broker_url
        self.workers = DISTRIBUTED if broker_url else EMBEDDED
        self.undertaker = Undertaker(database_url, burial)
        self.fleet = Fleet(folder, self.undertaker.bury)
        self.log = Records(self.log_file)
        self.driver = Driver([self.url], self.log)
        self._witness = ["--port", str(self._ports[1]), "--file", str(self.testimony)]
        self._witness += ["--stall-seconds", STALL_SECONDS, *witness]

    def start(self) -> None:
        """Start everything, and wait until it is ready."""
        self.fleet.add("witness", ["tests.chaos.witness", *self._witness], {})
        self.fleet.add(DESK, self._desk(), self.settings)
        self.fleet.add(WORKERS, self.workers, self.settings)
        until = time.monotonic() + PATIENCE
        while not listening(self._ports[1]):
            if time.monotonic() > until:
                raise RuntimeError(f"no witness: {self.fleet.said('witness')}")
            time.sleep(0.02)
        try:
            await_ready(self.url)
        except RuntimeError as why:
            raise RuntimeError(f"{why}\n{self.fleet.said(DESK)[-2000:]}\n{self.fleet.said(WORKERS)[-2000:]}") from None
        self._await_boot(0)

    def rearm(self, name: str, more: Mapping[str, str]) -> None:
        """Kill the desk or the workers; they come back with these settings as well."""
        before = self._boots()
        self.fleet.rearm(name, {**self.settings, **more})
        if name == WORKERS:
            self._await_boot(before)

    def _boots(self) -> int:
        return self.fleet.said(WORKERS).count(BOOTED)

    def _await_boot(self, before: int) -> None:
        """Until Dramatiq's master has one more child up; the embedded workers have no master."""
        until = time.monotonic() + BOOT_SECONDS
        while self.workers is DISTRIBUTED and self._boots() <= before:
            if time.monotonic() > until and (master := self.fleet.members[WORKERS].process):
                master.kill()
                until = time.monotonic() + BOOT_SECONDS
            time.sleep(0.02)

    def journey(self, name: str) -> Journey:
        """A post's way through the loop."""
        return Journey(self.driver, name, self.testimony)

    def order(self, kind: str, direction: str, does: str | None) -> None:
        """Tell the witness what to do to such calls from now on."""
        order = {"kind": kind, "direction": direction, "does": does}
        httpx.post(f"{self.settings['HITL_PLATFORM_URL']}/orders", json=order).raise_for_status()

    def sql(self, statement: str, params: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement behind everybody's back; its rows, if it has any."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            cursor = conn.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def rest(self, case_id: str) -> None:
        """Wait until no command of the case is left."""
        until = time.monotonic() + PATIENCE
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            while (row := conn.execute(LEFT, (case_id,)).fetchone()) != (0,):
                if time.monotonic() > until:
                    raise Lost(f"{row} commands are left")
                time.sleep(0.05)

    def expire(self) -> None:
        """Every lease is over, whoever holds it."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute("update commands set lease_until = now() - interval '1 second' where state = 'claimed'")

    def hurry(self) -> None:
        """A minute has gone by for every call that may still be on its way."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute("update actions set called_at = called_at - interval '1 minute' where status = 'sending'")
            conn.execute("update commands set available_at = now() where state = 'ready'")

    def violations(self) -> list[str]:
        """Every promise that was broken here since this was last asked."""
        found = checkers.violations(load(self.database_url, self.log_file, self.testimony))
        new = [violation for violation in found if violation not in self._known]
        self._known.update(new)
        return new

    def close(self) -> None:
        """Kill everything, and let go of everything."""
        self.fleet.close()
        self.driver.close()
        self.undertaker.close()
        self.log.close()

    def _desk(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self._ports[0]), "--http", "api.joined:Protocol"]
        return ["uvicorn", "api.main:app", *where, "--no-access-log", "--log-level", "warning"]


@contextmanager
def opened(site: Site) -> Iterator[Site]:
    """The site, started; gone afterwards."""
    try:
        site.start()
        yield site
    finally:
        site.close()
