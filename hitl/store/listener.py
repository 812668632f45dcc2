"""Who hears wake-ups: by NOTIFY, and through a named pipe where there is one (see bells)."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import structlog

from hitl.store.bells import Pipe
from hitl.store.notify import VIGILANT

log = structlog.get_logger(__name__)


class Listener:
    """Calls back with each payload of a channel, from a thread of its own; reconnects for ever."""

    def __init__(self, url: str, channel: str, heard: Callable[[str], None], bells: Path | None = None) -> None:
        self._url, self._channel, self._heard = url, channel, heard
        self._bells = bells
        self._pipe: Pipe | None = None
        self._stop = threading.Event()
        self._end: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._pipe = Pipe(self._bells, self._channel) if self._bells else None
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
        if self._pipe:
            self._pipe.close()

    def _hear(self, payload: str) -> None:
        try:
            self._heard(payload)
        except Exception:
            log.exception("what was told could not be taken in", channel=self._channel)

    def _listen(self, conn: psycopg.Connection, ending: socket.socket) -> None:
        """Sleep until the server speaks or is found to be gone: psycopg's own wait looks up ten times a second."""
        ears = select.poll()
        ears.register(conn.fileno(), select.POLLIN)
        ears.register(ending, select.POLLIN)
        if self._pipe:
            ears.register(self._pipe, select.POLLIN)
        for early in conn.notifies(timeout=0):
            self._hear(early.payload)
        while not self._stop.is_set():
            conn.pgconn.consume_input()
            while notice := conn.pgconn.notifies():
                self._hear(notice.extra.decode())
            for line in self._pipe.lines() if self._pipe else ():
                self._hear(line)
            ears.poll()
