"""Rows of `events`, read: one case's history by seq, all cases' in the order of commits."""

from collections.abc import Sequence
from typing import NamedTuple

from hitl.domain.cases import AT_REST
from hitl.store.notify import Change
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
        from events e
            cross join lateral (select started_by, author_id from cases where case_id = e.case_id offset 0) c
        where e.tenant_id = %(tenant)s and e.tx >= %(tx)s::xid8 and e.tx < pg_snapshot_xmin(pg_current_snapshot())
          and (e.tx, e.case_id::text, e.seq) > (%(tx)s::xid8, %(case)s, %(seq)s)
          and (%(person)s::text is null or c.started_by = %(person)s or c.author_id = %(person)s)
        order by e.tx, e.case_id::text, e.seq limit %(limit)s""",
        {"tenant": tenant_id, "tx": at or "0", "case": case_id, "seq": int(seq or 0), "person": person, "limit": limit},
        anew=True,
    )


class News(NamedTuple):
    """What happened to a tenant's cases up to a transaction number; all that came before it is in it."""

    upto: str
    changes: list[Change]
    """How far those cases have come that were asked for and have changed."""
    any: bool
    """Whether anything happened to any case."""


def news(tx: Tx, tenant_id: str, case_ids: Sequence[str], *, since: str) -> News:
    """What happened from a transaction number on, told apart for some cases."""
    row = tx.one(
        """with upto as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as tx),
        moved as materialized (
            select distinct case_id from events
            where tenant_id = %(tenant)s and tx >= %(since)s::xid8 and tx < (select tx from upto))
        select (select tx::text from upto) as upto, exists (select 1 from moved) as any,
            (select jsonb_agg(jsonb_build_array(case_id, version, status)) from moved join cases using (case_id)
             where case_id = any(%(ids)s::uuid[])) as changes""",
        {"tenant": tenant_id, "since": since, "ids": list(case_ids)},
        anew=True,
    )
    assert row is not None
    changes = [Change(case_id, version, status in AT_REST) for case_id, version, status in row["changes"] or ()]
    return News(row["upto"], changes, row["any"])


def foreign(tx: Tx) -> int | None:
    """The greatest transaction number of the events when this cluster has not reached it yet, else None.

    Then they were restored from a dump of another cluster, and streams of all cases would not show them.
    """
    row = tx.one(
        """with recursive tenants as (
            (select tenant_id from events order by tenant_id limit 1)
            union all select (select e.tenant_id from events e where e.tenant_id > t.tenant_id
                              order by e.tenant_id limit 1) from tenants t where t.tenant_id is not null),
        newest as (
            select (select e.tx::text::numeric from events e where e.tenant_id = t.tenant_id
                    order by e.tx desc limit 1) as tx from tenants t)
        select max(tx)::text as tx from newest
        where tx >= pg_snapshot_xmax(pg_current_snapshot())::text::numeric"""
    )
    return int(row["tx"]) if row and row["tx"] else None


def naturalize(tx: Tx) -> int:
    """Give restored events numbers of this cluster, in the same order; how many."""
    greatest = foreign(tx)
    if greatest is None:
        return 0
    return tx.execute(
        """with here as (select pg_current_xact_id()::text::numeric as tx)
        update events e set tx = greatest(here.tx - (%s - e.tx::text::numeric), 3)::text::xid8 from here
        where e.tx > here.tx::text::xid8""",
        (greatest,),
    ).rowcount
