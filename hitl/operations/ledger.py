"""The ledger's transactions: an action is on its way, was applied, was refused, or is of unknown outcome.

The calls themselves are made between these, outside any transaction (graphs/ledger.py).
"""

from typing import Any

from hitl.domain import actions as catalog
from hitl.domain.cases import Case
from hitl.domain.commands import Command
from hitl.domain.events import Actor, Fact
from hitl.errors import GuardianError
from hitl.platforms.port import Receipt
from hitl.store import actions, cases, commands, reviews
from hitl.store.postgres import DictRow, Tx

LEDGER = Actor("machine", "ledger")
# So long after a call was begun, one that the platform has not heard of will not arrive any more: our own deadline for
# calls is 10 s, and by now its connection is closed.
STRAGGLER_SECONDS = 30.0


class TargetBusy(GuardianError):
    """Another effect on the same target is on its way."""

    slug = "target-busy"


class TooEarly(GuardianError):
    """The platform does not know of the call, but it may still arrive there; `facts["seconds"]` says how long."""

    slug = "too-early"


class DigestMismatch(GuardianError):
    """What would be sent is not what was decided."""

    slug = "digest-mismatch"


def forward_work(tx: Tx, case_id: str, decision_id: str) -> list[DictRow]:
    """The actions of a decision in order, after comparing them with what was decided."""
    decision = reviews.decision(tx, decision_id)
    assert decision is not None, "a resume command names a decision"
    rows = [r for r in actions.of_round(tx, case_id, decision["round"], "forward") if r["decision_id"] == decision_id]
    planned = [{"kind": r["kind"], "target": r["target"], "params": r["params"]} for r in rows]
    if catalog.digest(planned) != decision["digest"]:
        raise DigestMismatch()
    return rows


def reverse_work(tx: Tx, case_id: str) -> list[DictRow]:
    """The case's reversals still to be done: newest first, corrections of what cannot be undone at the end."""
    return actions.reversals_due(tx, case_id)


def send(tx: Tx, command: Command, action_id: str) -> DictRow | None:
    """Put an action on its way, before its target is looked at; None when it has come to an end already.

    The row says how it stands with the call: `called` (it may have been made), `broke_off` (in a run that died over it)
    and `tried_before` (under the same key, by whatever run).
    """
    case = cases.lock(tx, command.case_id)
    commands.hold(tx, command)
    row = _row(tx, action_id)
    if row["status"] not in ("planned", "sending"):
        return None
    planned = row["status"] == "planned"
    if planned:
        if not actions.send(tx, action_id):
            raise TargetBusy()
        _record(tx, case, row, "action_sent" if row["direction"] == "forward" else "reversal_sent")
    called = row["called"]
    marks = {"broke_off": called and not planned, "tried_before": called or row["tries"] > 0}
    return {**row, "status": "sending", **marks}


def calling(tx: Tx, command: Command, row: DictRow, before: Any) -> None:
    """The call is about to be made: keep the before-image.

    While another of our actions holds the aspect, its before-image counts: what was there before all of them.
    """
    commands.hold(tx, command)
    holder = actions.holder(tx, row, unknown=True)
    actions.calling(tx, row["action_id"], holder["before"] if holder else before, inherited=holder is not None)


def calling_back(tx: Tx, command: Command, row: DictRow, *, correction: bool) -> DictRow:
    """A reversal's call is about to be made, with the value that it is to restore; a correction restores nothing."""
    commands.hold(tx, command)
    restore = None if correction else expected(tx, row)[1]
    actions.calling(tx, row["action_id"], restore, inherited=False)
    return {**row, "before": restore}


def calling_again(tx: Tx, command: Command, row: DictRow, *, unheard_of: bool) -> None:
    """The call is about to be made, by a run that still holds its lease; `unheard_of`: the platform knows of none yet.

    Then TooEarly while an earlier one may still arrive.
    """
    commands.hold(tx, command)
    since = actions.seconds_since_call(tx, row["action_id"])
    if unheard_of and since is not None and since < STRAGGLER_SECONDS:
        raise TooEarly(seconds=STRAGGLER_SECONDS - since)
    actions.calling_again(tx, row["action_id"])


def applied(tx: Tx, command: Command, action_id: str, receipt: Receipt | None) -> None:
    """The effect is there; a reversal also ends the hold of what it undid."""
    case = cases.lock(tx, command.case_id)
    commands.hold(tx, command)
    row = _row(tx, action_id)
    if row["status"] != "sending":
        return
    actions.applied(
        tx, action_id, reference=receipt.reference if receipt else None, after=receipt.after if receipt else None
    )
    if row["direction"] == "forward":
        _record(tx, case, row, "action_applied")
        return
    if row["kind"] == "notify_author":
        actions.ended(tx, row["reverses"], "irreversible", None)
        _record(tx, case, row, "correction_sent")
    else:
        actions.reversed_(tx, row["reverses"])
        _record(tx, case, row, "action_reversed", called=receipt is not None)


def ended(tx: Tx, command: Command, action_id: str, status: str, error: str) -> None:
    """An attempt ended otherwise: `refused`, `unknown`, `conflict` or `irreversible`; said of what it undoes too."""
    case = cases.lock(tx, command.case_id)
    commands.hold(tx, command)
    row = _row(tx, action_id)
    if row["status"] != "sending":
        return
    own = "refused" if status == "irreversible" else status
    actions.ended(tx, action_id, own, error)
    if row["direction"] == "reverse":
        undone = status if status in ("conflict", "irreversible") else "reversal_incomplete"
        actions.ended(tx, row["reverses"], undone, error)
    _record(tx, case, row, f"{'action' if row['direction'] == 'forward' else 'reversal'}_{status}")


def shared(tx: Tx, row: DictRow) -> bool:
    """Whether another decision still holds what a reversal is about to release."""
    undone = _row(tx, row["reverses"])
    return actions.holder(tx, undone) is not None


def expected(tx: Tx, row: DictRow) -> tuple[DictRow | None, Any]:
    """For a reversal: what should be found there now (`after`; None: nobody can say), and the value to restore."""
    undone = _row(tx, row["reverses"])
    return actions.last_told(tx, undone), undone["before"]


def _row(tx: Tx, action_id: str) -> DictRow:
    row = actions.get(tx, action_id)
    assert row is not None, "actions are never deleted"
    return row


def _record(tx: Tx, case: Case, row: DictRow, type_: str, **more: Any) -> None:
    data = {"action_id": row["action_id"], "kind": row["kind"], "direction": row["direction"], "round": row["round"]}
    attention = actions.unsettled(tx, case.case_id) > 0
    cases.record(tx, case, [Fact(type_, LEDGER, {**data, **more})], needs_attention=attention)
