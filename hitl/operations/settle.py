"""A person ends what the machine cannot: an unknown outcome, a refusal, a conflict, an incomplete reversal."""

from typing import Any, Literal

from hitl.domain import events, people
from hitl.domain.cases import Case
from hitl.domain.commands import Next
from hitl.domain.events import Fact
from hitl.domain.people import Person
from hitl.errors import Conflict, Missing
from hitl.operations import outcomes, plan
from hitl.operations.retry import any_unknown, carry_on
from hitl.store import actions, cases, reviews
from hitl.store.postgres import DictRow, Tx

Outcome = Literal["happened", "did_not_happen", "retry", "overwrite", "leave"]
# How an action may be settled, by where it stands; a refused one only while it calls for a person.
WAYS: dict[str, frozenset[Outcome]] = {
    "unknown": frozenset({"happened", "did_not_happen", "retry"}),
    "refused": frozenset({"did_not_happen", "retry", "leave"}),
    "conflict": frozenset({"happened", "did_not_happen", "retry", "overwrite", "leave"}),
    "reversal_incomplete": frozenset({"happened", "did_not_happen", "retry", "overwrite", "leave"}),
}


def settle_action(tx: Tx, person: Person, action_id: str, outcome: Outcome, reason: str) -> dict[str, Any]:
    """Say what became of an action; the case carries on from there."""
    people.permit(person, "supervisor")
    tx.name = "settle_action"
    row = actions.get(tx, action_id)
    if row is None or row["tenant_id"] != person.tenant:
        raise Missing("There is no such action.")
    case = cases.lock(tx, row["case_id"])
    row = actions.get(tx, action_id) or row
    if row["direction"] == "reverse":  # a reversal is settled by what it undoes
        row = actions.get(tx, row["reverses"]) or row
    ways = WAYS.get(row["status"], frozenset())
    if not ways or (row["status"] == "refused" and not row["attention"]):
        raise Conflict(f"This action is {row['status']}; there is nothing to settle.")
    if outcome not in ways:
        raise Conflict(f"An action that is {row['status']} cannot be settled as {outcome}.")
    actions.settled_by(tx, row, person.id, outcome, reason)
    fact = Fact("action_settled", events.person(person.id), {"action_id": row["action_id"], "outcome": outcome})
    end = _forward if row["status"] in ("unknown", "refused") else _reversal
    case = end(tx, case, row, outcome, fact)
    return {"action_id": action_id, "case_id": case.case_id, "status": case.status, "version": case.version}


def _forward(tx: Tx, case: Case, row: DictRow, outcome: Outcome, fact: Fact) -> Case:
    action_id, unknown = row["action_id"], row["status"] == "unknown"
    then: Next | None = None
    # only a case that failed over this action has a run that will carry on behind it
    failed_here = case.status == "failed" and row["round"] == case.round
    if outcome == "retry":
        _may_be_tried_again(case, row, failed_here)
        actions.again(tx, action_id, new_key=not unknown)
        if not failed_here:
            then = Next("settle", action_id)
    elif outcome == "happened":
        actions.happened(tx, action_id)
        if reviews.rolled_back(tx, case.case_id, row["round"]):
            plan.undo_one(tx, case, action_id)
            then = Next("settle", action_id)
    else:
        error = "a person found that it did not happen" if unknown else row["error"]
        actions.ended(tx, action_id, "refused", error)
    case = outcomes.follow(tx, case, [fact], then=then)
    carries_on = failed_here and (unknown or outcome == "retry")
    if carries_on and not any_unknown(tx, case):
        return carry_on(tx, case, fact.actor)
    return case


def _may_be_tried_again(case: Case, row: DictRow, failed_here: bool) -> None:
    closed = case.status == "completed" and (row["round"] == case.round or row["status"] == "refused")
    if not (failed_here or closed):
        raise Conflict("The case has moved on, so nothing will try this again now: say whether it happened.")


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
        return outcomes.follow(tx, case, [fact], then=Next("settle", row["action_id"]))
    return outcomes.follow(tx, case, [fact])
