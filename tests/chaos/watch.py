"""Looks at a run from the outside: a live counter for whoever watches, and how long each recovery took."""

import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any, Self

import psycopg

from tests.chaos.client import Clients
from tests.chaos.nemesis import Blow, Nemesis
from tests.chaos.stage import Stage

LOOK_SECONDS = 0.25
LINE_SECONDS = 5.0
ENOUGH = 100  # cases, to guess from them when the rest will be done
UNFELT = ("doubles", "stall")  # while one stands still the others go on
NEXT = "select count(*) from commands where state in ('done', 'failed')"


class Watch:
    """Recovery: of a worker until the next one has said hello, of anything else until a command has been finished."""

    def __init__(self, stage: Stage, nemesis: Nemesis, clients: Clients, *, cases: int, live: bool) -> None:
        self._stage, self._nemesis, self._clients, self._live = stage, nemesis, clients, live
        self._cases = cases
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._seen = 0
        self._open: list[tuple[float, Blow, frozenset[str], int]] = []
        self._workers: frozenset[str] = frozenset()
        self._line_at = 0.0
        self.recoveries: dict[str, list[float]] = defaultdict(list)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._live:
            self._say("\n")

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            with suppress(psycopg.Error), psycopg.connect(self._stage.url, autocommit=True, connect_timeout=2) as conn:
                while not self._stopped.wait(LOOK_SECONDS):
                    self._look(conn)
                    self._tell()

    def _look(self, conn: psycopg.Connection[Any]) -> None:
        finished = next(iter(conn.execute(NEXT)))[0]
        workers = frozenset(row[0] for row in conn.execute("select worker_id from workers"))
        now, known = time.monotonic(), self._workers
        struck = self._nemesis.done[self._seen :]
        self._seen += len(struck)
        self._open += [(at, blow, known, finished) for at, blow in struck if blow.fault not in UNFELT]
        self._workers = workers | known
        still = []
        for entry in self._open:
            at, blow, before, count = entry
            back = bool(workers - before) if blow.fault == "worker" else finished > count
            if back:
                self.recoveries[blow.fault].append(now - at)
            else:
                still.append(entry)
        self._open = still

    def _tell(self) -> None:
        now = time.monotonic()
        if self._live:
            self._say(f"\r\033[K{self._counter()}")
        elif now - self._line_at > LINE_SECONDS:
            self._line_at = now
            self._say(f"{self._counter()}\n")

    def _counter(self) -> str:
        c, since = self._clients.counts, time.monotonic() - self._nemesis.began
        struck = sum(blow.fault != "doubles" for _, blow in self._nemesis.done)
        said = (
            f"{since:5.0f} s  acknowledged {c['acknowledged']}  decided {c['decided']}  rolled back {c['rolled back']}"
        )
        left = (self._cases - c["settled"]) * since / max(c["settled"], 1) / 60
        ends = f"  {left:.0f} min to go" if c["settled"] >= ENOUGH else ""
        return f"{said}  settled {c['settled']}  blows {struck}  surprises {len(self._clients.surprises)}{ends}"

    def _say(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
