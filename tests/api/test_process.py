"""The desk as a process of its own: it starts from the environment alone and ends when told, whoever still listens."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hitl.runtime import build
from tests.api.carried import to_review
from tests.api.conftest import as_, post, settings, wait_until_up
from tests.services.ports import free_port

ROOT = Path(__file__).parents[2]


@contextmanager
def uvicorn(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`uvicorn api.main:app` with nothing but these variables; the process and its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "api.main:app", "--port", str(port)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def test_it_ends_when_told_while_streams_and_waits_are_open(database_url: str, tmp_path: Path) -> None:
    with uvicorn(tmp_path, HITL_DATABASE_URL=database_url) as (process, url), httpx.Client(base_url=url) as client:
        wait_until_up(client)
        case_id = post(client)
        headers = {**as_("dev-author"), "If-None-Match": '"1"'}
        streamed = {**as_("dev-author"), "Accept": "text/event-stream"}
        with ThreadPoolExecutor(1) as threads, client.stream("GET", "/events", headers=streamed) as stream:
            lines = stream.iter_lines()
            assert next(lines)
            held = threads.submit(httpx.get, f"{url}/status/{case_id}?wait=60", headers=headers, timeout=60)
            threading.Event().wait(0.5)
            process.send_signal(signal.SIGTERM)
            assert list(lines) is not None
            assert held.result().status_code == 304
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_told_to_stop_it_says_so_first_and_goes_on_for_a_while(database_url: str, tmp_path: Path) -> None:
    settings = {"HITL_DATABASE_URL": database_url, "HITL_DRAIN_SECONDS": "600"}
    with uvicorn(tmp_path, **settings) as (process, url), httpx.Client(base_url=url) as client:
        wait_until_up(client)
        process.send_signal(signal.SIGTERM)
        while client.get("/readyz").json()["missing"] != ["desk"]:
            threading.Event().wait(0.05)
        assert post(client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HITL_HOST": "192.0.2.7"}, "hitl token create"),
        ({"HITL_TOKENS": "nowhere.json"}, "nowhere.json"),
        ({"HITL_DATABASE_URL": ""}, "hitl db"),
    ],
)
def test_it_does_not_start_when_it_would_not_be_safe(
    database_url: str, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    with uvicorn(tmp_path, **{"HITL_DATABASE_URL": database_url, **environment}) as (process, _):
        _, errors = process.communicate(timeout=60)
        assert process.returncode != 0
        assert said in errors
        assert "This desk cannot open: " in errors
        assert "Traceback" not in errors


def test_eight_deciders_at_once_make_one_decision(database_url: str, tmp_path: Path) -> None:
    runtime = build(settings(), url=database_url)
    people = ["dev-moderator", "dev-moderator-2", "dev-supervisor", "dev-supervisor-2"] * 2
    with uvicorn(tmp_path, HITL_DATABASE_URL=database_url) as (_, url), httpx.Client(base_url=url) as client:
        wait_until_up(client)
        case_id = post(client)
        body = {"case_id": case_id, "review_id": to_review(runtime, case_id), "decision": "approve", "reason": "Rude."}
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda p: client.post("/resume", json=body, headers=as_(p)), people))
        assert sorted(a.status_code for a in answers) == [202, *[409] * 7]
        seen = client.get(f"/status/{case_id}", headers=as_("dev-moderator")).json()
        assert [a["kind"] for a in seen["actions"]] == [a["kind"] for a in seen["review"]["proposed_actions"]]
        (winner,) = [p for p, a in zip(people, answers, strict=True) if a.status_code == 202]
        assert seen["decision"]["by"] == winner
    runtime.close()
