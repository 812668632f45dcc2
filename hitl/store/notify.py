"""Wake-ups after a commit: coalesced NOTIFYs from one thread, never inside a business transaction.

A NOTIFY in a transaction serializes commits (a third to a half of the rate). A lost one is harmless: listeners poll.
A wake-up says how far the case has come, so that whoever waits for more need not look; and which command is new, so
that a relay with nothing else to do need not look for it.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.pq import Escaping

from hitl.store.bells import LONGEST

T = TypeVar("T")
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
BATCH = LONGEST // 64  # words of up to 60 bytes that fit into one payload


class Change(NamedTuple):
    """A case that changed: its version since (0: not known, so perhaps any), and whether it came to rest with it."""

    case_id: str
    version: int = 0
    rest: bool = True


class Due(NamedTuple):
    """A new command that nothing keeps from being handed out; `who` tells one author's posts from another's."""

    kind: str
    command_id: int
    who: str = ""


LOOK = ""  # instead of a command: more may be due than is said


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


def called(due: Iterable[Due], *, look: bool) -> str:
    """Commands as a payload: `kind:id:who,…`, and an empty word where more are to be looked for."""
    return ",".join([*(f"{d.kind}:{d.command_id}:{d.who}" for d in due), *[LOOK] * look])


def due_in(payload: str) -> tuple[list[Due], bool]:
    """The commands in a payload, and whether to look for more; what cannot be read is to be looked for."""
    due, look = list[Due](), False
    for word in payload.split(","):
        kind, _, rest = word.partition(":")
        number, _, who = rest.partition(":")
        if kind.isidentifier() and number.isdecimal():
            due.append(Due(kind, int(number), who))
        else:
            look = True
    return due, look


class _Later(threading.local):
    """Where this thread's wake-ups wait until an answer is on its way; None: they do not wait."""

    calls: list[Callable[[], None]] | None = None

    def do(self, call: Callable[[], None]) -> None:
        """Wake now, or then."""
        if self.calls is None:
            call()
        else:
            self.calls.append(call)


LATER = _Later()


def lines(changes: Iterable[Change], due: Iterable[Due], *, look: bool) -> Iterator[tuple[str, str]]:
    """All that is to be told, as channels and payloads."""
    for some in _batches(due):
        yield COMMANDS, called(some, look=False)
    if look:
        yield COMMANDS, LOOK
    for news in _batches(changes):
        yield CASES, written(news)


def _batches(words: Iterable[T]) -> Iterator[list[T]]:
    left = list(words)
    return (left[at : at + BATCH] for at in range(0, len(left), BATCH))


class Notifier:
    """Collects what changed and tells it from a thread of its own; starts with the first wake."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changes: dict[str, Change] = {}
        self._due: list[Due] = []
        self._look = False  # commands are due that are not told of by name
        self._urgent = False  # a command is ready, or a case has come to rest
        self._turn = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def wake(self, changes: Iterable[Change], *, commands: bool, due: Iterable[Due] = ()) -> None:
        """Note whom to wake, the newest change of each case; returns at once."""
        with self._turn:
            lingering, urgent = bool(self._changes), self._urgent
            for change in changes:
                self._changes[change.case_id] = _newer(change, self._changes.get(change.case_id))
                self._urgent |= change.rest
            self._due += due
            self._look |= commands
            self._urgent |= self._look or bool(self._due)
            if not (self._changes or self._urgent) or self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                self._thread.start()
            if not lingering or self._urgent > urgent:
                self._turn.notify()

    def close(self) -> None:
        """Tell what is left and stop the thread; what it cannot tell in time is found by polls."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        if self._thread:
            self._thread.join(2.0)

    def _run(self) -> None:
        conn: psycopg.Connection | None = None
        while batch := self._next():
            with contextlib.suppress(psycopg.Error):
                if conn is None or conn.closed:
                    conn = psycopg.connect(self._url, autocommit=True, **VIGILANT)
                _tell(conn, batch)
        if conn is not None:
            conn.close()

    def _next(self) -> list[tuple[str, str]] | None:
        """What is to be told, as channels and payloads; None at the end."""
        with self._turn:
            self._turn.wait_for(lambda: self._changes or self._urgent or self._closed)
            self._turn.wait_for(lambda: self._urgent or self._closed, LINGER)
            batch = list(lines(self._changes.values(), self._due, look=self._look))
            self._changes, self._due, self._look, self._urgent = {}, [], False, False
            return batch


def _newer(change: Change, known: Change | None) -> Change:
    """The one that says more has happened; a version that is not known may be any."""
    if known is None or (known.version and not 0 < change.version < known.version):
        return change
    return known


def _tell(conn: psycopg.Connection, batch: list[tuple[str, str]]) -> None:
    """In one call of libpq: nobody reads an answer, and a cursor for it costs thrice what telling does."""
    quoted = Escaping(conn.pgconn).escape_literal
    words = [b"notify %s, %s" % (channel.encode(), quoted(payload.encode())) for channel, payload in batch]
    conn.pgconn.exec_(b";".join(words))
