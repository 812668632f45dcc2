"""What an analyzer found, and the verdict that a policy set's thresholds make of it."""

from dataclasses import dataclass, field
from typing import Any

from hitl.domain.policies import PolicySet
from hitl.domain.texts import keepable, kept

MAX_SEVERITY = 4
MAX_RATIONALE = 4000
MAX_NAME = 200
BIGGEST = 2**63 - 1


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
    """Measure an analysis against the thresholds; categories are those over theirs, strongest first.

    ValueError for findings that mean nothing: a verdict is never made of them. What is only told beside the findings
    is made to fit.
    """
    if not all(_means_something(found) for found in analysis.findings):
        raise ValueError("The analyzer's findings mean nothing.")
    over = [f for f in analysis.findings if f.confidence >= policies.review_at(f.policy)]
    over.sort(key=lambda f: (-f.severity, -f.confidence, f.policy))
    return Verdict(
        suspect=bool(over) or analysis.to_people is not None,
        categories=tuple(over),
        rationale=kept(analysis.rationale, MAX_RATIONALE),
        analyzer=kept(analysis.analyzer, MAX_NAME),
        to_people=kept(analysis.to_people, MAX_NAME) if analysis.to_people is not None else None,
        usage=_counted(analysis.usage),
    )


def _means_something(found: Any) -> bool:
    """Whether it stays within what a finding may say; an analyzer is somebody else's code, or a model's word."""
    return (
        keepable(found.policy)
        and isinstance(found.severity, int)
        and 0 <= found.severity <= MAX_SEVERITY
        and 0 <= found.confidence <= 1  # false for NaN
        and all(0 <= span.start <= span.end <= BIGGEST for span in found.evidence)
    )


def _counted(usage: Any) -> dict[str, int]:
    said = usage if isinstance(usage, dict) else {}
    return {name: n for name, n in said.items() if keepable(name) and isinstance(n, int) and abs(n) <= BIGGEST}


def unavailable(analyzer: str, reason: str) -> Verdict:
    """The verdict when no analyzer could answer: people decide."""
    return Verdict(
        suspect=True,
        categories=(),
        rationale=kept(reason, MAX_RATIONALE),
        analyzer=kept(analyzer, MAX_NAME),
        unavailable=True,
        to_people="unavailable",
    )
