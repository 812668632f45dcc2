"""The analyzer that needs nothing: no network, no key, numpy alone. Triage for English, not a last word."""

from hitl.analyzers.local.findings import Findings, gather
from hitl.analyzers.local.kit import load
from hitl.analyzers.local.rationale import explain
from hitl.analyzers.local.reader import read
from hitl.analyzers.port import AnalyzerUnavailable
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Analysis, Post

NAME = "local@1"
PROBES = (("thanks for the soup, see you tomorrow at the library", False), ("you are a worthless idiot, shut up", True))


class LocalAnalyzer:
    """Hashed n-grams, word lists and rules, read from weights in the package."""

    def __init__(self) -> None:
        self._kit = load()

    quick = True

    @property
    def name(self) -> str:
        """Name and version."""
        return NAME

    def analyze(self, post: Post, policies: PolicySet) -> Analysis:
        """Findings for every policy that has any ground, strongest first; milliseconds, and nothing leaves."""
        found = self._gather(post.content)
        return Analysis(
            # A policy that the set leaves out is not asked about; its threshold would be 0.
            findings=tuple(f for f in found.findings if policies.get(f.policy)),
            rationale=explain(found, policies),
            analyzer=NAME,
            to_people=found.to_people,
        )

    def check(self) -> str:
        """Reads two sentences whose answer is known; raises AnalyzerUnavailable when one comes out wrong."""
        for text, harmful in PROBES:
            top = max((f.confidence for f in self._gather(text).findings), default=0.0)
            if (top >= 0.25) is not harmful:
                raise AnalyzerUnavailable(f"{NAME} misreads its own test sentences; install Guardian again.")
        facts = self._kit.manifest["metrics"]["openai_held_out"]
        return (
            f"{NAME} reads its test sentences right (held-out AUROC {facts['auroc']:.3f}, AUPRC {facts['auprc']:.3f})"
        )

    def _gather(self, content: str) -> Findings:
        return gather(content, read(content, self._kit), self._kit)
