"""Wake-ups after a commit: coalesced NOTIFYs from one thread, never inside a business transaction.

A NOTIFY in a transaction serializes commits (a third to a half of the rate). A lost one is harmless: listeners poll.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable

import psycopg

CASES = "hitl_cases"
COMMANDS = "hitl_commands"
BATCH = 150  # ids of 36 characters that fit into one 8,000-byte payload


class Notifier:
    """Collects what changed and tells it from a thread of its own; starts with the first wake."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids: set[str] = set()
        self._commands = False
        self._due = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def wake(self, case_ids: Iterable[str], *, commands: bool) -> None:
        """Note whom to wake; returns at once."""
        with self._due:
            self._ids.update(case_ids)
            self._commands |= commands
            if not (self._ids or self._commands) or self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                self._thread.start()
            self._due.notify()

    def close(self) -> None:
        """Stop the thread; what was not told is found by polls."""
        with self._due:
            self._closed = True
            self._due.notify()
        if self._thread:
            self._thread.join(2.0)

    def _run(self) -> None:
        conn: psycopg.Connection | None = None
        while batch := self._next():
            with contextlib.suppress(psycopg.Error):
                if conn is None or conn.closed:
                    conn = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
                _tell(conn, *batch)
        if conn is not None:
            conn.close()

    def _next(self) -> tuple[list[str], bool] | None:
        with self._due:
            self._due.wait_for(lambda: self._ids or self._commands or self._closed)
            if self._closed:
                return None
            batch = (list(self._ids), self._commands)
            self._ids, self._commands = set(), False
            return batch


def _tell(conn: psycopg.Connection, ids: list[str], commands: bool) -> None:
    if commands:
        conn.execute("select pg_notify(%s, '')", (COMMANDS,))
    for at in range(0, len(ids), BATCH):
        conn.execute("select pg_notify(%s, %s)", (CASES, ",".join(ids[at : at + BATCH])))


class Listener:
    """Calls back with each payload of a channel, from a thread of its own; reconnects for ever."""

    def __init__(self, url: str, channel: str, heard: Callable[[str], None]) -> None:
        self._url, self._channel, self._heard = url, channel, heard
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listen-{channel}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop; returns within about a second."""
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(self._url, autocommit=True, connect_timeout=2) as conn,
            ):
                conn.execute(f"listen {self._channel}")
                while not self._stop.is_set():
                    for notice in conn.notifies(timeout=0.5):
                        self._heard(notice.payload)
            self._stop.wait(0.5)
