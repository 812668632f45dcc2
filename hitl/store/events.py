"""Rows of `events`, read: one case's history by seq, all cases' in the order of commits."""

from hitl.store.postgres import DictRow, Tx


def of_case(tx: Tx, case_id: str, *, after: int, limit: int) -> list[DictRow]:
    """A case's events behind a seq, oldest first."""
    return tx.all(
        """select seq, type, at, actor_kind, actor_id, before, after, data from events
        where case_id = %s and seq > %s order by seq limit %s""",
        (case_id, after, limit),
    )


def newest_tx(tx: Tx) -> str:
    """Where the stream of all cases stands now: behind every event that is committed for all to see."""
    row = tx.one("select pg_snapshot_xmin(pg_current_snapshot())::text as tx")
    return f"{row['tx']}..0" if row else "0..0"


def of_all(tx: Tx, tenant_id: str, person: str | None, *, cursor: str, limit: int) -> list[DictRow]:
    """Events of all cases (of those that a person started or wrote, when one is named) behind a cursor.

    The cursor is `tx.case_id.seq`. Events of transactions that may still be overtaken are left for later.
    """
    at, case_id, seq = [*cursor.split("."), "", ""][:3]
    return tx.all(
        """select e.tx::text || '.' || e.case_id || '.' || e.seq as cursor, e.case_id, e.seq, e.type, e.at,
            e.actor_kind, e.actor_id, e.before, e.after, e.data
        from events e join cases c using (case_id)
        where e.tenant_id = %(tenant)s and e.tx >= %(tx)s::xid8 and e.tx < pg_snapshot_xmin(pg_current_snapshot())
          and (e.tx, e.case_id::text, e.seq) > (%(tx)s::xid8, %(case)s, %(seq)s)
          and (%(person)s::text is null or c.started_by = %(person)s or c.author_id = %(person)s)
        order by e.tx, e.case_id::text, e.seq limit %(limit)s""",
        {"tenant": tenant_id, "tx": at or "0", "case": case_id, "seq": int(seq or 0), "person": person, "limit": limit},
    )
