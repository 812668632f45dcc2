"""Numbers of all processes from the database, and of this one's HTTP, as Prometheus reads them."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.desk import Desk
from hitl.store import commands, views, workers

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FRESH_SECONDS = 2.0  # so often at most is the database asked, however many ask us


def render(desk: Desk) -> bytes:
    """The text that a scrape gets; raises Unavailable when the database is gone."""
    at, numbers = desk.numbers
    if time.monotonic() - at > FRESH_SECONDS:
        numbers = _numbers(desk)
        desk.numbers = (time.monotonic(), numbers)
    shared = CollectorRegistry()
    shared.register(_Shared(numbers))
    return generate_latest(shared) + generate_latest(desk.meter.registry)


def _numbers(desk: Desk) -> dict[str, Any]:
    with desk.runtime.store.transaction() as tx:
        return {**views.numbers(tx), "commands": commands.counts(tx), "alive": workers.alive(tx)}


class _Shared(Collector):
    def __init__(self, numbers: dict[str, Any]) -> None:
        self._n = numbers

    def collect(self) -> Iterator[Metric]:
        n, waiting, analyses = self._n, self._n["commands"], self._n["analyses"]
        yield _by("hitl_cases", "Cases by state.", ["status"], n["cases"].items())
        yield _by("hitl_decisions", "Decisions by kind.", ["decision"], n["decisions"].items())
        effects = ((key.split(":", 1), count) for key, count in n["effects"].items())
        yield _by("hitl_effects", "Actions by direction and state.", ["direction", "state"], effects)
        yield _by("hitl_alive", "Living processes.", ["part"], n["alive"].items())
        for name, text, value in (
            ("hitl_commands_waiting", "Commands that wait for a worker.", waiting.get("waiting")),
            ("hitl_commands_oldest_seconds", "Age of the oldest waiting command.", waiting.get("oldest_seconds")),
            ("hitl_reviews_waiting", "Reviews that wait for people.", n["reviews_waiting"]),
            ("hitl_reviews_oldest_seconds", "Age of the oldest waiting review.", n["reviews_oldest_seconds"]),
            ("hitl_analyses", "Analyses in the last five minutes.", analyses["count"]),
            ("hitl_analyses_unavailable", "Of these, how many no analyzer answered.", analyses["unavailable"]),
            ("hitl_analyzer_p50_ms", "Median latency of these.", analyses["p50_ms"]),
            ("hitl_analyzer_p95_ms", "95th percentile of the latency of these.", analyses["p95_ms"]),
        ):
            yield GaugeMetricFamily(name, text, value=float(value or 0))


def _by(name: str, text: str, labels: list[str], rows: Iterable[tuple[Any, Any]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, count in rows:
        family.add_metric(key if isinstance(key, list) else [key], float(count))
    return family
