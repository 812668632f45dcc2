"""Prometheus metrics of an API process: its own HTTP, and what the database says about everything else.

Workers run in other processes, and die: what they did is counted from rows at scrape time, so nothing is lost with them
and every API process shows the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
Counts = Mapping[tuple[str, ...], int]
"""Label values, one per label, to a number; a single label is a tuple of one."""
# Upper bounds in milliseconds of the analyzer's latency; the store counts rows below each.
LATENCY_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 30_000)
_HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one analyzer took: answers at or below each bound of LATENCY_MS (cumulative), their number and sum."""

    at_most: tuple[int, ...]
    count: int
    sum_ms: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the store counts for a scrape; ages are seconds by the database's clock, 0 when nothing waits."""

    commands_waiting: Counts = field(default_factory=dict)
    """By kind: commands that are ready, published or claimed."""
    commands_oldest_seconds: float = 0.0
    reviews_waiting: Counts = field(default_factory=dict)
    """By level and status (open, blocked)."""
    reviews_oldest_seconds: float = 0.0
    cases_stopped: Counts = field(default_factory=dict)
    """By status (failed, needs_migration): those that somebody has to look at."""
    actions_unsettled: Counts = field(default_factory=dict)
    """By kind and status: those that a supervisor has to settle."""
    cases_ended: Counts = field(default_factory=dict)
    """By outcome, or `failed`; a case that is appealed ends more than once."""
    decisions: Counts = field(default_factory=dict)
    """By decision: approve, edit, reject, respond, expired, cancelled."""
    effects: Counts = field(default_factory=dict)
    """By kind, direction and result (applied, refused, unknown, reversed, conflict, irreversible)."""
    analyzers: Mapping[str, Latency] = field(default_factory=dict)
    """By analyzer."""
    unavailable: Counts = field(default_factory=dict)
    """By analyzer and reason (the verdict's rationale, which names no more than what failed)."""
    workers: int = 0
    """Workers seen lately."""


class Metrics:
    """One API process's metrics in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "hitl_http_requests", "HTTP requests answered.", ["route", "method", "code"], registry=self._registry
        )
        self._seconds = Histogram(
            "hitl_http_request_seconds",
            "Time to answer an HTTP request; streams and long-polls are left out.",
            ["route", "method"],
            buckets=_HTTP_SECONDS,
            registry=self._registry,
        )

        # Finding a counter by its labels takes longer than counting.
        self._count = cache(self._requests.labels)
        self._time = cache(self._seconds.labels)

    def observe_http(self, route: str, method: str, code: int, seconds: float | None) -> None:
        """Count a request under its route's template (never its path); None seconds for streams and long-polls."""
        self._count(route, method, str(code)).inc()
        if seconds is not None:
            self._time(route, method).observe(seconds)

    def render(self, numbers: Numbers | None) -> bytes:
        """The text of `/metrics`; None when the database did not answer, which the gauge hitl_database_up shows."""
        scrape = CollectorRegistry()
        scrape.register(_FromRows(numbers))
        return generate_latest(self._registry) + generate_latest(scrape)


class _FromRows(Collector):
    def __init__(self, numbers: Numbers | None) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("hitl_database_up", "1 when the database answered this scrape.", bool(self._numbers))
        if self._numbers:
            yield from _waiting(self._numbers)
            yield from _done(self._numbers)
            yield from _analyzers(self._numbers)


def _waiting(n: Numbers) -> Iterator[Metric]:
    yield _gauge("hitl_commands_waiting", "Unfinished commands.", ["kind"], n.commands_waiting)
    yield GaugeMetricFamily("hitl_commands_oldest_seconds", "Age of the oldest one.", n.commands_oldest_seconds)
    yield _gauge("hitl_reviews_waiting", "Reviews that wait for people.", ["level", "status"], n.reviews_waiting)
    yield GaugeMetricFamily("hitl_reviews_oldest_seconds", "Age of the oldest one.", n.reviews_oldest_seconds)
    yield _gauge("hitl_cases_stopped", "Cases that failed or are parked.", ["status"], n.cases_stopped)
    yield _gauge("hitl_actions_unsettled", "Actions to be settled.", ["kind", "status"], n.actions_unsettled)
    yield GaugeMetricFamily("hitl_workers", "Workers seen lately.", n.workers)


def _done(n: Numbers) -> Iterator[Metric]:
    yield _counter("hitl_cases_ended", "Cases that came to an end.", ["outcome"], n.cases_ended)
    yield _counter("hitl_decisions", "Decisions taken.", ["decision"], n.decisions)
    yield _counter("hitl_effects", "Calls and reversals.", ["kind", "direction", "result"], n.effects)


def _analyzers(n: Numbers) -> Iterator[Metric]:
    took = HistogramMetricFamily("hitl_analyzer_seconds", "Time an analysis took.", labels=["analyzer"])
    for analyzer, latency in sorted(n.analyzers.items()):
        buckets = [(str(ms / 1000), float(c)) for ms, c in zip(LATENCY_MS, latency.at_most, strict=True)]
        took.add_metric([analyzer], [*buckets, ("+Inf", float(latency.count))], latency.sum_ms / 1000)
    yield took
    yield _counter("hitl_analyzer_unavailable", "Analyses that failed.", ["analyzer", "reason"], n.unavailable)


def _gauge(name: str, text: str, labels: list[str], counts: Counts) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(list(key), count)
    return family


def _counter(name: str, text: str, labels: list[str], counts: Counts) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(list(key), count)
    return family
