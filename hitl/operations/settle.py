"""A person ends what the machine cannot: an unknown outcome, a conflict, an incomplete reversal."""

from typing import Any, Literal

from hitl.domain import events, people
from hitl.domain.cases import Case
from hitl.domain.events import Fact
from hitl.domain.people import Person
from hitl.errors import Conflict, Missing
from hitl.operations.retry import carry_on
from hitl.store import actions, cases, commands
from hitl.store.postgres import DictRow, Tx

Outcome = Literal["happened", "did_not_happen", "retry", "overwrite", "leave"]
FORWARD: frozenset[str] = frozenset({"happened", "did_not_happen", "retry"})
REVERSAL: frozenset[str] = frozenset({"happened", "did_not_happen", "retry", "overwrite", "leave"})


def settle_action(tx: Tx, person: Person, action_id: str, outcome: Outcome, reason: str) -> dict[str, Any]:
    """Say what became of an action; the case carries on from there."""
    people.permit(person, "supervisor")
    row = actions.get(tx, action_id)
    if row is None or row["tenant_id"] != person.tenant:
        raise Missing("There is no such action.")
    case = cases.lock(tx, row["case_id"])
    row = actions.get(tx, action_id) or row
    if row["direction"] == "reverse":  # a reversal is settled by what it undoes
        row = actions.get(tx, row["reverses"]) or row
    if row["status"] not in ("unknown", "conflict", "reversal_incomplete"):
        raise Conflict(f"This action is {row['status']}; there is nothing to settle.")
    forward = row["status"] == "unknown"
    if outcome not in (FORWARD if forward else REVERSAL):
        raise Conflict(f"An action that is {row['status']} cannot be settled as {outcome}.")
    actions.settled_by(tx, row, person.id, outcome, reason)
    fact = Fact("action_settled", events.person(person.id), {"action_id": row["action_id"], "outcome": outcome})
    end = _forward if forward else _reversal
    case = end(tx, case, row, outcome, fact)
    return {"action_id": action_id, "case_id": case.case_id, "status": case.status, "version": case.version}


def _forward(tx: Tx, case: Case, row: DictRow, outcome: Outcome, fact: Fact) -> Case:
    # only a case that failed over this action has a run that will try it again
    failed_here = case.status == "failed" and row["round"] == case.round
    if outcome == "retry" and not failed_here:
        raise Conflict("The case has moved on, so nothing will try this again: say whether it happened.")
    if outcome == "happened":
        actions.happened(tx, row["action_id"])
    elif outcome == "did_not_happen":
        actions.ended(tx, row["action_id"], "refused", "a person found that it did not happen")
    else:
        actions.again(tx, row["action_id"], new_key=False)
    case = cases.record(tx, case, [fact])
    return carry_on(tx, case, fact.actor) if failed_here else case


def _reversal(tx: Tx, case: Case, row: DictRow, outcome: Outcome, fact: Fact) -> Case:
    reversal = actions.reversal_of(tx, row["action_id"])
    assert reversal is not None, "only a reversal makes a conflict or leaves something incomplete"
    if reversal["status"] in ("planned", "sending"):
        raise Conflict("This reversal is being tried again; wait for its outcome.")
    if outcome == "leave" and row["status"] == "reversal_incomplete":  # the effect stands, and nothing may hide that
        actions.ended(tx, reversal["action_id"], "refused", "a person left the effect as it is")
        actions.ended(tx, row["action_id"], "irreversible", "a person left the effect as it is")
    elif outcome in ("happened", "leave"):
        actions.applied(tx, reversal["action_id"], reference=None, after=None)
        if row["kind"] == "notify_author":  # a correction takes nothing back
            actions.ended(tx, row["action_id"], "irreversible", None)
        else:
            actions.reversed_(tx, row["action_id"])
    elif outcome == "did_not_happen":
        actions.ended(tx, reversal["action_id"], "refused", "a person found that it did not happen")
        actions.ended(tx, row["action_id"], "applied", None)
    else:
        actions.again(tx, reversal["action_id"], new_key=reversal["status"] == "refused")
        actions.forced(tx, reversal["action_id"], overwrite=outcome == "overwrite")
        actions.ended(tx, row["action_id"], "applied", None)
        commands.follow(tx, case, "settle", row["action_id"])
    return cases.record(tx, case, [fact])
