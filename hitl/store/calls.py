"""Rows of `actions` around a call to the platform: on its way, about to be made, about to be made again."""

from typing import Any

import psycopg

from hitl.domain.commands import Command
from hitl.errors import Fenced
from hitl.store.actions import STANDING
from hitl.store.commands import HOLD
from hitl.store.postgres import DictRow, Jsonb, Tx


def send(tx: Tx, action_id: str) -> DictRow | None:
    """Mark a planned action as on its way, and return it as it was before; None while another on its target is.

    The transaction is of no more use then.
    """
    try:
        return tx.one(
            """with was as (select * from actions where action_id = %s for update),
            sent as (update actions a set status = 'sending', sent_at = coalesce(a.sent_at, now()) from was
                     where a.action_id = was.action_id and was.status = 'planned')
            select * from was""",
            (action_id,),
        )
    except psycopg.errors.UniqueViolation:
        return None


def release(tx: Tx, action_id: str) -> DictRow:
    """For a reversal: what it is about to release.

    `shared`: another action holds the aspect; `restore`: what to put back; `told`: somebody told what our newest call
    left on the aspect, namely `left`, which is to be found there unless a third party changed it.
    """
    row = tx.one(
        f"""select undone.before as restore, exists (
                select 1 from actions other where (other.tenant_id, other.target, other.aspect)
                    = (undone.tenant_id, undone.target, undone.aspect) and other.direction = 'forward'
                    and other.status in {STANDING} and other.action_id <> undone.action_id) as shared,
            coalesce(newest.after is not null, false) as told, newest.after as left
        from actions mine join actions undone on undone.action_id = mine.reverses left join lateral (
            select after from actions a where (a.tenant_id, a.target, a.aspect)
                = (undone.tenant_id, undone.target, undone.aspect) and a.direction = 'forward'
                and a.applied_at is not null order by a.applied_at desc limit 1) newest on true
        where mine.action_id = %s""",
        (action_id,),
    )
    assert row is not None, "actions are never deleted"
    return row


def calling(tx: Tx, command: Command, row: DictRow, before: Any) -> None:
    """Write the before-image down, under the run's lease: from here on the call may have happened.

    While another of our actions holds the aspect, its before-image counts: what was there before all of them. So does
    that of one of which nobody knows yet whether it holds on: it is true either way.
    """
    found = tx.one(
        f"""with held as ({HOLD}),
        holder as (
            select before from actions where tenant_id = %(tenant)s and target = %(target)s and aspect = %(aspect)s
                and direction = 'forward' and (status in {STANDING} or status = 'unknown')
                and action_id <> %(action)s
            order by sent_at limit 1)
        update actions set called = true, called_at = clock_timestamp(),
            before = case when exists (select 1 from holder)
                then coalesce((select before from holder), 'null') else %(before)s end
        from held where action_id = %(action)s returning 1 as ok""",
        {**_under(command, row["action_id"]), "before": Jsonb(before)}
        | {name: row[column] for name, column in (("tenant", "tenant_id"), ("target", "target"), ("aspect", "aspect"))},
    )
    _fenced_unless(found)


def calling_back(tx: Tx, command: Command, action_id: str, restore: Any) -> None:
    """The same for a reversal, with the value that it is to restore."""
    found = tx.one(
        f"""with held as ({HOLD})
        update actions set called = true, called_at = clock_timestamp(), before = %(restore)s
        from held where action_id = %(action)s returning 1 as ok""",
        {**_under(command, action_id), "restore": Jsonb(restore)},
    )
    _fenced_unless(found)


def _under(command: Command, action_id: str) -> dict[str, Any]:
    return {"id": command.command_id, "epoch": command.epoch, "action": action_id}


def _fenced_unless(found: DictRow | None) -> None:
    if found is None:
        raise Fenced()


def calling_again(tx: Tx, action_id: str) -> None:
    """The call is about to be repeated."""
    tx.execute("update actions set called_at = clock_timestamp() where action_id = %s", (action_id,))


def seconds_since_call(tx: Tx, action_id: str) -> float | None:
    """How long ago the call was last begun; None when that was never written down."""
    row = tx.one(
        "select extract(epoch from clock_timestamp() - called_at)::float8 as s from actions where action_id = %s",
        (action_id,),
    )
    return row["s"] if row else None
