"""Analysis once: the analyzer is called outside any transaction, and whatever goes wrong sends the case to people."""

import time

from hitl import room
from hitl.analyzers.port import Analyzer, AnalyzerBusy, AnalyzerUnavailable
from hitl.domain.commands import POSTPONE_LIMIT_SECONDS, Command
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Analysis, Post, Verdict, judge, unavailable
from hitl.graphs.run import Run
from hitl.operations import analysis
from hitl.store.postgres import Store


class Postponed(Exception):
    """The analyzer asked to be called again later."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"postponed by {seconds:g} s")
        self.seconds = seconds


class StoredJudge:
    """Analyzes a case's content and keeps the first verdict."""

    def __init__(self, store: Store, analyzer: Analyzer) -> None:
        self._store = store
        self._analyzer = analyzer

    @property
    def quick(self) -> bool:
        """Whether the analyzer answers within milliseconds."""
        return self._analyzer.quick

    def analyze(self, run: Run) -> bool:
        """Analyze once; True when people are to be asked."""
        with self._store.statement() as tx:
            first = run.unmoved and run.command.attempts == 1  # so nobody can have written a verdict since it began
            found = analysis.subject(tx, run.command.case_id, run.command.seen.subject if first else None)
        if found.kept is not None:
            return found.kept
        began = time.perf_counter()
        verdict = self._verdict(run.command, found.post, found.policies)
        latency_ms, sampled = round((time.perf_counter() - began) * 1000), analysis.sampled(verdict, found.policies)
        run.later(analysis.left(found, verdict, sampled=sampled, latency_ms=latency_ms), "verdict")
        if verdict.usage:  # what was paid for is kept at once
            run.write_now()
        return verdict.suspect or sampled

    def _verdict(self, command: Command, post: Post, policies: PolicySet) -> Verdict:
        try:
            return judge(self._analyzed(post, policies), policies)
        except AnalyzerBusy as busy:
            if command.postponed_for + busy.retry_after < POSTPONE_LIMIT_SECONDS:
                raise Postponed(busy.retry_after) from None
            return unavailable(self._analyzer.name, "The analyzer kept asking to be called again later.")
        except AnalyzerUnavailable as trouble:
            return unavailable(self._analyzer.name, f"The analyzer could not answer: {trouble}")
        except Exception as bug:  # noqa: BLE001 (an analyzer that breaks never decides anything: people do)
            return unavailable(self._analyzer.name, f"The analyzer broke: {type(bug).__name__}")

    def _analyzed(self, post: Post, policies: PolicySet) -> Analysis:
        if self.quick:
            return self._analyzer.analyze(post, policies)
        with room.away():
            return self._analyzer.analyze(post, policies)
