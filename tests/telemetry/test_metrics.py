"""The text of /metrics, read back by Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

from hitl.telemetry.metrics import LATENCY_MS, Latency, Metrics, Numbers

NUMBERS = Numbers(
    commands_waiting={("start",): 3, ("resume",): 1},
    commands_oldest_seconds=12.5,
    reviews_waiting={("1", "open"): 5, ("2", "blocked"): 1},
    reviews_oldest_seconds=3600.0,
    cases_stopped={("failed",): 2},
    actions_unsettled={("remove_content", "unknown"): 1},
    cases_ended={("actioned",): 9},
    decisions={("approve",): 4},
    effects={("remove_content", "forward", "applied"): 4},
    analyzers={"local@1": Latency(tuple(range(1, len(LATENCY_MS) + 1)), 20, 1500.0)},
    unavailable={("groq:x@1", "groq:x did not answer within 20 s"): 6},
    workers=2,
)


def _of(*labels: str) -> frozenset[str]:
    return frozenset(labels)


def _samples(text: bytes) -> dict[tuple[str, frozenset[str]], float]:
    return {
        (s.name, frozenset(s.labels.values())): s.value
        for family in text_string_to_metric_families(text.decode())
        for s in family.samples
    }


def test_what_waits_and_how_long_is_there() -> None:
    found = _samples(Metrics().render(NUMBERS))
    assert found["hitl_database_up", _of()] == 1
    assert found["hitl_commands_waiting", _of("start")] == 3
    assert found["hitl_commands_oldest_seconds", _of()] == 12.5
    assert found["hitl_reviews_waiting", _of("2", "blocked")] == 1
    assert found["hitl_reviews_oldest_seconds", _of()] == 3600
    assert found["hitl_cases_stopped", _of("failed")] == 2
    assert found["hitl_actions_unsettled", _of("remove_content", "unknown")] == 1
    assert found["hitl_workers", _of()] == 2


def test_decisions_effects_and_ends_are_counted() -> None:
    found = _samples(Metrics().render(NUMBERS))
    assert found["hitl_decisions_total", _of("approve")] == 4
    assert found["hitl_effects_total", _of("remove_content", "forward", "applied")] == 4
    assert found["hitl_cases_ended_total", _of("actioned")] == 9


def test_an_analyzers_latency_is_a_histogram_and_its_failures_have_reasons() -> None:
    found = _samples(Metrics().render(NUMBERS))
    assert found["hitl_analyzer_seconds_bucket", _of("local@1", "0.005")] == 1
    assert found["hitl_analyzer_seconds_bucket", _of("local@1", "+Inf")] == 20
    assert found["hitl_analyzer_seconds_sum", _of("local@1")] == 1.5
    assert found["hitl_analyzer_unavailable_total", _of("groq:x@1", "groq:x did not answer within 20 s")] == 6


def test_http_is_counted_by_route_and_long_polls_do_not_count_as_slow() -> None:
    metrics = Metrics()
    metrics.observe_http("/status/{case_id}", "GET", 200, 0.003)
    metrics.observe_http("/status/{case_id}", "GET", 304, None)
    found = _samples(metrics.render(NUMBERS))
    assert found["hitl_http_requests_total", _of("/status/{case_id}", "GET", "304")] == 1
    assert found["hitl_http_request_seconds_count", _of("/status/{case_id}", "GET")] == 1
    assert found["hitl_http_request_seconds_bucket", _of("/status/{case_id}", "GET", "0.005")] == 1


def test_a_database_that_is_gone_leaves_the_rest() -> None:
    metrics = Metrics()
    metrics.observe_http("/healthz", "GET", 200, 0.001)
    found = _samples(metrics.render(None))
    assert found["hitl_database_up", _of()] == 0
    assert ("hitl_http_requests_total", _of("/healthz", "GET", "200")) in found
    assert not any(name.startswith("hitl_commands") for name, _ in found)
