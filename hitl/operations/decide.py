"""A moderator decides: here, in this transaction, once; the worker only carries it out."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hitl.clock import new_id
from hitl.domain import actions as catalog
from hitl.domain import events, people
from hitl.domain import reviews as rules
from hitl.domain.cases import Case
from hitl.domain.commands import Next
from hitl.domain.events import Fact
from hitl.domain.people import Person
from hitl.errors import GuardianError, Invalid, Missing, StaleReview
from hitl.operations import plan
from hitl.operations.shown import Shown
from hitl.store import cases, policies, reviews
from hitl.store.postgres import DictRow, Tx
from hitl.store.proof import MovedOn


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """What came in at POST /resume."""

    case_id: str
    review_id: str
    decision: rules.Choice
    actions: list[dict[str, Any]] | None = None
    response: str | None = None
    reason: str | None = None
    policies: list[str] | None = None
    private_note: str | None = None


def decide(tx: Tx, person: Person, request: DecideRequest) -> dict[str, Any]:
    """Count a person's vote; when it settles the review, write the decision, its intents and the command."""
    case, review, settled = _looked_at(tx, person, request, locked=True)
    if review["quorum"] > 1 and rules.tally(reviews.vote(tx, _vote(case, review, settled)), review["quorum"]) is None:
        vote = Fact("vote_cast", events.person(person.id), {"review_id": review["review_id"]})
        return _answer(cases.record(tx, case, [vote]), review, None)
    return _settle(tx, case, review, settled, cases.record_together)


def decide_alone(tx: Tx, person: Person, request: DecideRequest, seen: Shown | None = None) -> dict[str, Any] | None:
    """The same by a look and a statement that is a transaction of its own; None, and nothing done, where it takes more.

    That is also where somebody else was faster: then the case is looked at anew, and locked. What was `seen` spares the
    look, unless the decision would be refused for it.
    """
    found = None
    if seen:
        with suppress(GuardianError):
            found = _allowed(tx, person, request, *seen.for_decision(request.review_id))
    case, review, settled = found or _looked_at(tx, person, request, locked=False)
    if review["quorum"] > 1 or review["standing"]:
        return None
    try:
        return _settle(tx, case, review, settled, cases.record_alone)
    except MovedOn:
        return None


def _looked_at(tx: Tx, person: Person, request: DecideRequest, *, locked: bool) -> "_Allowed":
    """The case, the review and what was decided, after everything wrong with it was refused."""
    people.permit(person, "moderator")
    return _allowed(tx, person, request, *reviews.for_decision(tx, request.case_id, request.review_id, locked=locked))


def _allowed(tx: Tx, person: Person, request: DecideRequest, case: Case, review: DictRow) -> "_Allowed":
    people.permit(person, "moderator")
    if case.tenant_id != person.tenant:
        raise Missing("There is no such case, or it is not yours to see.")
    _still_open(case, review)
    people.keep_apart(person, set(review["involved"]))
    people.permit(person, people.role_for(review["level"]))
    named, actions = _checked(tx, case, review, request)
    return case, review, _Settled(request, person, named, actions)


def _still_open(case: Case, review: DictRow) -> None:
    if review["review_id"] is None:
        raise Missing("This case has no such review.")
    if review["status"] not in ("open", "blocked") or case.status != "waiting_review":
        raise StaleReview(
            _ended(review), review_status=review["status"], decided_by=review["decided_by"], decided_at=_at(review)
        )


def _at(review: DictRow) -> str | None:
    return review["decided_at"].isoformat() if review["decided_at"] else None


def _ended(review: DictRow) -> str:
    if review["decided_by"]:
        return f"This review was decided by {review['decided_by']} at {_at(review)}."
    return f"This review is {review['status']}; it can no longer be decided."


def _checked(tx: Tx, case: Case, review: DictRow, request: DecideRequest) -> tuple[list[str], list[dict[str, Any]]]:
    """The policies and the actions that the decision stands on, after everything wrong with them was refused."""
    rules.offered(request.decision, review["choices"])
    if request.decision in rules.REASON_NEEDED and not (request.reason or "").strip():
        raise Invalid("Say why: the reason is shown to the author.", field="reason")
    if request.decision == "respond" and not (request.response or "").strip():
        raise Invalid("A response needs a text for the agent.", field="response")
    if request.actions is not None and request.decision != "edit":
        raise Invalid("Only the decision edit carries actions of its own.", field="actions")
    named = review["found"] or [] if request.policies is None else request.policies
    policy_set = policies.get(tx, case.tenant_id, case.policy, case.policy_version)
    rules.allowed([], policy_set, named)
    if request.decision == "approve":
        return named, list(review["proposed_actions"])
    if request.decision != "edit":
        return named, []
    if not request.actions:
        raise Invalid("An edit names at least one action; to carry out none, keep the post.", field="actions")
    actions = [catalog.checked(a, content_id=case.content_id, author_id=case.author_id) for a in request.actions]
    rules.allowed(actions, policy_set, named)
    return named, rules.irreversible_last(actions)


@dataclass(frozen=True, slots=True)
class _Settled:
    request: DecideRequest
    person: Person
    policies: list[str]
    actions: list[dict[str, Any]]


_Allowed = tuple[Case, DictRow, _Settled]


def _settle(tx: Tx, case: Case, review: DictRow, settled: _Settled, record: Callable[..., Case]) -> dict[str, Any]:
    decision_id = new_id()
    reviews.decide(tx, _decision(case, review, settled, decision_id), _vote(case, review, settled))
    if review["standing"] and settled.request.decision in ("reject", "edit"):
        plan.undo_applied(tx, case)  # what a held appeal left in force goes before anything new is done
    plan.forward(tx, case, decision_id, settled.actions)
    data = {
        "review_id": review["review_id"],
        "decision_id": decision_id,
        "decision": settled.request.decision,
        "round": case.round,
        "actions": [a["kind"] for a in settled.actions],
    }
    fact = Fact("review_decided", events.person(settled.person.id), data, after="executing")
    return _answer(record(tx, case, [fact], then=Next("resume", decision_id)), review, decision_id)


def _vote(case: Case, review: DictRow, settled: _Settled) -> dict[str, Any]:
    actions = settled.actions
    return {
        "review_id": review["review_id"],
        "tenant_id": case.tenant_id,
        "person": settled.person.id,
        "choice": settled.request.decision,
        "body": {"actions": actions, "policies": settled.policies, "digest": catalog.digest(actions)},
    }


def _decision(case: Case, review: DictRow, settled: _Settled, decision_id: str) -> dict[str, Any]:
    request = settled.request
    return {
        "decision_id": decision_id,
        "tenant_id": case.tenant_id,
        "case_id": case.case_id,
        "review_id": review["review_id"],
        "round": case.round,
        "decision": request.decision,
        "decided_by": settled.person.id,
        "reason": request.reason,
        "private_note": request.private_note,
        "response": request.response,
        "policies": settled.policies,
        "actions": settled.actions,
        "digest": catalog.digest(settled.actions),
    }


def _answer(case: Case, review: DictRow, decision_id: str | None) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "review_id": review["review_id"],
        "decision_id": decision_id,
        "status": case.status,
        "version": case.version,
    }
