"""Rows that upkeep looks for across nouns."""

from collections.abc import Sequence

from hitl.store.postgres import Tx


def unserved_cases(tx: Tx, served: Sequence[str], limit: int = 100) -> list[str]:
    """Cases with a due command of a graph version that is not served, the longest waiting first."""
    rows = tx.all(
        """select c.case_id from commands m join cases c using (case_id)
        where m.state in ('ready', 'published') and m.available_at <= now() - interval '1 second'
          and m.kind <> 'settle' and not m.graph || '@' || m.graph_version = any(%s)
          and c.status <> 'needs_migration'
        order by m.available_at, m.command_id limit %s""",
        (list(served), limit),
        anew=True,
    )
    return [r["case_id"] for r in rows]


def servable_cases(tx: Tx, served: Sequence[str], limit: int = 100) -> list[str]:
    """Parked cases of a graph version that is served."""
    rows = tx.all(
        """select case_id from cases where parked_from is not null
        and graph || '@' || graph_version = any(%s) limit %s""",
        (list(served), limit),
        anew=True,
    )
    return [r["case_id"] for r in rows]


def move_to_version(tx: Tx, case_id: str, command_id: int, version: str) -> None:
    """A waiting command runs under another version of its graph."""
    tx.execute(
        """update commands set graph_version = %s, state = 'ready'
        where command_id = %s and case_id = %s and state in ('ready', 'published')""",
        (version, command_id, case_id),
    )
    tx.commands = True


def clear_long_closed(tx: Tx, days: int, limit: int) -> int:
    """Clear the checkpoints of cases completed and untouched for `days`, once per round; how many cases.

    They are locked, so that none is opened again meanwhile; one that somebody else holds is left for later.
    """
    rows = tx.all(
        """with due as (
            select case_id from cases where cleared = 0 and status = 'completed'
              and updated_at < now() - make_interval(days => %(days)s)
              and created_at < now() - make_interval(days => %(days)s)
            order by created_at limit %(limit)s for update skip locked)
        update cases c set cleared = c.round from due where c.case_id = due.case_id returning c.case_id""",
        {"days": days, "limit": limit},
        anew=True,
    )
    if rows:
        clear_checkpoints(tx, [r["case_id"] for r in rows])
    return len(rows)


def clear_checkpoints(tx: Tx, thread_ids: Sequence[str]) -> None:
    """Keep of threads' checkpoints only what their heads need."""
    for table in ("checkpoints", "checkpoint_writes"):
        tx.execute(
            f"""delete from {table} t where t.thread_id = any(%(ids)s) and not exists (
                select 1 from checkpoint_heads h where h.thread_id = t.thread_id
                and h.checkpoint_ns = t.checkpoint_ns and h.checkpoint_id = t.checkpoint_id)""",
            {"ids": list(thread_ids)},
            anew=True,
        )
    tx.execute(
        """delete from checkpoint_blobs b where b.thread_id = any(%(ids)s) and not exists (
            select 1 from checkpoints c where c.thread_id = b.thread_id and c.checkpoint_ns = b.checkpoint_ns
            and c.checkpoint -> 'channel_versions' ->> b.channel = b.version)""",
        {"ids": list(thread_ids)},
        anew=True,
    )
