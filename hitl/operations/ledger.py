"""The ledger's steps: an action is on its way, was applied, was refused, or is of unknown outcome.

Each is part of a transaction of the run that holds the case's lease, and returns the events that belong to it. The
calls themselves are made between these, outside any transaction (graphs/ledger.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hitl.domain import actions as catalog
from hitl.domain.commands import Command
from hitl.domain.events import Actor, Fact
from hitl.errors import Fenced, GuardianError
from hitl.operations.left import Left
from hitl.platforms.port import Effect, Receipt
from hitl.store import actions, calls, commands
from hitl.store.postgres import DictRow, Tx

LEDGER = Actor("machine", "ledger")
# So long after a call was begun, one that the platform has not heard of will not arrive any more: our own deadline for
# calls is 10 s, and by now its connection is closed.
STRAGGLER_SECONDS = 30.0


class TooEarly(GuardianError):
    """The platform does not know of the call, but it may still arrive there; `facts["seconds"]` says how long."""

    slug = "too-early"


class DigestMismatch(GuardianError):
    """What would be sent is not what was decided."""

    slug = "digest-mismatch"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a target showed before an action was on its way to it.

    `value` is what to write down: the before-image, or what a reversal restores. `untouched` tells whether it still
    holds (see store.actions.SEEN); None: it holds always. `at`: when that was (monotonic).
    """

    value: Any
    untouched: str | None
    at: float


def idle(command: Command, decision_id: str) -> bool:
    """Whether a decision wants nothing, and nothing is planned for it either, as the claim saw it."""
    seen = command.seen.answer
    if seen is None or seen["decision_id"] != decision_id or seen["acts"]:
        return False
    return bool(seen["digest"] == catalog.digest([]))


def work_seen(command: Command, decision_id: str) -> list[DictRow] | None:
    """The actions of a decision as its claim saw them; None where they have to be looked for."""
    answer, work = command.seen.answer, command.seen.work
    if command.kind != "resume" or work is None or answer is None or answer["decision_id"] != decision_id:
        return None
    return work if _as_decided(answer["digest"], work) else None


def forward_work(tx: Tx, decision_id: str) -> list[DictRow]:
    """The actions of a decision in order, after comparing them with what was decided."""
    digest, rows = calls.of_decision(tx, decision_id)
    if not _as_decided(digest, rows):
        raise DigestMismatch()
    return rows


def _as_decided(digest: str, rows: Sequence[DictRow]) -> bool:
    return catalog.digest([{"kind": r["kind"], "target": r["target"], "params": r["params"]} for r in rows]) == digest


def forward_again(tx: Tx, action_id: str) -> list[DictRow]:
    """The forward action that a person wants tried again, after the same comparison; none when that is over."""
    row = actions.get(tx, action_id)
    if row is None or row["direction"] != "forward" or row["status"] not in ("planned", "sending"):
        return []
    return [found for found in forward_work(tx, row["decision_id"]) if found["action_id"] == action_id]


def reversals_seen(command: Command) -> list[DictRow] | None:
    """The case's reversals as the claim saw them; None where they have to be looked for."""
    return command.seen.work if command.kind == "rollback" else None


def reverse_work(tx: Tx, case_id: str) -> list[DictRow]:
    """The case's reversals still to be done: newest first, corrections of what cannot be undone at the end."""
    return calls.reversals_due(tx, case_id)


def sent(row: DictRow) -> tuple[DictRow | None, list[Fact]]:
    """An action, as it was before it was put on its way; None when it had come to an end already.

    That is before its target is looked at. The row says how it stands with the call: `called` (it may have been made),
    `broke_off` (in a run that died over it) and `tried_before` (under the same key, by whatever run).
    """
    if row["status"] not in ("planned", "sending"):
        return None, []
    planned, called = row["status"] == "planned", row["called"]
    marks = {"broke_off": called and not planned, "tried_before": called or row["tries"] > 0}
    told = _fact(row, "action_sent" if row["direction"] == "forward" else "reversal_sent")
    return {**row, "status": "sending", **marks}, [told] if planned else []


def sent_as_seen(tx: Tx, command: Command, row: DictRow, seen: Seen) -> DictRow:
    """What `sent` and `calling_as_seen` do to a planned action, if case and lease are as they were; else MovedOn.

    The row's `case` is as that leaves it. TargetBusy while another action is on its way to the target.
    """
    sending, told = sent(row)
    assert sending is not None, "it is planned"
    case, called = calls.send_and_call(tx, command, row, told, before=seen.value, untouched=seen.untouched)
    back = called and row["direction"] == "reverse"
    return {**sending, "case": case, "called": called, "before": seen.value if back else row["before"]}


