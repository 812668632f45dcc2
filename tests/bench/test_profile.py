"""Where a case's time goes, and how that is told."""

from typing import Any

import pytest

from bench.places import ROOT
from bench.plan import EMBEDDED
from bench.profile import sampling
from bench.report import profiled
from bench.report.results import Results

OURS, LIBRARY = str(ROOT), "/usr/lib/python3.11"
THEIRS, SAVER = f"{ROOT}/.venv/lib/python3.11/site-packages", f"{ROOT}/hitl/graphs/saver.py"


@pytest.mark.parametrize(
    ("stack", "area"),
    [
        (
            f"main ({OURS}/workers/__main__.py:3);go ({THEIRS}/langgraph/pregel/main.py:9);put ({SAVER}:7)",
            "hitl/graphs",
        ),
        (f"put ({SAVER}:7);dumps ({LIBRARY}/json/__init__.py:231);encode ({LIBRARY}/json/encoder.py:2)", "hitl/graphs"),
        (f"execute ({OURS}/hitl/store/postgres.py:1);execute ({THEIRS}/psycopg/cursor.py:97)", "psycopg"),
        (f"put ({SAVER}:7);tick ({THEIRS}/langgraph/pregel/main.py:9)", "LangGraph, LangChain"),
        (f"run ({THEIRS}/uvicorn/server.py:7);_run_once ({LIBRARY}/asyncio/base_events.py:1922)", sampling.LOOP),
        (f"get ({LIBRARY}/queue.py:171)", sampling.LOOP),
        ("_run_code (<frozen runpy>:88)", sampling.ELSEWHERE),
        (f"check ({OURS}/hitl/settings.py:9)", "hitl"),
    ],
)
def test_a_sample_is_counted_for_whoever_wrote_the_innermost_frame(stack: str, area: str) -> None:
    assert sampling.area(stack.split(";")) == area


def test_shares_add_up() -> None:
    raw = f"a ({OURS}/api/desk.py:1) 3\nb ({OURS}/hitl/store/cases.py:2);c ({THEIRS}/psycopg/cursor.py:3) 1\n"
    assert sampling.shares(raw) == {"api": 0.75, "psycopg": 0.25}


def test_a_process_that_cannot_be_looked_into_is_named(tmp_path: Any) -> None:
    with pytest.raises(RuntimeError, match="workers cannot be looked into"):
        sampling.Sampled({"workers": 1}, tmp_path).shares()


PROFILE: dict[str, Any] = {
    "cpu_ms": {"workers": 20.0, "uvicorn api.main:app": 10.0, "postgres": 15.0, "py-spy": 9.0},
    "kernel": {"workers": 0.25, "uvicorn api.main:app": 0.3, "postgres": 0.5},
    "shares": {"workers": {"psycopg": 0.5, "hitl/store": 0.498, "hitl": 0.002}, "uvicorn api.main:app": {"api": 1.0}},
    "calm_cpu_ms": {"postgres": 12.0},
    "statements": [
        {"calls": 1.0, "ms": 2.5, "planning_ms": 0.5, "statement": "select 1"},
        {"calls": 5.0, "ms": 0.1, "planning_ms": 0.0, "statement": "BEGIN"},
    ],
}


def test_the_page_tells_programs_code_and_statements() -> None:
    page = profiled.page([PROFILE])
    assert "| workers | 20.0 | 25% |" in page
    assert "py-spy" not in page
    assert "| psycopg | 7.5 | 0.0 |" in page
    assert "| the kernel | 5.0 | 3.0 |" in page
    assert f"| {profiled.REST} | 0.0 | 0.0 |" in page
    assert "12.0 ms of CPU per case for 6 statements, 5 of them BEGIN and COMMIT" in page
    assert "execution is 2.6 ms and their planning 0.5" in page


def test_a_profile_that_could_not_be_had_says_why() -> None:
    assert profiled.page([]) == profiled.NONE
    assert profiled.page([{"absent": "no py-spy"}]) == "Not measured: no py-spy"


def test_how_near_we_are_is_told_from_the_floor() -> None:
    def closed(system: str, cpu: float) -> dict[str, Any]:
        return {
            "system": system,
            "scenario": "closed-0",
            "round": 1,
            "others": 0.0,
            "stolen": 0.0,
            "server_cpu_ms": cpu,
        }

    versions: dict[str, Any] = {"versions": {EMBEDDED: {}, "restate": {}}}
    results = Results([versions, {"floor": {"together": 12.0}}, closed(EMBEDDED, 40.0), closed("restate", 22.0)])
    assert "would have to fit into 10.0 ms for that; it takes 28.0" in profiled.nearness(results)
    assert profiled.nearness(Results([versions])) == ""
