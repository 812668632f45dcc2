"""Lines to Postgres that do not wait for ever: what says nothing until its deadline is hung up and never used again."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import Params, PQGen
from psycopg.generators import send
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

T = TypeVar("T")
INTERVAL = 0.1  # seconds between two looks for a signal; psycopg's own
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")
CHECK_SECONDS = 0.5  # that an idle line has to say that it lives


class _Due(threading.local):
    """Until when, on the monotonic clock, this thread's work has to be done; None: as its store has it."""

    at: float | None = None


DUE = _Due()


class Mute(psycopg.OperationalError):
    """Postgres did not answer in time; whether it did what it was told is not known."""


class _Packet(psycopg.Pipeline):
    """A pipeline that sends nothing before its end, and then everything at once."""

    def _communicate_gen(self) -> PQGen[None]:
        yield from ()

    def _exit_gen(self) -> PQGen[None]:
        self._enqueue_sync()
        while self.command_queue:
            self.command_queue.popleft()()  # libpq keeps them until the last, which is the sync
        yield from send(self.pgconn)
        yield from self._fetch_gen(flush=False)


class Line(psycopg.Connection[DictRow]):
    """A connection; one whose deadline (on the monotonic clock) goes by while it is waited for is closed."""

    deadline: float | None = None
    _answers: psycopg.Cursor[DictRow] | None = None

    def execute(
        self, query: Any, params: Params | None = None, *, prepare: bool | None = None, binary: bool = False
    ) -> psycopg.Cursor[DictRow]:
        """One statement, fetched before the next: all share a cursor, since making one is a quarter of the cost.

        psycopg reads a long statement, or one of more than 50 parameters, anew each time; so it is given what it sends.
        """
        if self._answers is None:
            self._answers = psycopg.RawCursor(self, row_factory=self.row_factory)
        if params is not None:
            query, names = native(query)
            params = [params[name] for name in names] if isinstance(params, Mapping) else params
        return self._answers.execute(query, params, prepare=prepare, binary=binary)

    @contextmanager
    def packet(self) -> Iterator[None]:
        """What is executed in here leaves as one packet when this ends, and is one transaction.

        Each statement sees what had been committed when those before it were done. All answer afterwards; the cursor
        that they share has the last one's answer. Nothing has left when something is raised before the end: who is
        stopped halfway holds nothing locked, as they would with no deadline.
        """
        self._pipeline = packet = _Packet(self)
        with self.pipeline():
            try:
                yield
            except BaseException:
                packet.command_queue.clear()
                packet.result_queue.clear()
                self.close()  # it takes statements for prepared that Postgres has never heard of
                raise

    def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        """Everything that Postgres is asked comes through here, and waits no longer than until the deadline."""
        if (deadline := self.deadline) is None:
            return super().wait(gen, interval, timeout)
        if (left := deadline - monotonic()) > 0:
            try:
                return waiting.wait(gen, self.pgconn.socket, interval, left)  # as above, without what Ctrl-C would need
            except psycopg.OperationalError:
                if monotonic() < deadline:
                    raise
        self.close()  # an answer that still comes must not be taken for that to the next question
        raise Mute("no answer until the deadline")


@lru_cache(maxsize=1024)
def native(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with Postgres' own placeholders, and the names of its parameters in their order, if they have any."""
    numbers: dict[str, int] = {}

    def placed(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1] or str(len(numbers))
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    return PLACEHOLDER.sub(placed, sql).encode(), tuple(numbers)


class Pool(ConnectionPool[psycopg.Connection[DictRow]]):
    """A pool of lines whose look through the idle ones ends, also where they are mute.

    It hands out the line that was used last: its session has everything prepared and at hand. In turns, as they are by
    default, a quiet hour's requests go to as many cold sessions as the busiest moment needed.
    """

    def _get_ready_connection(self, timeout: float | None) -> psycopg.Connection[DictRow] | None:
        self._pool.rotate(1)  # the one that came back last is at the end, and is taken from the front
        return super()._get_ready_connection(timeout)

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[psycopg.Connection[DictRow]]:
        """Borrow a line. They commit each statement by themselves: a commit at the end would be a round for nothing.

        What is brought back in the midst of a transaction is rolled back, in the midst of a statement closed.
        """
        conn = self.getconn(timeout)
        try:
            yield conn
        finally:
            self.putconn(conn)

    @staticmethod
    def check_connection(conn: psycopg.Connection[DictRow]) -> None:
        """Raise when a line is dead or mute."""
        limit(conn, monotonic() + CHECK_SECONDS)
        try:
            ConnectionPool.check_connection(conn)
        finally:
            limit(conn, None)


def limit(conn: psycopg.Connection[DictRow], deadline: float | None) -> None:
    """Set until when a pool's connection is waited for; None: for ever."""
    if isinstance(conn, Line):
        conn.deadline = deadline


def packet(conn: psycopg.Connection[DictRow]) -> AbstractContextManager[None]:
    """The packet of a pool's connection (see Line.packet)."""
    assert isinstance(conn, Line), "every pool here is one of lines"
    return conn.packet()
