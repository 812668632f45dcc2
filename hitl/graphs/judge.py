"""Analysis once: the analyzer is called outside any transaction, and whatever goes wrong sends the case to people."""

import time

from hitl.analyzers.port import Analyzer, AnalyzerBusy, AnalyzerUnavailable
from hitl.domain.commands import POSTPONE_LIMIT_SECONDS, Command
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Post, Verdict, judge, unavailable
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

    def analyze(self, command: Command) -> bool:
        """Analyze once; True when people are to be asked."""
        with self._store.transaction() as tx:
            found = analysis.subject(tx, command.case_id)
        if isinstance(found, tuple):
            post, policies = found
            began = time.perf_counter()
            verdict = self._verdict(command, post, policies)
            latency_ms = round((time.perf_counter() - began) * 1000)
            with self._store.transaction("verdict") as tx:
                found = analysis.keep(tx, command, verdict, policies, latency_ms)
        return bool(found["suspect"] or found["sampled"])

    def _verdict(self, command: Command, post: Post, policies: PolicySet) -> Verdict:
        try:
            return judge(self._analyzer.analyze(post, policies), policies)
        except AnalyzerBusy as busy:
            if command.postponed_for + busy.retry_after < POSTPONE_LIMIT_SECONDS:
                raise Postponed(busy.retry_after) from None
            return unavailable(self._analyzer.name, "The analyzer kept asking to be called again later.")
        except AnalyzerUnavailable as trouble:
            return unavailable(self._analyzer.name, f"The analyzer could not answer: {trouble}")
        except Exception as bug:  # noqa: BLE001 (an analyzer that breaks never decides anything: people do)
            return unavailable(self._analyzer.name, f"The analyzer broke: {type(bug).__name__}")
