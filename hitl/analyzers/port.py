"""The port that every analyzer keeps to."""

from typing import Protocol

from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Analysis, Post


class AnalyzerUnavailable(Exception):
    """The analyzer failed, hung or talked nonsense; the message says which, without any user text."""


class AnalyzerBusy(Exception):
    """The analyzer asks to be called again in `retry_after` seconds (0 < s <= 60)."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"asks to be called again in {retry_after:g} s")
        self.retry_after = retry_after


class Analyzer(Protocol):
    """Reads a post. Thread-safe; built once per process."""

    @property
    def name(self) -> str:
        """Name and version, as verdicts carry it, such as `local@1`."""
        ...

    @property
    def quick(self) -> bool:
        """Whether it answers within milliseconds, so that nobody could watch it work."""
        ...

    def analyze(self, post: Post, policies: PolicySet) -> Analysis:
        """Say how strongly each policy applies; raises AnalyzerBusy or AnalyzerUnavailable and nothing else."""
        ...

    def check(self) -> str:
        """One line on whether it could answer now, for `hitl doctor`; raises AnalyzerUnavailable."""
        ...
