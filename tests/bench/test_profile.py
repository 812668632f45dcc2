"""Where a case's time goes, and how that is told."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.places import ROOT
from bench.plan import EMBEDDED
from bench.profile import measuring, sampling
from bench.profile.statements import SETTINGS, Statements
from bench.report import profiled
from bench.report.results import Results
from bench.sizes import Sizes
from bench.systems import installing
from hitl.store.embedded import EmbeddedPostgres
from tests.services.folders import throwaway

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
        (f"put ({SAVER}:7);render ({THEIRS}/structlog/stdlib.py:9)", sampling.OTHERS),
        ("_run_code (<frozen runpy>:88)", sampling.ELSEWHERE),
        (f"check ({OURS}/hitl/settings.py:9)", "hitl"),
    ],
)
def test_a_sample_is_counted_for_whoever_wrote_the_innermost_frame(stack: str, area: str) -> None:
    assert sampling.area(stack.split(";")) == area


def test_shares_add_up() -> None:
    raw = f"a ({OURS}/api/desk.py:1) 3\nb ({OURS}/hitl/store/cases.py:2);c ({THEIRS}/psycopg/cursor.py:3) 1\n"
    assert sampling.shares(raw) == {"api": 0.75, "psycopg": 0.25}


REFUSES = "echo 'Error: Permission denied (os error 1)' >&2; touch \"$0.ready\"; exit 1"
WRITES = """for file; do :; done
trap 'echo "put (%s:7) 3" > "$file"; exit' INT
touch "$file.ready"
while :; do sleep 0.05; done"""
HANGS = "trap '' INT; touch \"$0.ready\"; while :; do sleep 0.05; done"


def _spy(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this script looked at processes instead of py-spy."""
    spy = folder / "py-spy"
    spy.write_text(f"#!/bin/sh\n{script}\n")
    spy.chmod(0o755)
    monkeypatch.setattr(installing, "venv", lambda _: folder)


def _await(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not come")


def test_what_a_spy_has_seen_is_read_when_it_was_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _spy(tmp_path, WRITES % SAVER, monkeypatch)
    with sampling.Sampled({"workers": 1}, tmp_path) as sampled:
        _await(tmp_path / "1.raw.ready")
    assert sampled.found() == {"shares": {"workers": {"hitl/graphs": 1.0}}}


def test_a_spy_that_is_refused_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _spy(tmp_path, REFUSES, monkeypatch)
    with sampling.Sampled({"workers": 1}, tmp_path) as sampled:
        _await(tmp_path / "py-spy.ready")
    assert sampled.found() == {"unseen": "workers: Error: Permission denied (os error 1)"}


def test_a_spy_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _spy(tmp_path, HANGS, monkeypatch)
    monkeypatch.setattr(sampling, "END_SECONDS", 0.1)
    with sampling.Sampled({"workers": 1}, tmp_path) as sampled:
        _await(tmp_path / "py-spy.ready")
    assert sampled.found() == {"unseen": "workers: nothing was seen"}


def test_statements_are_counted_per_case() -> None:
    with (
        throwaway("statements") as folder,
        EmbeddedPostgres(folder, settings=SETTINGS) as postgres,
        psycopg.connect(postgres.url, autocommit=True) as connection,
    ):
        connection.execute("create table cases (case_id int)")
        connection.execute("insert into cases values (0)")
        statements = Statements(connection)
        statements.begin()
        for number in (1, 2):
            connection.execute("insert into cases values (%s)", (number,), prepare=False)
            connection.execute(f"notify somebody, '{number}'")
        found = {one["statement"]: one for one in statements.per_case()}
    assert found["insert into cases values ($1)"]["calls"] == 1.0
    assert found["insert into cases values ($1)"]["ms"] > 0
    assert found["notify somebody"]["calls"] == 1.0
    assert len(found) == 2, "what the benchmark itself asked is there, too"


def test_no_profile_is_no_end_of_a_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Sizes) -> dict[str, Any]:
        raise KeyError("workers")

    monkeypatch.setattr(measuring, "_profile", broken)
    assert measuring.profile(Sizes()) == {"absent": "KeyError: 'workers'"}
    assert "this checkout" in measuring.profile(Sizes(guardian=tmp_path))["absent"]


PROFILE: dict[str, Any] = {
    "cpu_ms": {"workers": 20.0, "uvicorn api.main:app": 10.0, "postgres": 15.0},
    "kernel": {"workers": 0.25, "uvicorn api.main:app": 0.3, "postgres": 0.5},
    "shares": {
        "workers": {"psycopg": 0.5, "hitl/store": 0.485, "hitl": 0.005, "api": 0.005, "uvicorn": 0.005},
        "uvicorn api.main:app": {"FastAPI, Starlette, pydantic": 1.0},
    },
    "others": 0.01,
    "stolen": 0.02,
    "errors": 0,
    "calm": 2,
    "calm_cpu_ms": {"postgres": 12.0},
    "statements": [
        {"calls": 1.0, "ms": 2.5, "planning_ms": 0.5, "statement": "select 'a' || 'b'"},
        {"calls": 5.0, "ms": 0.1, "planning_ms": 0.0, "statement": "BEGIN"},
    ],
}


def test_the_page_tells_programs_code_and_statements() -> None:
    page = profiled.page([PROFILE])
    assert "| workers | 20.0 | 25% |" in page
    assert "Others had 1% of the machine, its host 2%; errors: 0." in page
    assert "| psycopg | 7.5 | 0.0 |" in page
    assert "| the kernel | 5.0 | 3.0 |" in page
    assert f"| {profiled.REST} | 0.2 | 0.0 |" in page
    assert "12.0 ms of CPU per case for 6 statements, 5 of them BEGIN and COMMIT" in page
    assert "they ran for 2.6 ms and were planned for 0.5" in page
    assert r"`select 'a' \|\| 'b'`" in page


def test_what_could_not_be_had_says_why() -> None:
    assert profiled.page([]) == profiled.NONE
    assert profiled.page([{"absent": "no py-spy"}]) == "Not measured: no py-spy"
    blind = {key: value for key, value in PROFILE.items() if key != "shares"} | {"unseen": "workers: denied"}
    page = profiled.page([blind])
    assert "could not be seen: workers: denied" in page
    assert "| workers | 20.0 | 25% |" in page


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

    def near(*lines: dict[str, Any]) -> str:
        return profiled.nearness(Results([{"versions": {EMBEDDED: {}, "restate": {}}}, *lines]))

    both = (closed(EMBEDDED, 40.0), closed("restate", 22.0))
    assert "would have to fit into 10.0 ms; it takes 28.0" in near({"floor": {"together": 12.0}}, *both)
    assert near({"floor": {"together": 23.0}}, *both).endswith("less than these libraries alone.")
    assert near(*both) == ""
