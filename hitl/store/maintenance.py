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
    )
    return [r["case_id"] for r in rows]


def servable_cases(tx: Tx, served: Sequence[str], limit: int = 100) -> list[str]:
    """Parked cases of a graph version that is served."""
    rows = tx.all(
        """select case_id from cases where status = 'needs_migration'
        and graph || '@' || graph_version = any(%s) limit %s""",
        (list(served), limit),
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


def long_closed(tx: Tx, days: int, limit: int) -> list[str]:
    """Completed cases, untouched for `days`, that still have more checkpoints than their head."""
    rows = tx.all(
        """select c.case_id from cases c where c.status = 'completed'
          and c.updated_at < now() - make_interval(days => %s)
          and (select count(*) from checkpoints k where k.thread_id = c.case_id::text) > 1
        order by c.updated_at limit %s""",
        (days, limit),
    )
    return [r["case_id"] for r in rows]


def clear_checkpoints(tx: Tx, case_id: str) -> None:
    """Keep of a case's checkpoints only what its heads need."""
    for table, column in (("checkpoints", "checkpoint_id"), ("checkpoint_writes", "checkpoint_id")):
        tx.execute(
            f"""delete from {table} t where t.thread_id = %(id)s and not exists (
                select 1 from checkpoint_heads h where h.thread_id = t.thread_id
                and h.checkpoint_ns = t.checkpoint_ns and h.checkpoint_id = t.{column})""",
            {"id": case_id},
        )
    tx.execute(
        """delete from checkpoint_blobs b where b.thread_id = %(id)s and not exists (
            select 1 from checkpoints c where c.thread_id = b.thread_id and c.checkpoint_ns = b.checkpoint_ns
            and c.checkpoint -> 'channel_versions' ->> b.channel = b.version)""",
        {"id": case_id},
    )
