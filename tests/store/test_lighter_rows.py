"""Migration 12: words are domains. What was there stays where it was, and each column holds its words alone."""

from collections.abc import Iterator
from importlib import resources

import psycopg
import pytest

from hitl.store.migrate import migrate
from tests.services.postgres import Databases

NEW = "0012_lighter_rows.sql"
CASE, REVIEW, ACTION = (f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
ROWS = f"""
insert into cases (case_id, content_id, author_id, started_by, graph, graph_version, policy, policy_version, status,
    outcome, version, round, cleared)
    select ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'post-' || n, 'ann', 'ann', 'g', '1', 'p', '1',
        'completed', 'kept', 1, n, 1 from generate_series(1, 2) n;
insert into reviews (review_id, case_id, interrupt_id, round, level, status, choices, proposed_actions, digest,
    closed_at) values ('{REVIEW}', '{CASE}', 'i', 1, 1, 'decided', '[]', '[]', 'd', now());
insert into votes (review_id, person, choice, body) values ('{REVIEW}', 'mo', 'reject', '{{}}');
insert into decisions (decision_id, case_id, review_id, round, decision, decided_by, policies, actions, digest)
    values ('{REVIEW}', '{CASE}', '{REVIEW}', 1, 'reject', 'mo', '[]', '[]', 'd');
insert into actions (action_id, case_id, round, ordinal, direction, kind, target, aspect, params, reversible, status,
    key) values ('{ACTION}', '{CASE}', 1, 1, 'forward', 'k', 'post:1', 'a', '{{}}', true, 'applied', '{ACTION}:0');
insert into events (case_id, seq, type, actor_kind, actor_id) values ('{CASE}', 1, 't', 'person', 'ann');
insert into commands (case_id, kind, graph, graph_version, state, finished_at)
    values ('{CASE}', 'start', 'g', '1', 'done', now());
insert into forum_actions (key, action_id, kind, target, direction, params)
    values ('k', 'a', 'k', 't', 'forward', '{{}}')
"""  # noqa: S608
TABLES = ("cases", "reviews", "votes", "decisions", "actions", "events", "commands", "forum_actions")
# What no row may be changed to, by what says so now.
WRONG = {
    "cases": ("status = 'lost'", "outcome = 'lost'", "priority = 10", "version = 0", "round = 0", "outcome = null",
              "status = 'failed', outcome = null", "status = 'needs_migration', outcome = null"),
    "reviews": ("status = 'lost'", "closed_at = null", "round = 0", "level = 3", "quorum = 0"),
    "votes": ("choice = 'expired'",),
    "actions": ("status = 'lost'", "direction = 'back'", "direction = 'reverse'", "key = 'x'",
                f"key = '{CASE}:0'", f"key = '{ACTION}'"),
    "events": ("actor_kind = 'robot'", "seq = 0"),
    "commands": ("kind = 'stop'", "state = 'lost'", "priority = -1", "finished_at = null",
                 "state = 'claimed', finished_at = null"),
    "forum_actions": ("direction = 'back'",),
}  # fmt: skip
FILES = "select relname, pg_relation_filenode(oid) from pg_class where relname = any(%s) order by 1"


@pytest.fixture(scope="module")
def filled(databases: Databases) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]], list[object]]]:
    """A database of the release before with a row in each table, then brought up to date; and what it was before."""
    with databases.fresh(migrated=False) as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create table migrations (name text primary key, at timestamptz default now())")
        folder = resources.files("hitl.store") / "migrations"
        for file in sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name):
            if file.name < NEW:
                conn.execute(file.read_text().encode())
                conn.execute("insert into migrations (name) values (%s)", (file.name,))
        conn.execute(ROWS.encode())
        before = [*conn.execute(FILES, (list(TABLES),)).fetchall(), *_rows(conn)]
        assert f"migration {NEW}" in migrate(url)
        yield conn, before


def _rows(conn: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    found = "select to_jsonb(t) - 'cleared' from {} t order by 1"
    return [conn.execute(found.format(t).encode()).fetchall() for t in TABLES]


def test_every_row_stays_as_it_was_where_it_was(
    filled: tuple[psycopg.Connection[tuple[object, ...]], list[object]],
) -> None:
    conn, before = filled
    assert [*conn.execute(FILES, (list(TABLES),)).fetchall(), *_rows(conn)] == before


def test_a_case_that_went_on_after_it_was_cleared_is_cleared_again(
    filled: tuple[psycopg.Connection[tuple[object, ...]], list[object]],
) -> None:
    conn, _ = filled
    assert conn.execute("select round, cleared from cases order by round").fetchall() == [(1, 1), (2, 0)]


@pytest.mark.parametrize(("table", "change"), [(table, change) for table in WRONG for change in WRONG[table]])
def test_what_is_no_word_of_a_column_is_refused(
    filled: tuple[psycopg.Connection[tuple[object, ...]], list[object]], table: str, change: str
) -> None:
    conn, _ = filled
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(f"update {table} set {change}".encode())  # noqa: S608
