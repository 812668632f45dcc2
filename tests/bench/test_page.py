import json
from pathlib import Path
from typing import Any

from bench.plan import EMBEDDED, RABBITMQ, SHAPES, Shape
from bench.report import growing, page, tables, targets
from bench.report.results import Results

ABOUT = {"at": "2026-01-01 00:00 UTC", "cores": 2, "processor": "P", "memory_gib": 8.0, "system": "Linux 6"}
ABOUT |= {"python": "3.11.7", "fdatasync_us": 200, "load": 0.1, "commit": "abc", "changed": False}
HEAD = {"about": ABOUT, "arguments": ["--rounds", "1"], "absent": {}}
VERSIONS = {"versions": {EMBEDDED: {"langgraph": "1"}, RABBITMQ: {"langgraph": "1"}, "restate": {"restate": "1"}}}
POINT = {"n": 9, "p50": 10.0, "p99": 20.0}
LATENCY = dict.fromkeys(("ack", "start_paused", "decision_completed", "rollback_paused"), POINT)


def _closed(system: str, scenario: str, rate: float, **more: Any) -> dict[str, Any]:
    line = {"system": system, "scenario": scenario, "round": 1, "others": 0.0, "stolen": 0.0, "errors": 0}
    line |= {"cases_per_second": rate, "server_cpu_ms": 40.0, "client_cpu_ms": 1.0, "latency": LATENCY}
    line |= {"cores_by_process": {"workers": 0.6, "postgres": 0.5}, "cores_client": 0.1}
    return line | {"waits": {"running": 0.9, "LWLock:WALWrite": 0.1}, "active_sessions": 2.0} | more


def _flood(system: str, beside: float) -> dict[str, Any]:
    about = {"system": system, "scenario": "flood", "round": 1, "others": 0.0, "stolen": 0.0, "errors": 0}
    points = {"alone": POINT, "beside": POINT | {"p99": beside}, "beside_ack": POINT}
    return about | points | {"late": 0, "flood_per_second": 200.0, "flood_refused": 0}


def _grown(closed: int, rate: float) -> dict[str, Any]:
    more = {"closed": closed, "waiting": max(100, closed // 10), "looks": {"queue": POINT, "status": POINT}}
    return _closed(EMBEDDED, f"growth-{closed}", rate, **more)


def _lines(two_each: float = 50.0, busy: float = 0.6) -> list[dict[str, Any]]:
    shapes = [(system, shape) for system, all_ in SHAPES.items() for shape in all_]
    rates = {Shape(0, 2, 2).scenario: two_each}
    cores = {"cores_by_process": {"workers": busy, "postgres": 0.1}}
    scaled = [_closed(own, one.scenario, rates.get(one.scenario, 30.0), **cores) for own, one in shapes]
    grown = [_grown(0, 40.0), _grown(100_000, 38.0), _grown(1_000_000, 35.0)]
    floods = [_flood(EMBEDDED, 39.0), _flood(RABBITMQ, 400.0)]
    return [*scaled, *grown, *floods, _closed("restate", "closed-0", 90.0)]


def _verdicts(lines: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    results = Results([HEAD, VERSIONS, *lines])
    return {(target.text, own): verdict for target, own, _, verdict in targets.judged(results)}


def _of(lines: list[dict[str, Any]], text: str, own: str) -> str:
    return next(verdict for (target, mode), verdict in _verdicts(lines).items() if text in target and mode == own)


def test_growth_is_judged_at_each_size() -> None:
    assert _of(_lines(), "cases/s with 100,000 closed", EMBEDDED) == "met"
    assert _of(_lines(), "cases/s with 1,000,000 closed", EMBEDDED) == "**MISSED**"


def test_what_each_process_takes_is_the_median_of_its_rounds() -> None:
    spent = ({"server": 10.0}, {"server": 40.0}, {"server": 12.0})
    rounds = [_closed("restate", "closed-0", 90.0, cpu_ms_by_process=each) for each in spent]
    memory = {"server": 250.0, "child": 30.0}
    resting = {"system": "restate", "scenario": "idle", "round": 1, "pss_mib_by_process": memory}
    found = tables.processes(Results([HEAD, VERSIONS, *rounds, resting]))
    assert "| Restate | server | 12.0 | 250.0 |" in found
    assert "| Restate | child | – | 30.0 |" in found


def test_a_flood_is_judged_by_the_other_authors_p99() -> None:
    assert _of(_lines(), "beside another's flood", EMBEDDED) == "met"
    assert _of(_lines(), "beside another's flood", RABBITMQ) == "**MISSED**"


def test_two_of_each_are_judged_where_cores_allow() -> None:
    assert _of(_lines(two_each=50.0), "two workers and two desks", RABBITMQ) == "met"
    assert _of(_lines(two_each=40.0), "two workers and two desks", RABBITMQ) == "**MISSED**"
    assert "cores do not allow it" in _of(_lines(two_each=40.0, busy=1.4), "two workers and two desks", RABBITMQ)


def test_what_serializes_is_named() -> None:
    one = _closed(EMBEDDED, "scale-0-1x1", 30.0)

    def said(**more: Any) -> str:
        return growing.bound([one | more], Shape(), 2)

    assert "the cores serialize" in said(cores_by_process={"workers": 1.0, "postgres": 0.9})
    assert "workers serializes" in said(cores_by_process={"workers": 0.95, "postgres": 0.2})
    assert "LWLock:WALWrite serializes" in said(waits={"running": 0.5, "LWLock:WALWrite": 0.5})
    assert "nothing is full" in said()


def test_the_page_shows_all_and_its_plots(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in [HEAD, VERSIONS, *_lines()]))

    page.write([file], tmp_path)

    written = (tmp_path / "RESULTS.md").read_text()
    assert "$" not in written
    for plot in ("rate", "workers", "rows"):
        assert f"plots/{plot}.svg" in written
        assert "</svg>" in (tmp_path / "plots" / f"{plot}.svg").read_text()


def test_files_are_put_together_and_their_rounds_one_after_the_other() -> None:
    results = Results([HEAD, VERSIONS, _closed("restate", "closed-0", 80.0)])
    results.add([HEAD, VERSIONS, _closed("restate", "closed-0", 90.0)])

    assert [(line["round"], line["cases_per_second"]) for line in results.lines] == [(1, 80.0), (2, 90.0)]


def test_what_failed_and_was_made_again_has_not_failed() -> None:
    failed = {"system": "restate", "scenario": "closed-0", "round": 1, "failed": "no"}

    assert Results([HEAD, failed]).failed == [failed]
    assert Results([HEAD, failed, _closed("restate", "closed-0", 80.0)]).failed == []


def test_the_floor_stands_beside_what_a_case_costs() -> None:
    floors = [{"floor": {"LangGraph": ms, "together": ms + 4.0}} for ms in (5.0, 6.0)]
    shown = tables.floor(Results([HEAD, VERSIONS, *floors, _closed(EMBEDDED, "closed-0", 35.0)]))
    assert "| together | 9.5 (9.0–10.0) |" in shown
    assert "| 40.0 |" in shown
