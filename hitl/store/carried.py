"""What a graph stores while it runs, carried along until its run is settled: then all is one commit."""

from collections.abc import Iterable
from typing import Any

from hitl.store.postgres import Tx
from hitl.store.riders import Write


class Carried:
    """Stands in for a cursor, and keeps the statements for the transaction that settles the run."""

    def __init__(self) -> None:
        self._writes: list[Write] = []
        self.once = True  # no two of the calls may write the same row
        self._texts: set[Any] = set()
        self.heads: dict[str, tuple[str, str, str]] = {}  # by namespace

    def execute(self, sql: Any, params: Any = None) -> None:
        """Keep one."""
        self.executemany(sql, [params])

    def executemany(self, sql: Any, rows: Iterable[Any]) -> None:
        """Keep one for each of the rows."""
        self.once &= sql not in self._texts
        self._texts.add(sql)
        self._writes += [Write(sql, row) for row in rows]

    def write(self, tx: Tx) -> dict[str, tuple[str, str, str]]:
        """Write all with the next statement, or one by one where calls may share a row; the heads that move with it."""
        for sql, params in self._writes:
            if self.once:
                tx.along(sql, params)
            else:
                tx.execute(sql, params)
        return dict(self.heads)
