"""Migrations, applied once each and in order, under a lock; then LangGraph's own tables and the shipped policies."""

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from hitl.domain import policies
from hitl.store import events
from hitl.store.postgres import Tx

# LangGraph's indexes on thread_id alone: the primary keys begin with it, and each costs a write per checkpoint.
REDUNDANT = ("checkpoints_thread_id_idx", "checkpoint_blobs_thread_id_idx", "checkpoint_writes_thread_id_idx")
LOCK = 7_204_118  # any number that nobody else uses for an advisory lock


def migrate(url: str) -> list[str]:
    """Bring the database up to date; returns what was applied, in words. Safe to run from many places at once."""
    from langgraph.checkpoint.postgres import PostgresSaver  # half a second that the desk need not spend

    with psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=10) as conn:
        conn.execute("select pg_advisory_lock(%s)", (LOCK,))
        applied = _own(conn)
        PostgresSaver(conn).setup()
        for index in REDUNDANT:
            conn.execute(f"drop index if exists {index}")
        _policies(conn)
        with conn.transaction():
            restored = events.naturalize(Tx(conn))
        return [*applied, *([f"numbers of this server to {restored} restored events"] if restored else [])]


def pending(url: str) -> list[str]:
    """The migrations that this database still lacks, in order."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=2) as conn:
        done = _done(conn)
    return [f.name for f in _files() if f.name not in done]


def _files() -> list[Traversable]:
    folder = resources.files("hitl.store") / "migrations"
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


def _done(conn: psycopg.Connection[dict[str, object]]) -> set[str]:
    row = conn.execute("select to_regclass('migrations') as there").fetchone()
    if row is None or row["there"] is None:
        return set()
    return {str(r["name"]) for r in conn.execute("select name from migrations").fetchall()}


def _own(conn: psycopg.Connection[dict[str, object]]) -> list[str]:
    conn.execute("create table if not exists migrations (name text primary key, at timestamptz default now())")
    done, applied = _done(conn), []
    for file in _files():
        if file.name in done:
            continue
        with conn.transaction():
            conn.execute(file.read_text())
            conn.execute("insert into migrations (name) values (%s)", (file.name,))
        applied.append(f"migration {file.name}")
    return applied


def _policies(conn: psycopg.Connection[dict[str, object]]) -> None:
    """Shipped policy sets become rows; a version that is there already is never changed."""
    folder = resources.files("hitl.store") / "data" / "policies"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        raw = tomllib.loads(file.read_text())
        found = policies.parse(raw)
        conn.execute(
            "insert into policy_sets (name, version, body) values (%s, %s, %s) on conflict do nothing",
            (found.name, found.version, Jsonb(raw)),
        )
