"""Fills a database: a few cases are run for real, and all their rows are copied, with ids and times of their own."""

import time

import psycopg

from bench.growth.core import Core

Connection = psycopg.Connection[tuple[object, ...]]
CHUNK = 50  # cases per transaction, as events of one transaction are neighbors in the stream of all cases
AUTHORS = 20_000
SPREAD_MS = {"closed": 25 * 86_400_000, "waiting": 86_400_000}  # younger than what upkeep clears
# An id of another case: as many milliseconds older as its case, the rest from a hash.
FUNCTIONS = """
create schema if not exists growth;
create function growth.other(id uuid, n bigint, ms bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint - ms), 12, '0')
        || '7' || substr(md5(id::text || n::text), 14))::uuid $$;
"""
# What belongs to the case that is copied.
BY_CASE = "case_id = %(case)s::uuid"
BY_ACTION = "{} in (select action_id::text from actions where case_id = %(case)s::uuid)"
OWNED = {
    **dict.fromkeys(
        ("cases", "contents", "analyses", "reviews", "decisions", "appeals", "actions", "events", "commands"), BY_CASE
    ),
    "votes": "review_id in (select review_id from reviews where case_id = %(case)s::uuid)",
    **dict.fromkeys(
        ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_heads"), "thread_id = %(case)s"
    ),
    "forum_actions": BY_ACTION.format("action_id"),
    "forum_messages": BY_ACTION.format("about"),
    "forum_aspects": "target in (select target from actions where case_id = %(case)s::uuid)",
}
OWN_ID = "growth.other({}::uuid, n, ms)::text"
TARGET = f"case when t.target like 'post:%%' then t.target || '-' || n else 'author:author-' || n %% {AUTHORS} end"
KEY = f"{OWN_ID.format('substr(t.key, 1, 36)')} || substr(t.key, 37)"
# Columns that are neither ids nor times, and must differ all the same.
DIFFERENT = {
    "content_id": "t.content_id || '-' || n",
    "author_id": f"'author-' || n %% {AUTHORS}",
    "started_by": f"case when n %% 2 = 0 then 'author-' || n %% {AUTHORS} else 'backend-' || n %% 7 end",
    "thread_id": OWN_ID.format("t.thread_id"),
    "about": OWN_ID.format("t.about"),
    "target": TARGET,
    "key": KEY,
}
COLUMNS = """select column_name, data_type from information_schema.columns where table_schema = 'public'
    and table_name = %s and is_identity = 'NO' and column_name <> 'tx' order by ordinal_position"""


def templates(core: Core) -> dict[str, list[str]]:
    """Cases to copy: of two closed ones, one went through all four quarters and one through two."""
    return {"closed": [core.whole("gone"), core.acted("done", decision="approve")], "waiting": [core.paused("wait")]}


def fill(url: str, kind: str, cases: list[str], many: int) -> float:
    """Copy the cases until there are so many; seconds."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set session_replication_role = replica")  # foreign keys hold by construction
        conn.execute("set synchronous_commit = off")
        conn.execute(FUNCTIONS)
        per_case = many // len(cases)
        for case in cases:
            inserts = ";\n".join(_copied(conn, table, case) for table in OWNED)
            _run(conn, inserts, per_case, SPREAD_MS[kind])
            conn.execute("drop schema growth cascade")
            conn.execute(FUNCTIONS)
        conn.execute("drop schema growth cascade")
    return time.monotonic() - began


def _copied(conn: Connection, table: str, case: str) -> str:
    """Keep the case's rows of a table aside; the statement that copies them for the cases from a to b."""
    where = OWNED[table].replace("%(case)s", f"'{case}'")
    conn.execute(f"create table growth.{table} as select * from public.{table} where {where}".encode())  # noqa: S608
    columns = conn.execute(COLUMNS, (table,)).fetchall()
    values = ", ".join(_value(table, str(name), str(type_)) for name, type_ in columns)
    names = ", ".join(str(name) for name, _ in columns)
    numbers = "(select n, (b_most - n + 1) * step as ms from generate_series(a, b) n) numbers"
    into, source = f"{table} ({names})", f"{numbers}, growth.{table} t"
    return f"insert into public.{into} select {values} from {source} on conflict do nothing"  # noqa: S608


def _value(table: str, name: str, type_: str) -> str:
    column = f"t.{name}"
    if name == "action_id" and table == "forum_actions":
        return OWN_ID.format(column)
    if name in DIFFERENT:
        return DIFFERENT[name].replace("%%", "%")
    if type_ == "uuid":
        return f"growth.other({column}, n, ms)"
    if type_ == "timestamp with time zone":
        return f"{column} - ms * interval '1 millisecond'"
    return column


def _run(conn: Connection, inserts: str, many: int, spread: int) -> None:
    """Chunk by chunk, each a transaction, as cases come one by one."""
    step = max(1, spread // max(1, many))
    conn.execute(
        f"""do $fill$ declare a bigint := 1; b bigint; b_most bigint := {many}; step bigint := {step}; begin
        while a <= b_most loop b := least(a + {CHUNK} - 1, b_most);
        {inserts}; commit; a := b + 1; end loop; end $fill$""".encode()
    )


def analyze(url: str) -> None:
    """What autovacuum would have done by then."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze")


def sizes(url: str) -> dict[str, tuple[int, int, int]]:
    """By table, once analyzed: rows, bytes of its own (what was moved aside included), bytes of its indexes."""
    with psycopg.connect(url, autocommit=True) as conn:
        found: dict[str, tuple[int, int, int]] = {}
        for table in OWNED:
            row = conn.execute(
                """select reltuples::bigint, pg_table_size(oid), pg_indexes_size(oid) from pg_class
                where oid = %s::regclass""",
                (table,),
            ).fetchone()
            assert row is not None
            found[table] = (int(str(row[0])), int(str(row[1])), int(str(row[2])))
    return found
