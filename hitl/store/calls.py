"""Rows of `actions` around a call to the platform: due, on its way, about to be made, about to be made again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from hitl.domain.cases import Case
from hitl.domain.commands import Command
from hitl.domain.events import Fact
from hitl.errors import TargetBusy
from hitl.store import cases
from hitl.store.actions import FORWARD, RELEASE, RELEASING, SEEN, STANDING, UNTOUCHED
from hitl.store.commands import ENTER, HOLD, PROVEN, entered, entering, of_run, proof
from hitl.store.lines import packet
from hitl.store.postgres import DictRow, Jsonb, Tx
from hitl.store.proof import proving

# What there is to do: the actions of a decision in order; a case's reversals, newest first, corrections of what cannot
# be undone at the end, each with what it is about to release. All with `untouched` (see SEEN).
FORWARD_WORK = f"""select a.*, {SEEN} from actions a where a.case_id = {{case_id}} and a.round = {{round}}
        and {FORWARD.format("a.")} and a.decision_id = {{decision_id}}"""
REVERSE_WORK = f"""select a.*, {RELEASE}, {SEEN} from {RELEASING}
        where a.case_id = {{case_id}} and a.direction = 'reverse' and a.status in ('planned', 'sending')"""
OF_DECISION = FORWARD_WORK.format(case_id="d.case_id", round="d.round", decision_id="d.decision_id")
FORWARD_ORDER = "work.ordinal"
REVERSE_ORDER = "(work.kind = 'notify_author'), work.round desc, work.ordinal desc"


def of_decision(tx: Tx, decision_id: str) -> tuple[str, list[DictRow]]:
    """The digest of what was decided, and the decision's actions, each with its `case` as it is at this moment."""
    rows = tx.all(
        f"""select d.digest as decided, {cases.MINE}, work.* from decisions d join cases mine using (case_id)
            left join lateral ({OF_DECISION}) work on true where d.decision_id = %s order by {FORWARD_ORDER}""",
        (decision_id,),
    )
    assert rows, "decisions are never deleted"
    return rows[0]["decided"], _of_a_case([row for row in rows if row["action_id"]])


def reversals_due(tx: Tx, case_id: str) -> list[DictRow]:
    """The case's reversals still to be done, with its `case` likewise."""
    return _of_a_case(
        tx.all(
            f"""select {cases.MINE}, work.* from cases mine cross join lateral (
            {REVERSE_WORK.format(case_id="mine.case_id")}) work where mine.case_id = %s order by {REVERSE_ORDER}""",
            (case_id,),
        )
    )


def _of_a_case(rows: list[DictRow]) -> list[DictRow]:
    return [{"case": cases.taken_from(row, "mine_"), **row} for row in rows]


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


def send_and_call(
    tx: Tx, command: Command, row: DictRow, told: Sequence[Fact], *, before: Any, untouched: str | None
) -> tuple[Case, bool]:
    """What `enter_and_send` and `calling` do in turn, in one packet, of a `row` of work that was read without a lock.

    MovedOn, and nothing is written, when the case has a newer version, the lease is lost, or another has claimed what
    is `late`; TargetBusy as in `send`.
    The case as it is then, and False as in `calling`: then it is on its way all the same.
    """
    case, forward = row["case"], row["direction"] == "forward"
    with _one_at_a_time(tx):
        tx.along(SENT_AS_SEEN, (row["action_id"],))
        moved = cases.record_along(tx, case, told)
        with proving(tx), packet(tx.conn):
            tx.execute(f"with {entering(command)} {PROVEN}", proof(command, case))
            called = tx.execute(CALLED if forward else CALLED_BACK, _call(row, before, untouched))
    return moved, called.fetchone() is not None


SENT_AS_SEEN = """update actions set status = 'sending', sent_at = coalesce(sent_at, now())
    where action_id = %s and status = 'planned' and not called"""
# What is written down when the call to the platform is about to be made.
CALL = "update actions a set called = true, called_at = clock_timestamp(), before ="
# While another of our actions holds the aspect, its before-image counts: what was there before all of them. So does
# that of one of which nobody knows yet whether it holds on: it is true either way.
BEFORE = f"""coalesce((select coalesce(before, 'null') from actions
    where tenant_id = %(tenant)s and target = %(target)s and aspect = %(aspect)s and direction = 'forward'
        and (status in {STANDING} or status = 'unknown') and action_id <> %(action)s
    order by sent_at limit 1), %(before)s)"""
AS_SEEN = f"action_id = %(action)s and (%(untouched)s::text is null or {UNTOUCHED} = %(untouched)s) returning 1 as ok"
CALLED = f"{CALL} {BEFORE} where status = 'sending' and {AS_SEEN}"
CALLED_BACK = f"{CALL} %(before)s where status = 'sending' and {AS_SEEN}"


def calling(tx: Tx, command: Command, row: DictRow, before: Any, untouched: str | None = None) -> bool:
    """Write the before-image down, under the run's lease: from here on the call may have happened. False: it may not.

    Namely when the lease is lost, or when something of ours has touched the aspect since that was `untouched`.
    """
    return _calling(tx, command, BEFORE, _call(row, before, untouched))


def calling_back(tx: Tx, command: Command, row: DictRow, restore: Any, untouched: str | None = None) -> bool:
    """The same for a reversal, with the value that it is to restore."""
    return _calling(tx, command, "%(before)s", _call(row, restore, untouched))


def _calling(tx: Tx, command: Command, before: str, call: dict[str, Any]) -> bool:
    under = {"id": command.command_id, "epoch": command.epoch}
    return tx.one(f"with held as ({HOLD}) {CALL} {before} from held where {AS_SEEN}", under | call) is not None


def _call(row: DictRow, before: Any, untouched: str | None) -> dict[str, Any]:
    about = {"action": row["action_id"], "tenant": row["tenant_id"], "target": row["target"], "aspect": row["aspect"]}
    return {**about, "before": Jsonb(before), "untouched": untouched}


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
