"""A database's rows as JSON and back, whatever their columns are."""

import gzip
import json
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

HERE = Path(__file__).parent
# In the order in which foreign keys allow them to be written.
TABLES = (
    "cases",
    "contents",
    "analyses",
    "reviews",
    "votes",
    "decisions",
    "appeals",
    "actions",
    "events",
    "commands",
    "checkpoint_heads",
    "checkpoints",
    "checkpoint_blobs",
    "checkpoint_writes",
    "forum_aspects",
    "forum_actions",
)


def dump(url: str, gates: dict[str, str]) -> dict[str, Any]:
    """Everything of the golden cases; `gates` names each case by where it stands."""
    with psycopg.connect(url) as conn:
        rows = {table: _rows(conn, table) for table in TABLES}
    return {"gates": gates, "rows": rows}


def _rows(conn: psycopg.Connection, table: str) -> list[Any]:
    query = sql.SQL("select coalesce(jsonb_agg(to_jsonb(t)), '[]') from {} t").format(sql.Identifier(table))
    row = conn.execute(query).fetchone()
    found: list[Any] = row[0] if row else []
    return found


def restore(url: str, golden: dict[str, Any]) -> None:
    """Write a dump into an empty, migrated database; columns new since then have their defaults, others may be gone."""
    with psycopg.connect(url) as conn:
        for table in TABLES:
            head = conn.execute(sql.SQL("select * from {} limit 0").format(sql.Identifier(table))).description or ()
            known = {column.name for column in head}
            for row in sorted(golden["rows"][table], key=_what_others_name_first):
                columns = sql.SQL(", ").join(sql.Identifier(column) for column in row if column in known)
                name = sql.Identifier(table)
                query = "insert into {} ({}) overriding system value select {} from jsonb_populate_record(null::{}, %s)"
                conn.execute(sql.SQL(query).format(name, columns, columns, name), (Jsonb(row),))
        _go_on_counting(conn)


def _go_on_counting(conn: psycopg.Connection) -> None:
    """New rows get numbers behind the restored ones."""
    counted = conn.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and is_identity = 'YES' and table_name = any(%s)",
        (list(TABLES),),
    ).fetchall()
    for table, column in counted:
        query = "select setval(pg_get_serial_sequence(%s, %s), coalesce((select max({}) from {}), 0) + 1)"
        names = (sql.Identifier(column), sql.Identifier(table))
        conn.execute(sql.SQL(query).format(*names), (table, column))


def _what_others_name_first(row: dict[str, Any]) -> bool:
    return bool(row.get("reverses") or row.get("supersedes"))


def write(label: str, golden: dict[str, Any]) -> Path:
    """Keep a golden dump as a file."""
    path = HERE / f"{label}.json.gz"
    text = json.dumps(golden, sort_keys=True).encode()
    path.write_bytes(gzip.compress(text, mtime=0))
    return path


def read(path: Path) -> dict[str, Any]:
    """A golden dump."""
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def files() -> list[Path]:
    """The golden dumps of all released versions."""
    return sorted(HERE.glob("*.json.gz"))
