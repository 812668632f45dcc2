"""What a case came to; it follows from what stands, also when that changes after the case was closed."""

from collections.abc import Mapping, Sequence
from typing import Any

from hitl.domain import actions as catalog
from hitl.domain.cases import Case, Outcome
from hitl.domain.commands import Next
from hitl.domain.events import Fact
from hitl.store import cases, reviews
from hitl.store.postgres import Tx


def of(end: Mapping[str, Any]) -> Outcome:
    """The outcome of a case whose graph has come to its end (see reviews.end)."""
    if end["decision"] is None:
        return "allowed"
    if end["decision"] == "respond":
        return "answered"
    return "actioned" if catalog.stands(end["actions"]) else "kept"


def follow(tx: Tx, case: Case, facts: Sequence[Fact], *, then: Next | None = None) -> Case:
    """Write what happened to a locked case; if that changed what stands, the outcome of a closed one follows."""
    if case.outcome not in ("actioned", "kept"):
        return cases.record(tx, case, facts, then=then)
    outcome = of(reviews.end(tx, case.case_id))
    if outcome == case.outcome:
        return cases.record(tx, case, facts, then=then)
    changed = Fact("outcome_changed", facts[-1].actor, {"outcome": outcome, "was": case.outcome})
    return cases.record(tx, case, [*facts, changed], then=then, outcome=outcome)
