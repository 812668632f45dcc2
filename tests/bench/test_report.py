from typing import Any

import pytest

from bench.report import measures, page, runs, tables, targets
from bench.report.results import Results, Spread
from bench.report.targets import Target


def _line(system: str, round_: int, rate: float, cpu: float) -> dict[str, Any]:
    about = {"system": system, "scenario": "closed-0", "round": round_, "others": 0.0, "stolen": 0.0, "errors": 0}
    return {**about, "cases_per_second": rate, "server_cpu_ms": cpu}


def _results() -> Results:
    ours = [_line("guardian-embedded", n, rate, 20.0) for n, rate in ((1, 30.0), (2, 60.0), (3, 45.0))]
    theirs = [_line("restate", n, rate, 30.0) for n, rate in ((1, 20.0), (2, 30.0), (3, 45.0))]
    return Results([{"versions": {"guardian-embedded": {}, "restate": {}}}, *ours, *theirs])


def test_a_ratio_is_taken_within_a_round() -> None:
    assert _results().ratio("guardian-embedded", "restate", measures.RATE) == Spread(1.0, 1.5, 2.0)


def test_where_less_is_better_a_ratio_above_one_is_still_ours() -> None:
    assert _results().ratio("guardian-embedded", "restate", measures.CPU) == Spread(1.5, 1.5, 1.5)


def test_the_better_of_two_configurations_is_the_one_to_beat() -> None:
    results = _results()
    slow = [_line("langgraph-dev", n, 5.0, 50.0) for n in (1, 2, 3)]
    fast = [_line("langgraph-dev-jobs", n, 15.0, 50.0) for n in (1, 2, 3)]
    results.lines += slow + fast
    results.versions |= {"langgraph-dev": {}, "langgraph-dev-jobs": {}}

    target = next(target for target in targets.TARGETS if "the better of both" in target.text)

    assert target.value(results, "guardian-embedded") == Spread(2.0, 3.0, 4.0)
    results.lines = [line for line in results.lines if line["system"] != "langgraph-dev-jobs"]
    assert target.value(results, "guardian-embedded") is None


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [(Spread(0.5, 1.0, 2.0), "met"), (Spread(0.5, 0.99, 2.0), "**MISSED**"), (None, "not measured")],
)
def test_a_target_is_judged_by_its_median(seen: Spread | None, verdict: str) -> None:
    assert Target("must", "", lambda *_: seen, least=1.0).judge(seen) == verdict


def test_a_limit_is_kept_from_below() -> None:
    assert Target("must", "", lambda *_: None, most=35.0).judge(Spread(34.0, 35.1, 36.0)) == "**MISSED**"


def test_a_run_beside_others_is_called_contended() -> None:
    results = _results()
    results.lines[0]["others"] = 0.2

    assert results.contended() == [results.lines[0]]


def _run(at: str, *lines: dict[str, Any]) -> Results:
    head = {"about": {"at": at, "commit": "abc", "changed": False}, "arguments": [], "absent": {}}
    return Results([head, {"versions": {"guardian-embedded": {}, "restate": {}}}, *lines])


def test_runs_are_judged_each_by_itself() -> None:
    ahead = _run("first", _line("guardian-embedded", 1, 60.0, 20.0), _line("restate", 1, 30.0, 30.0))
    behind = _run("second", _line("guardian-embedded", 1, 20.0, 20.0), _line("restate", 1, 30.0, 30.0))
    page = runs.compared([ahead, behind, _run("empty")], {})
    assert "| cases/s ÷ Restate's ≥ 1 | Guardian, embedded | 2.00, met | 0.67, **MISSED** |" in page
    assert "2 of 4 verdicts are the same in each run. Not so: cases/s ÷ Restate's ≥ 1 (Guardian, embedded);" in page
    assert "| target | mode | first, abc | second, abc |" in page
    assert "–" not in page


def test_an_excuse_with_other_figures_is_the_same_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(run: Results) -> Any:
        yield targets.TARGETS[0], "guardian-embedded", "1.0", f"cores do not allow it: {run.runs[0]['about']['at']}"

    monkeypatch.setattr(runs, "judged", judged)
    assert "1 of 1 verdicts are the same in each run." in runs.compared([_run("first"), _run("second")], {})


