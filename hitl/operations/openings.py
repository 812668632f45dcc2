"""A graph has paused: the review that it waits for is opened, once per interrupt."""

from collections.abc import Mapping, Sequence
from typing import Any

from hitl.clock import new_id
from hitl.domain import actions as catalog
from hitl.domain import reviews as rules
from hitl.domain.cases import Case, level_of
from hitl.domain.events import WORKER, Actor, Fact
from hitl.domain.people import Person, eligible
from hitl.store import policies, reviews
from hitl.store.postgres import DictRow, Tx


def missing(
    tx: Tx, case: Case, paused: Mapping[str, Any], people: Sequence[Person], basis: DictRow
) -> list[dict[str, Any]]:
    """The reviews that a case's graph waits for (by the interrupts it is paused at) and that are not there yet."""
    asked = [{"interrupt_id": id_, "form": _form(v)} for id_, v in paused.items() if id_ not in basis["opened"]]
    free = bool(eligible(people, level_of(case.round), case.tenant_id, set(basis["involved"])))
    return [_review(tx, case, one, basis, free=free) for one in asked]


def open_(tx: Tx, case: Case, missing: Sequence[dict[str, Any]], told: Sequence[Fact]) -> list[Fact]:
    """Have what is missing opened with the next statement; the events of that, and of what was `told` before it."""
    facts = [*told]
    for review in missing:
        reviews.open_(tx, review)
        facts += _opened(review)
    if facts or case.status != "waiting_review":
        facts = facts or [Fact("review_awaited", WORKER, {})]
        facts[-1] = Fact(facts[-1].type, facts[-1].actor, facts[-1].data, after="waiting_review")
    return facts


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


def _review(tx: Tx, case: Case, asked: dict[str, Any], basis: DictRow, *, free: bool) -> dict[str, Any]:
    analysis = basis["analysis"]
    standing = basis["on_appeal"] == "hold" and catalog.can_be_undone(basis["actions"])
    proposed: list[dict[str, Any]] = list(analysis["proposals"]) if analysis and not standing else []
    policy_set = policies.get(tx, case.tenant_id, case.policy, case.policy_version)
    named = [c["policy"] for c in analysis["categories"]] if analysis else []
    return {
        **asked,
        "review_id": new_id(),
        "tenant_id": case.tenant_id,
        "case_id": case.case_id,
        "round": case.round,
        "level": level_of(case.round),
        "status": "open" if free else "blocked",
        "choices": rules.choices(proposed, standing=standing),
        "proposed_actions": proposed,
        "allowed_actions": sorted(rules.allowed_kinds(policy_set, named)),
        "digest": catalog.digest(proposed),
        "hours": policy_set.review_hours,
    }


def _opened(review: dict[str, Any]) -> list[Fact]:
    data = {name: review[name] for name in ("review_id", "round", "level")}
    opened = [Fact("review_opened", WORKER, data)]
    return opened if review["status"] == "open" else [*opened, Fact("review_blocked", WORKER, data)]
