"""An appeal or a supervisor's order: what was done is reversed, then people are asked again."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from hitl.clock import new_id
from hitl.domain import events
from hitl.domain.cases import Case
from hitl.domain.commands import Next
from hitl.domain.deadlines import APPEAL_DAYS
from hitl.domain.events import Fact
from hitl.domain.people import Person
from hitl.domain.policies import OnAppeal
from hitl.errors import (
    AppealExpired,
    AppealUsed,
    Conflict,
    GuardianError,
    Missing,
    NothingApplied,
    Refused,
    RollbackInProgress,
)
from hitl.operations import plan
from hitl.operations.shown import Shown
from hitl.store import actions, cases, policies, reviews
from hitl.store.postgres import DictRow, Tx
from hitl.store.proof import MovedOn


def rollback(tx: Tx, person: Person, case_id: str, reason: str) -> dict[str, Any]:
    """Open the next round: by appeal of who started the case, or by a supervisor's order."""
    case, asked = _looked_at(tx, person, case_id, reason, locked=True)
    undone = plan.undo_standing(tx, case) if asked.on_appeal == "reverse" else 0
    return _open_round(tx, case, asked, undone, cases.record_together)


def rollback_alone(
    tx: Tx, person: Person, case_id: str, reason: str, seen: Shown | None = None
) -> dict[str, Any] | None:
    """The same by looks and a statement that is its own transaction; None, and nothing done, where it takes more.

    What was `seen` spares the looks, unless the rollback would be refused for it.
    """
    found = standing = None
    if seen:
        with suppress(GuardianError):
            found, standing = _allowed(tx, person, reason, *seen.for_rollback()), seen.standing()
    case, asked = found or _looked_at(tx, person, case_id, reason, locked=False)
    undone = plan.undo_untouched(tx, case, standing) if asked.on_appeal == "reverse" else 0
    if undone is None:
        return None
    try:
        return _open_round(tx, case, asked, undone, cases.record_alone)
    except MovedOn:
        return None


def _looked_at(tx: Tx, person: Person, case_id: str, reason: str, *, locked: bool) -> tuple[Case, "_Asked"]:
    """The case and what is asked for, after everything wrong with it was refused."""
    return _allowed(tx, person, reason, *reviews.for_rollback(tx, case_id, locked=locked))


def _allowed(tx: Tx, person: Person, reason: str, case: Case, basis: DictRow) -> tuple[Case, "_Asked"]:
    appeals = person.id in (case.started_by, case.author_id)
    if case.tenant_id != person.tenant or not (appeals or person.staff):
        raise Missing("There is no such case, or it is not yours to see.")
    if not appeals and not person.has("supervisor"):
        raise Refused("Who started the case may appeal, and a supervisor may order a rollback; you are neither.")
    _possible(case, basis)
    if appeals:
        _in_time_and_unused(basis)
    on_appeal: OnAppeal = _on_appeal(tx, case, basis) if appeals else "reverse"
    return case, _Asked(person, basis["decision_id"], reason, "appeal" if appeals else "order", on_appeal)


@dataclass(frozen=True, slots=True)
class _Asked:
    person: Person
    decision_id: str | None
    reason: str
    kind: Literal["appeal", "order"]
    on_appeal: OnAppeal


def _open_round(tx: Tx, case: Case, asked: _Asked, undone: int, record: Callable[..., Case]) -> dict[str, Any]:
    appeal_id = new_id()
    reviews.appeal(
        tx,
        {
            "appeal_id": appeal_id,
            "tenant_id": case.tenant_id,
            "case_id": case.case_id,
            "round": case.round + 1,
            "decision_id": asked.decision_id,
            "kind": asked.kind,
            "on_appeal": asked.on_appeal,
            "by_person": asked.person.id,
            "reason": asked.reason,
        },
    )
    actions.drop_planned(tx, case.case_id)
    data = {"appeal_id": appeal_id, "on_appeal": asked.on_appeal, "round": case.round + 1, "actions": undone}
    type_ = "appeal_filed" if asked.kind == "appeal" else "rollback_ordered"
    fact = Fact(type_, events.person(asked.person.id), data, after="rolling_back")
    then = Next("rollback", appeal_id)
    case = record(tx, case, [fact], then=then, round=case.round + 1, outcome=None, error=None)
    return {"case_id": case.case_id, "status": case.status, "version": case.version}


def _possible(case: Case, basis: DictRow) -> None:
    """Conflict when the case does not allow a rollback now."""
    if case.status == "rolling_back" or (case.status == "waiting_review" and basis["opened_by"]):
        raise RollbackInProgress()
    if case.status == "executing":
        raise Conflict("The decision is being carried out; ask again when that is done.")
    if case.status in ("completed", "failed") and basis["under_way"]:
        raise Conflict("An action of this case is being tried again; ask again when that is done.")
    if case.status not in ("completed", "failed") or not basis["standing"]:
        raise NothingApplied()


def _in_time_and_unused(basis: DictRow) -> None:
    """One author's appeal per decision, and what is decided on an appeal is final for the author."""
    if basis["opened_by"] == "appeal":
        raise AppealUsed("What was decided on an appeal is final; a supervisor may still order a rollback.")
    if basis["decision_id"] and basis["age_days"] > APPEAL_DAYS:
        raise AppealExpired(f"An appeal is possible for {APPEAL_DAYS} days after the decision.")


def _on_appeal(tx: Tx, case: Case, basis: DictRow) -> OnAppeal:
    """Hold when any policy that the decision stands on says so."""
    policy_set = policies.get(tx, case.tenant_id, case.policy, case.policy_version)
    named = basis["policies"] or basis["found"] or []
    found = (policy_set.get(name) for name in named)
    return "hold" if any(p and p.on_appeal == "hold" for p in found) else "reverse"