def _beside(neighbor: float, *, rate: float = 60.0) -> list[dict[str, Any]]:
    """A round in which our visit, and only ours, ran on cores that were so many times slower."""
    ours = {**_line("guardian-embedded", 1, rate / neighbor, 20.0 * neighbor), "client_cpu_ms": 0.8 * neighbor}
    waits = {"ack": {"p50": 2.0 * neighbor, "p99": 5.0 * neighbor}}
    return [{**ours, "latency": waits}, {**_line("restate", 1, 30.0, 30.0), "client_cpu_ms": 0.7}]


def test_at_one_pace_a_slowed_visit_is_as_its_client_says() -> None:
    alone, beside = _run("first", *_beside(1.0)), _run("second", *_beside(4.0))
    paced = beside.paced(alone.quickest())

    assert beside.ratio("guardian-embedded", "restate", measures.RATE) == Spread(0.5, 0.5, 0.5)
    assert paced.ratio("guardian-embedded", "restate", measures.RATE) == Spread(2.0, 2.0, 2.0)
    assert paced.ratio("guardian-embedded", "restate", measures.CPU) == Spread(1.5, 1.5, 1.5)
    assert paced.lines[0]["latency"] == {"ack": {"p50": pytest.approx(2.0), "p99": pytest.approx(5.0)}}
    assert beside.lines[0]["latency"]["ack"]["p50"] == 8.0


def test_what_is_not_compared_between_systems_or_has_no_client_is_as_it_was_found() -> None:
    assert _results().paced(_results().quickest()).lines == _results().lines
    alone, beside = ([line | {"scenario": "growth-0"} for line in _beside(neighbor)] for neighbor in (1.0, 4.0))
    assert _run("second", *beside).paced(_run("first", *alone).quickest()).lines == beside


def test_the_page_shows_both_and_judges_by_what_was_found() -> None:
    both = Results([*_run("first", *_beside(1.0)).lines, *({**line, "round": 2} for line in _beside(4.0))])
    row = next(line for line in tables.targets(both).splitlines() if "cases/s ÷ Restate's ≥ 1 |" in line)
    assert row.endswith("| Guardian, embedded | 1.25 (0.50–2.00) | met | 2.00, met |")


def test_runs_that_differ_beside_a_neighbor_may_agree_at_one_pace() -> None:
    alone, beside = _run("first", *_beside(1.0)), _run("second", *_beside(4.0))
    page = runs.compared([alone, beside], alone.quickest())
    assert page.startswith("0 of 4 verdicts are the same in each run. Not so:")
    assert "At one pace: 4 of 4 verdicts are the same in each run.\n" in page


def test_one_run_is_compared_with_none() -> None:
    assert runs.compared([_run("only", _line("guardian-embedded", 1, 60.0, 20.0))], {}) == runs.ONE


def test_every_run_tells_how_fast_the_cores_were() -> None:
    line = {"system": "restate", "scenario": "closed-0", "round": 1, "others": 0.0, "stolen": 0.0, "errors": 0}
    looked, not_looked = tables.every_run(Results([{**line, "loop_ms": 61}, {**line, "round": 2}])).splitlines()[2:]
    assert [cell.strip() for cell in looked.split("|")][9] == "61.0"
    assert [cell.strip() for cell in not_looked.split("|")][9] == "–"


def test_errors_are_told_with_where_they_were_and_what() -> None:
    line = {"system": "restate", "scenario": "closed-0", "round": 2, "errors": 3, "first_errors": ["503: busy", "x"]}
    quiet = {**line, "round": 1, "errors": 0, "first_errors": []}
    killed = {**line, "scenario": "survival"}

    told = page._errors(Results([quiet, line, killed]))

    assert told == [
        "Errors outside the survival runs: 3; visits that failed: 0.",
        "- Restate, closed-0, round 2: 3, such as `503: busy`",
    ]
