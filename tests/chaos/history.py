"""What there is to judge by: the client's log, the witness's file and the database, side by side."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.chaos.records import read

Row = dict[str, Any]
TABLES = ("cases", "reviews", "decisions", "appeals", "actions", "settlements", "events", "commands")
IDS = {
    "case_id",
    "review_id",
    "decision_id",
    "appeal_id",
    "action_id",
    "reverses",
    "supersedes",
    "ref",
}


@dataclass
class History:
    """One run, from three sides; `sent` and `answered` are the client's, `applied` the witness's, the rest rows."""

    sent: list[Row] = field(default_factory=list)
    answered: list[Row] = field(default_factory=list)
    manifest: dict[str, Row] = field(default_factory=dict)
    applied: list[Row] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})

    @cached_property
    def cases(self) -> dict[str, Row]:
        """Cases by id."""
        return {row["case_id"]: row for row in self.tables["cases"]}

    @cached_property
    def actions(self) -> dict[str, Row]:
        """The ledger by action id."""
        return {row["action_id"]: row for row in self.tables["actions"]}

    @cached_property
    def decisions(self) -> dict[str, Row]:
        """Decisions by id."""
        return {row["decision_id"]: row for row in self.tables["decisions"]}

    @cached_property
    def effects(self) -> dict[str, list[Row]]:
        """What the witness applied, by action id."""
        return grouped(self.applied, "action_id")

    def of_case(self, table: str) -> dict[str, list[Row]]:
        """A table's rows by case."""
        return grouped(self.tables[table], "case_id")

    def accepted(self, path: str) -> list[Row]:
        """The 202s that a path gave."""
        return [a for a in self.answered if a["path"] == path and a["status"] == 202]


def grouped(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    """Rows by one of their columns."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return dict(found)


def load(database_url: str, log: Path | Iterable[Path], testimony: Path) -> History:
    """Read the client's log (or logs), the witness's file and the database."""
    history = History()
    for path in [log] if isinstance(log, Path) else log:
        for line in read(path):
            (history.sent if line["did"] == "sent" else history.answered).append(line)
    for line in read(testimony):
        if line["did"] == "opened":
            history.manifest = line["manifest"]
        elif line["did"] == "applied":
            history.applied.append(line)
    with psycopg.connect(database_url, row_factory=dict_row, options="-c timezone=UTC") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # all tables at one moment
        for name in TABLES:
            rows = conn.execute(sql.SQL("select * from {}").format(sql.Identifier(name))).fetchall()
            history.tables[name] = [_plain(row) for row in rows]
    return history


def _plain(row: Row) -> Row:
    return {k: str(v) if k in IDS and v is not None else v for k, v in row.items()}
