"""What an analyzer found, and the verdict that a policy set's thresholds make of it."""

from dataclasses import dataclass, field
from typing import Any

from hitl.domain.policies import PolicySet


@dataclass(frozen=True, slots=True)
class Post:
    """A text to judge: at most 20,000 characters of content, and what its sender says about it."""

    content: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """Evidence: content[start:end], in Python characters (code points)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """How strongly one policy applies: severity 0 (none) to 4 (critical), confidence 0 to 1."""

    policy: str
    severity: int
    confidence: float
    evidence: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analyzer says; `to_people` names a reason to ask people whatever the scores are."""

    findings: tuple[Finding, ...]
    rationale: str
    analyzer: str
    to_people: str | None = None
    usage: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """An analysis measured against a policy set; `unavailable` when no analyzer could answer."""

    suspect: bool
    categories: tuple[Finding, ...]
    rationale: str
    analyzer: str
    unavailable: bool = False
    to_people: str | None = None
    usage: dict[str, int] = field(default_factory=dict)


def judge(analysis: Analysis, policies: PolicySet) -> Verdict:
    """Measure an analysis against the thresholds; categories are those over theirs, strongest first."""
    over = [f for f in analysis.findings if f.confidence >= policies.review_at(f.policy)]
    over.sort(key=lambda f: (-f.severity, -f.confidence, f.policy))
    return Verdict(
        suspect=bool(over) or analysis.to_people is not None,
        categories=tuple(over),
        rationale=analysis.rationale,
        analyzer=analysis.analyzer,
        to_people=analysis.to_people,
        usage=analysis.usage,
    )


def unavailable(analyzer: str, reason: str) -> Verdict:
    """The verdict when no analyzer could answer: people decide."""
    return Verdict(
        suspect=True, categories=(), rationale=reason, analyzer=analyzer, unavailable=True, to_people="unavailable"
    )
