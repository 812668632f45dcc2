"""What Postgres' statements cost, as Postgres itself counts it (pg_stat_statements)."""

from typing import Any

import psycopg

# To be set when the server starts.
SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
}
PREPARE = "create schema if not exists bench; create extension if not exists pg_stat_statements schema bench"
RESET = "select bench.pg_stat_statements_reset()"
# What the benchmark itself asks is not the system's; what is told with a NOTIFY is part of its text.
FOUND = r"""
    select sum(calls), sum(total_exec_time), sum(total_plan_time),
        regexp_replace(query, '^(notify \w+), .*', '\1') as said
    from bench.pg_stat_statements s join pg_database d on d.oid = s.dbid
    where d.datname = current_database() and query !~ 'pg_stat_|pg_current_wal'
    group by said order by 2 desc
"""
WIDTH = 110
Json = dict[str, Any]


class Statements:
    """Counts what each statement takes, by the clock, from `begin` on."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._cases = 0

    def begin(self) -> None:
        """Count from here."""
        self._connection.execute(PREPARE)
        self._cases = self._started()
        self._connection.execute(RESET)

    def per_case(self) -> list[Json]:
        """Each statement's calls, and its milliseconds of execution and of planning; the dearest first."""
        rows = self._connection.execute(FOUND).fetchall()
        cases = self._started() - self._cases
        return [
            {
                "calls": float(calls) / cases,
                "ms": ran / cases,
                "planning_ms": planned / cases,
                "statement": _short(query),
            }
            for calls, ran, planned, query in rows
        ]

    def _started(self) -> int:
        row = self._connection.execute("select count(*) from cases").fetchone()
        return int(row[0]) if row else 0


def _short(query: str) -> str:
    return " ".join(query.split())[:WIDTH]
