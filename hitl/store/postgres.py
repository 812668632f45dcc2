"""Connections and transactions: explicit, short, and never open while an outside call runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from hitl import failpoints
from hitl.errors import Unavailable
from hitl.store.bells import Bells
from hitl.store.lines import DUE, Mute, limit
from hitl.store.notify import LATER, Change, Due, Notifier
from hitl.store.pool import open_pool
from hitl.store.riders import Write, carries, together
from hitl.store.ringer import Ringer

CROSSED = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable)
# "cached plan must not change result type": a migration has given a column another type since a line prepared this.
OUTDATED = psycopg.errors.FeatureNotSupported
REVALIDATES = "RevalidateCachedQuery"  # who says so in Postgres, in whatever language
# The third: this process was stopped within a transaction, for so long that Postgres has ended it.
GONE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    PoolTimeout,
)
TROUBLE = (OUTDATED, *CROSSED, *GONE)


class Tx:
    """One transaction: run SQL, and say who is to be woken once it has been committed."""

    def __init__(
        self,
        conn: psycopg.Connection[DictRow],
        name: str | None = None,
        memory: dict[Any, Any] | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self.conn = conn
        self.name = name
        self.memory = {} if memory is None else memory  # of the whole store: only for what never changes
        self.changed: set[Change] = set()
        self.commands = False  # some are due, and have to be looked for
        self.due: list[Due] = []
        self._riders: list[Write] = []
        self._alone, self._written = alone, False  # each statement is committed by itself: one may carry writes
        self._last = False  # that one comes now

    def along(self, sql: str, params: Any = None) -> None:
        """Have a write done together with the next statement, which does not see it; at the latest with the commit.

        It has no WITH queries of its own, and no two that go together may write the same row.
        """
        if self._alone and self._written:
            raise RuntimeError("two statements that write need a transaction")
        self._riders.append(Write(sql, params))

    def commits(self) -> None:
        """The next statement is all there is to this: where it is a transaction of its own, its failpoint is here."""
        self._last = True
        if self._alone and self.name:
            failpoints.hit(f"before_commit:{self.name}")

    def flush(self) -> None:
        """Do what still waits for a statement to ride along with."""
        if self._riders:
            last, self._last = self._riders.pop(), True
            self.execute(last.sql, last.params)
            self._written = True

    def execute(self, sql: str, params: Any = None, *, anew: bool = False) -> psycopg.Cursor[DictRow]:
        """Run one statement, with all that rides along; planned once per connection, `anew`: each time, for its values.

        That is for what is best done otherwise with other values: lists, pages, and what looks at many rows. The answer
        is to be fetched before the next statement.
        """
        if self._riders and not carries(sql):
            self.flush()
        if self._riders:
            if self._alone and not self._last:
                raise RuntimeError("what rides along would be committed by a statement that proves nothing")
            riders, self._riders, self._written = self._riders, [], True
            sql, params = together(riders, sql, params)
        if anew:  # with values in its text: Postgres is told to plan no other than those for any value
            return psycopg.ClientCursor(self.conn, row_factory=dict_row).execute(sql, params)
        return self.conn.execute(sql, params)

    def one(self, sql: str, params: Any = None, *, anew: bool = False) -> DictRow | None:
        """The first row, or None."""
        return self.execute(sql, params, anew=anew).fetchone()

    def end(self, sql: str, params: Any, heard: Callable[[DictRow], None]) -> bool:
        """Run what may be the only statement, and have its row heard; False when it has none."""
        row = self.one(sql, params)
        if row:
            heard(row)
        return row is not None

    def all(self, sql: str, params: Any = None, *, anew: bool = False) -> list[DictRow]:
        """All rows."""
        return self.execute(sql, params, anew=anew).fetchall()


class Store:
    """The database: a pool, and the notifier that wakes others after a commit.

    `patience`: the seconds after which a transaction that Postgres does not answer ends in Unavailable; None: any.
    """

    patience: float | None = None

    def __init__(self, url: str, *, size: int = 8, bells: Path | None = None) -> None:
        self.url, self.bells = url, bells
        self.pool = open_pool(url, size=size)
        self.notifier = Ringer(url, Bells(bells)) if bells else Notifier(url)
        self.memory: dict[Any, Any] = {}  # only of what never changes
        self._checking = threading.Lock()

    @contextmanager
    def transaction(self, name: str | None = None) -> Iterator[Tx]:
        """One transaction; Unavailable when Postgres is gone. Those who wait are woken after the commit.

        A name makes its commit a failpoint: `before_commit:<name>` and `after_commit:<name>`.
        """
        with self._connection() as conn, conn.transaction():
            tx = Tx(conn, name, self.memory)
            yield tx
            tx.flush()
            if tx.name:
                failpoints.hit(f"before_commit:{tx.name}")
        self.committed(tx)

    @contextmanager
    def statement(self, name: str | None = None) -> Iterator[Tx]:
        """Each statement is a transaction of its own: for reads, and for writes that are one statement."""
        if name:
            failpoints.hit(f"before_commit:{name}")
        with self._connection() as conn:
            tx = Tx(conn, name, self.memory, alone=True)
            yield tx
            tx.flush()
        self.committed(tx)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        try:
            until = DUE.at
            if until is None and self.patience is not None:
                until = monotonic() + self.patience
            with self.pool.connection(None if until is None else until - monotonic()) as conn:
                limit(conn, until)
                try:
                    yield conn
                except OUTDATED:
                    conn.close()  # and so do all its other statements on these tables
                    raise
                finally:
                    limit(conn, None)
        except TROUBLE as error:
            raise self.trouble(error) from error

    def trouble(self, error: psycopg.Error | PoolTimeout) -> Unavailable:
        """What an error of TROUBLE is called; raises what is a bug of ours."""
        if isinstance(error, Mute):
            self._check()
            return Unavailable("The database did not answer in time; whether this was recorded is not known.")
        if isinstance(error, OUTDATED):
            if error.diag.source_function != REVALIDATES:  # something else that Postgres cannot do
                raise error
            return Unavailable("The database was migrated in the meantime; nothing was recorded.")
        if isinstance(error, CROSSED):
            return Unavailable("This crossed with other work on the same rows; nothing was recorded.")
        self._check()
        recorded = "nothing was" if isinstance(error, PoolTimeout) else "it is not known whether this was"
        return Unavailable(f"The database cannot be reached; {recorded} recorded.")

    def committed(self, tx: Tx) -> None:
        """Wake those who wait for what a transaction has changed."""
        if tx.name:
            failpoints.hit(f"after_commit:{tx.name}")
        LATER.do(partial(self.notifier.wake, tx.changed, commands=tx.commands, due=tx.due))

    def _check(self) -> None:
        """After trouble: throw dead connections out of the pool, so that each does not fail one more caller."""
        if self._checking.acquire(blocking=False):
            threading.Thread(target=self._check_now, name="pool-check", daemon=True).start()

    def _check_now(self) -> None:
        try:
            self.pool.check()
        finally:
            self._checking.release()

    def close(self) -> None:
        """Let go of every connection."""
        self.notifier.close()
        self.pool.close(timeout=2.0)


__all__ = ["DictRow", "Jsonb", "Store", "Tx"]
