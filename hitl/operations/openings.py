"""A graph has paused: the review that it waits for is opened, once per interrupt."""

from collections.abc import Mapping, Sequence
from typing import Any

from hitl.clock import new_id
from hitl.domain import actions as catalog
from hitl.domain import reviews as rules
from hitl.domain.cases import Case, level_of
from hitl.domain.events import WORKER, Actor, Fact
from hitl.domain.people import Person, eligible
from hitl.store import cases, policies, reviews
from hitl.store.postgres import DictRow, Tx


def open_reviews(
    tx: Tx,
    case: Case,
    paused: Mapping[str, Any],
    people: Sequence[Person],
    told: Sequence[Fact] = (),
    *,
    by: str | None = None,
) -> None:
    """Open what is missing for the interrupts that a case's graph is paused at; `told` came before that."""
    basis = reviews.basis(tx, case.case_id, case.round)
    facts = [*analyzed(case, basis["analysis"], by), *told]
    for interrupt_id, value in paused.items():
        if interrupt_id not in basis["opened"]:
            free = bool(eligible(people, level_of(case.round), case.tenant_id, set(basis["involved"])))
            facts += _open(tx, case, {"interrupt_id": interrupt_id, "form": _form(value)}, basis, free=free)
    if facts or case.status != "waiting_review":
        facts = facts or [Fact("review_awaited", WORKER, {})]
        facts[-1] = Fact(facts[-1].type, facts[-1].actor, facts[-1].data, after="waiting_review")
        cases.record_together(tx, case, facts)


def started(worker: str | None) -> Fact:
    """The event of an analysis' beginning."""
    return Fact("analysis_started", WORKER, {"worker": worker}, after="analyzing")


def analyzed(case: Case, analysis: Mapping[str, Any] | None, worker: str | None) -> list[Fact]:
    """The event of the first analysis, once, when its outcome becomes visible; with its beginning if that was quick."""
    if analysis is None or case.status not in ("received", "analyzing"):
        return []
    found = [{k: c[k] for k in ("policy", "severity", "confidence")} for c in analysis["categories"]]
    data = {
        "suspect": analysis["suspect"],
        "unavailable": analysis["unavailable"],
        "sampled": analysis["sampled"],
        "categories": found,
        "analyzer": analysis["analyzer"],
        "latency_ms": analysis["latency_ms"],
    }
    begun = [started(worker)] if case.status == "received" else []
    return [*begun, Fact("analyzed", Actor("machine", "analyzer"), data)]


def _form(value: Any) -> Any:
    return value.get("form") if isinstance(value, dict) else None


def _open(tx: Tx, case: Case, asked: dict[str, Any], basis: DictRow, *, free: bool) -> list[Fact]:
    level, analysis = level_of(case.round), basis["analysis"]
    standing = basis["on_appeal"] == "hold" and basis["standing"]
    proposed: list[dict[str, Any]] = list(analysis["proposals"]) if analysis and not standing else []
    policy_set = policies.get(tx, case.tenant_id, case.policy, case.policy_version)
    named = [c["policy"] for c in analysis["categories"]] if analysis else []
    review_id = new_id()
    reviews.open_(
        tx,
        {
            **asked,
            "review_id": review_id,
            "tenant_id": case.tenant_id,
            "case_id": case.case_id,
            "round": case.round,
            "level": level,
            "status": "open" if free else "blocked",
            "choices": rules.choices(proposed, standing=standing),
            "proposed_actions": proposed,
            "allowed_actions": sorted(rules.allowed_kinds(policy_set, named)),
            "digest": catalog.digest(proposed),
            "hours": policy_set.review_hours,
        },
    )
    data = {"review_id": review_id, "round": case.round, "level": level}
    opened = [Fact("review_opened", WORKER, data)]
    return opened if free else [*opened, Fact("review_blocked", WORKER, data)]
