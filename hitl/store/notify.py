"""Wake-ups after a commit: coalesced NOTIFYs from one thread, never inside a business transaction.

A NOTIFY in a transaction serializes commits (a third to a half of the rate). A lost one is harmless: listeners poll.
A wake-up says how far the case has come, so that whoever waits for more need not look.
"""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg.pq import Escaping

CASES = "hitl_cases"
COMMANDS = "hitl_commands"
# A server that is gone without a word is found out within seconds, whether we wait for it or speak to it.
VIGILANT: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
}
LINGER = 0.02  # seconds that news of a case under way wait for news that somebody may be waiting for
BATCH = 120  # words of up to 60 bytes that fit into one 8,000-byte payload


class Change(NamedTuple):
    """A case that changed: its version since (0: not known, so perhaps any), and whether it came to rest with it."""

    case_id: str
    version: int = 0
    rest: bool = True


def written(changes: Iterable[Change]) -> str:
    """Changes as a payload: `case_id:version:1,…`."""
    return ",".join(f"{c.case_id}:{c.version}:{c.rest:d}" for c in changes)


def read(payload: str) -> Iterator[Change]:
    """The changes in a payload; what another release wrote counts as a change of unknown extent."""
    for word in payload.split(","):
        case_id, _, rest = word.partition(":")
        version, _, flag = rest.partition(":")
        known = version.isdecimal() and flag in ("0", "1")
        yield Change(case_id, int(version), flag == "1") if known else Change(case_id)


class Notifier:
    """Collects what changed and tells it from a thread of its own; starts with the first wake."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changes: dict[str, Change] = {}
        self._commands = False
        self._urgent = False  # a command is ready, or a case has come to rest
        self._due = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def wake(self, changes: Iterable[Change], *, commands: bool) -> None:
        """Note whom to wake, the newest change of each case; returns at once."""
        with self._due:
            lingering, urgent = bool(self._changes), self._urgent
            for change in changes:
                self._changes[change.case_id] = _newer(change, self._changes.get(change.case_id))
                self._urgent |= change.rest
            self._commands |= commands
            self._urgent |= commands
            if not (self._changes or self._commands) or self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                self._thread.start()
            if not lingering or self._urgent > urgent:
                self._due.notify()

    def close(self) -> None:
        """Tell what is left and stop the thread; what it cannot tell in time is found by polls."""
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
                    conn = psycopg.connect(self._url, autocommit=True, **VIGILANT)
                _tell(conn, *batch)
        if conn is not None:
            conn.close()

    def _next(self) -> tuple[list[Change], bool] | None:
        with self._due:
            self._due.wait_for(lambda: self._changes or self._commands or self._closed)
            self._due.wait_for(lambda: self._urgent or self._closed, LINGER)
            if not (self._changes or self._commands):
                return None
            batch = (list(self._changes.values()), self._commands)
            self._changes, self._commands, self._urgent = {}, False, False
            return batch


def _newer(change: Change, known: Change | None) -> Change:
    """The one that says more has happened; a version that is not known may be any."""
    if known is None or (known.version and not 0 < change.version < known.version):
        return change
    return known


def _tell(conn: psycopg.Connection, changes: list[Change], commands: bool) -> None:
    """In one call of libpq: nobody reads an answer, and a cursor for it costs thrice what telling does."""
    quoted = Escaping(conn.pgconn).escape_literal
    payloads = [quoted(written(changes[at : at + BATCH]).encode()) for at in range(0, len(changes), BATCH)]
    words = [b"notify %s, %s" % (CASES.encode(), payload) for payload in payloads]
    conn.pgconn.exec_(b";".join([*words, *[b"notify %s" % COMMANDS.encode()] * commands]))


class Listener:
    """Calls back with each payload of a channel, from a thread of its own; reconnects for ever."""

    def __init__(self, url: str, channel: str, heard: Callable[[str], None]) -> None:
        self._url, self._channel, self._heard = url, channel, heard
        self._stop = threading.Event()
        self._end: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen."""
        ending, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, args=(ending,), name=f"listen-{self._channel}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; returns at once unless it is just connecting."""
        self._stop.set()
        if self._end and self._thread:
            self._end.close()
            self._thread.join(2.0)

    def _run(self, ending: socket.socket) -> None:
        while not self._stop.is_set():
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(self._url, autocommit=True, **VIGILANT) as conn,
            ):
                conn.execute(f"listen {self._channel}")
                self._listen(conn, ending)
            self._stop.wait(0.5)
        ending.close()

    def _listen(self, conn: psycopg.Connection, ending: socket.socket) -> None:
        """Sleep until the server speaks or is found to be gone: psycopg's own wait looks up ten times a second."""
        ears = select.poll()
        ears.register(conn.fileno(), select.POLLIN)
        ears.register(ending, select.POLLIN)
        for early in conn.notifies(timeout=0):
            self._heard(early.payload)
        while not self._stop.is_set():
            conn.pgconn.consume_input()
            while notice := conn.pgconn.notifies():
                self._heard(notice.extra.decode())
            ears.poll()
