"""Rows of `actions` around a call to the platform: on its way, about to be made, about to be made again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from hitl.domain.cases import Case
from hitl.domain.commands import Command
from hitl.errors import TargetBusy
from hitl.store import cases
from hitl.store.actions import RELEASE, RELEASING, STANDING, UNTOUCHED
from hitl.store.commands import ENTER, HOLD, entered, of_run
from hitl.store.postgres import DictRow, Jsonb, Tx


def send(tx: Tx, action_id: str) -> DictRow:
    """Mark a planned action as on its way, and return it as it was before; TargetBusy while another on its target is.

    The transaction is of no more use then.
    """
    with _one_at_a_time(tx):
        row = tx.one(
            f"with was as (select * from actions where action_id = %(action)s for update), {SENT} select * from was",
            {"action": action_id},
        )
    assert row is not None, "actions are never deleted"
    return row


def enter_and_send(tx: Tx, command: Command, action_id: str) -> tuple[Case, DictRow]:
    """What `commands.enter` and `send` do in turn, in one statement."""
    with _one_at_a_time(tx):
        row = tx.one(
            f"""with {ENTER},
            was as (select a.* from actions a where action_id = %(action)s and exists (select 1 from held) for update),
            {SENT}
            select {cases.MINE}, exists (select 1 from held) as held, was.* from mine left join was on true""",
            {**of_run(command), "action": action_id},
        )
    case = entered(row, "mine_")
    assert row is not None, "entered means that there is one"
    return case, row


SENT = """sent as (update actions a set status = 'sending', sent_at = coalesce(a.sent_at, now()) from was
    where a.action_id = was.action_id and was.status = 'planned')"""


@contextmanager
def _one_at_a_time(tx: Tx) -> Iterator[None]:
    tx.flush()  # what it may violate is its own
    try:
        yield
    except psycopg.errors.UniqueViolation:  # another on the same target is `sending`
        raise TargetBusy() from None


def release(tx: Tx, action_id: str) -> DictRow:
    """For a reversal: what it is about to release (see actions.RELEASE).

    `left` is to be found at the target unless a third party changed it.
    """
    row = tx.one(f"select {RELEASE} from {RELEASING} where a.action_id = %s", (action_id,))
    assert row is not None, "actions are never deleted"
    return row


def calling(tx: Tx, command: Command, row: DictRow, before: Any, untouched: str | None = None) -> bool:
    """Write the before-image down, under the run's lease: from here on the call may have happened. False: it may not.

    Namely when the lease is lost, or when something of ours has touched the aspect since that was `untouched`.

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
        update actions a set called = true, called_at = clock_timestamp(),
            before = case when exists (select 1 from holder)
                then coalesce((select before from holder), 'null') else %(before)s end
        from held where action_id = %(action)s and {AS_SEEN} returning 1 as ok""",
        {**_under(command, row["action_id"], untouched), "before": Jsonb(before)}
        | {name: row[column] for name, column in (("tenant", "tenant_id"), ("target", "target"), ("aspect", "aspect"))},
    )
    return found is not None


def calling_back(tx: Tx, command: Command, action_id: str, restore: Any, untouched: str | None = None) -> bool:
    """The same for a reversal, with the value that it is to restore."""
    found = tx.one(
        f"""with held as ({HOLD})
        update actions a set called = true, called_at = clock_timestamp(), before = %(restore)s
        from held where action_id = %(action)s and {AS_SEEN} returning 1 as ok""",
        {**_under(command, action_id, untouched), "restore": Jsonb(restore)},
    )
    return found is not None


AS_SEEN = f"(%(untouched)s::text is null or {UNTOUCHED} = %(untouched)s)"


def _under(command: Command, action_id: str, untouched: str | None) -> dict[str, Any]:
    return {"id": command.command_id, "epoch": command.epoch, "action": action_id, "untouched": untouched}


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
