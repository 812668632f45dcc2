"""What an operator watches, counted from rows: right whichever process did the work, and after it died."""

from typing import Any

from hitl.store.postgres import Tx
from hitl.telemetry.metrics import LATENCY_MS, Latency, Numbers

WAITING = "state in ('ready', 'published', 'claimed')"
# name -> labels, and the rows that are counted by them
COUNTS: dict[str, tuple[str, str]] = {
    "commands_waiting": ("kind", f"commands where {WAITING}"),
    "commands_finished": ("kind, state", "commands where state in ('done', 'failed')"),
    "reviews_waiting": ("level::text, status", "reviews where status in ('open', 'blocked')"),
    "cases": ("status", "cases where true"),
    "decisions": ("decision", "decisions where true"),
    "effects": ("kind, direction, status", "actions where true"),
    "unavailable": ("analyzer, rationale", "analyses where unavailable"),
}
AGES = f"""select
    (select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from commands where {WAITING}) as commands,
    (select coalesce(extract(epoch from now() - min(opened_at)), 0)::float8
       from reviews where status in ('open', 'blocked')) as reviews,
    (select count(*) from workers where seen_at > now() - interval '15 seconds') as workers"""


def numbers(tx: Tx) -> Numbers:
    """All of them at one moment; the tables are read whole, so ask every few seconds at most."""
    tx.execute("set transaction isolation level repeatable read, read only")
    ages = tx.one(AGES)
    assert ages is not None, "an aggregate always has a row"
    counts: dict[str, Any] = {name: _counted(tx, *what) for name, what in COUNTS.items()}
    return Numbers(
        commands_oldest_seconds=ages["commands"],
        reviews_oldest_seconds=ages["reviews"],
        workers=ages["workers"],
        analyzers=_analyzers(tx),
        **counts,
    )


def _counted(tx: Tx, labels: str, rows: str) -> dict[tuple[str, ...], int]:
    found = tx.all(f"select array[{labels}] as labels, count(*) as n from {rows} group by {labels}")
    return {tuple(row["labels"]): row["n"] for row in found}


def _analyzers(tx: Tx) -> dict[str, Latency]:
    below = ", ".join(f"count(*) filter (where latency_ms <= {ms})" for ms in LATENCY_MS)
    rows = tx.all(
        f"""select analyzer, array[{below}] as at_most, count(*) as n, sum(latency_ms)::float8 as total
        from analyses group by analyzer"""
    )
    return {row["analyzer"]: Latency(tuple(row["at_most"]), row["n"], row["total"]) for row in rows}
