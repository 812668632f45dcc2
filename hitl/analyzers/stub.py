"""An analyzer for benchmarks: waits as long as a chat model would, then suspects everything."""

import time

from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Analysis, Finding, Post

POLICY = "harassment"
QUICK_MS = 20


class StubAnalyzer:
    """`stub:MILLISECONDS`; it reads nothing, so it must never judge what people really wrote."""

    name = "stub@1"

    def __init__(self, milliseconds: int) -> None:
        self._seconds = milliseconds / 1000
        self.quick = milliseconds < QUICK_MS

    def analyze(self, post: Post, policies: PolicySet) -> Analysis:
        """Wait, then find harassment of severity 2 with confidence 1."""
        time.sleep(self._seconds)
        return Analysis((Finding(POLICY, 2, 1.0),), "The stub suspects every post.", self.name)

    def check(self) -> str:
        """Say what it is; nobody should take it for a real analyzer."""
        return f"{self.name}: waits {self._seconds * 1000:g} ms and suspects everything; for benchmarks only"