def calling(tx: Tx, command: Command, row: DictRow, before: Any) -> None:
    """The call is about to be made: keep the before-image. One statement; Fenced when the lease is lost."""
    if not calls.calling(tx, command, row, before):
        raise Fenced()


def calling_back(tx: Tx, command: Command, row: DictRow, restore: Any) -> DictRow:
    """A reversal's call is about to be made, with the value that it is to restore. One statement; Fenced likewise."""
    if not calls.calling_back(tx, command, row, restore):
        raise Fenced()
    return {**row, "before": restore}


def calling_as_seen(tx: Tx, command: Command, row: DictRow, seen: Seen) -> DictRow:
    """The call is about to be made, in the transaction that put it on its way, if what was seen is still so.

    It is while no action of ours has touched the aspect since: then the row says `called`.
    """
    if row["direction"] == "forward":
        called = calls.calling(tx, command, row, seen.value, seen.untouched)
        return {**row, "called": called}
    called = calls.calling_back(tx, command, row, seen.value, seen.untouched)
    return {**row, "called": called, "before": seen.value if called else row["before"]}


def calling_again(tx: Tx, command: Command, row: DictRow, *, unheard_of: bool) -> None:
    """The call is about to be made, by a run that still holds its lease; `unheard_of`: the platform knows of none yet.

    Then TooEarly while an earlier one may still arrive.
    """
    commands.hold(tx, command)
    since = calls.seconds_since_call(tx, row["action_id"])
    if unheard_of and since is not None and since < STRAGGLER_SECONDS:
        raise TooEarly(seconds=STRAGGLER_SECONDS - since)
    calls.calling_again(tx, row["action_id"])


def left(row: DictRow, receipt: Receipt | None) -> Left:
    """The effect is there; a reversal also ends the hold of what it undid. Left to the run to write."""
    forward = row["direction"] == "forward"
    gone = row["kind"] != "notify_author"  # a correction takes nothing back
    if forward:
        fact = _fact(row, "action_applied")
    elif gone:
        fact = _fact(row, "action_reversed", called=receipt is not None)
    else:
        fact = _fact(row, "correction_sent")
    reference, after = (receipt.reference, receipt.after) if receipt else (None, None)

    def write(tx: Tx) -> list[Fact]:
        if forward:
            new = actions.applied(tx, row["action_id"], reference=reference, after=after)
        else:
            new = actions.took_back(tx, row["action_id"], reference=reference, after=after, gone=gone)
        return [fact] if new else []

    def along(tx: Tx) -> list[Fact]:
        actions.applied_along(tx, row["action_id"], reference=reference, after=after)
        if not forward:
            actions.gone_along(tx, row["reverses"], gone=gone)
        return [fact]

    return Left(write, along, sent=row["action_id"], undone=row["reverses"])


def ended(tx: Tx, row: DictRow, status: str, error: str) -> list[Fact]:
    """An attempt ended otherwise: `refused`, `unknown`, `conflict` or `irreversible`; said of what it undoes too."""
    forward = row["direction"] == "forward"
    ends = "refused" if status == "irreversible" else status
    actions.ended(tx, row["action_id"], ends, error, attention=forward and ends == "refused")
    if forward:
        return [_fact(row, f"action_{status}")]
    undone = status if status in ("conflict", "irreversible") else "reversal_incomplete"
    actions.ended(tx, row["reverses"], undone, error)
    return [_fact(row, f"reversal_{status}")]


def effect(row: DictRow) -> Effect:
    """What a platform is told to do for an action that is on its way."""
    return Effect(
        action_id=row["action_id"],
        kind=row["kind"],
        target=row["target"],
        params=row["params"],
        direction=row["direction"],
        before=row["before"],
        reverses=row["reverses"],
    )


def release(tx: Tx, row: DictRow) -> DictRow:
    """For a reversal: `shared` (another decision holds the aspect too), `restore`, and `told` and `left` of it."""
    return calls.release(tx, row["action_id"])


def _fact(row: DictRow, type_: str, **more: Any) -> Fact:
    data = {"action_id": row["action_id"], "kind": row["kind"], "direction": row["direction"], "round": row["round"]}
    return Fact(type_, LEDGER, {**data, **more})
