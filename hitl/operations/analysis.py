"""The analysis of a case: read what to judge, store what was found. The first verdict wins."""

import random
from dataclasses import asdict, dataclass
from typing import Any

from hitl.domain import reviews as rules
from hitl.domain.cases import Case
from hitl.domain.events import Fact
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Post, Verdict
from hitl.operations.left import Left
from hitl.store import analyses, policies
from hitl.store.postgres import Tx


@dataclass(frozen=True, slots=True)
class Subject:
    """What to judge, and by which rules; `kept` says what a verdict that is there already came to."""

    case: Case
    post: Post
    policies: PolicySet
    kept: bool | None


def subject(tx: Tx, case_id: str, seen: dict[str, Any] | None = None) -> Subject:
    """What is to be judged; `seen` is what a claim saw of it, if nobody has written a verdict since."""
    row = seen or analyses.subject(tx, case_id)
    case: Case = row["case"]
    policy_set = policies.get(tx, case.tenant_id, case.policy, case.policy_version)
    return Subject(case, Post(row["body"], row["context"]), policy_set, row["kept"])


def sampled(verdict: Verdict, policy_set: PolicySet) -> bool:
    """Whether a clean post is shown to people all the same."""
    return not verdict.suspect and random.random() < policy_set.sample_rate  # noqa: S311


def left(of: Subject, verdict: Verdict, *, sampled: bool, latency_ms: int) -> Left:
    """A verdict, left to the run that found it to write."""
    values = _row(of, verdict) | {"sampled": sampled, "latency_ms": latency_ms}

    def along(tx: Tx) -> list[Fact]:
        analyses.keep(tx, values)
        return []

    def write(tx: Tx) -> list[Fact]:
        analyses.keep(tx, values)
        tx.flush()
        return []

    return Left(write, along, analysis={name: values[name] for name in analyses.TOLD}, case=of.case)


def _row(of: Subject, verdict: Verdict) -> dict[str, Any]:
    broken = [p for finding in verdict.categories if (p := of.policies.get(finding.policy))]
    proposed = [a for p in broken for a in p.proposes] or list(rules.WITHOUT_A_POLICY)
    return {
        "case_id": of.case.case_id,
        "tenant_id": of.case.tenant_id,
        "round": of.case.round,
        "suspect": verdict.suspect,
        "unavailable": verdict.unavailable,
        "sensitive": any(p.sensitive for p in broken),
        "urgency": max((p.urgency for p in broken), default=0),
        "categories": [asdict(f) for f in verdict.categories],
        "rationale": verdict.rationale,
        "to_people": verdict.to_people,
        "analyzer": verdict.analyzer,
        "usage": verdict.usage,
        "proposals": rules.targets(proposed, content_id=of.case.content_id, author_id=of.case.author_id),
    }
