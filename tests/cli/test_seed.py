"""`hitl seed` through a running Guardian."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.journeys.guardian import ROOT, embedded_guardian
from tests.services.folders import throwaway


def test_the_shipped_posts_come_to_rest(run: Run, guardian_url: str) -> None:
    result = run("seed", str(ROOT / "examples" / "posts.jsonl"), "--url", guardian_url, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["rows"] == 40
    assert not told["refused"]
    assert set(told["fates"]) == {"completed (allowed)", "waiting_review"}
    assert sum(told["policies"].values()) == told["fates"]["waiting_review"]


def test_hostile_rows_are_refused_with_a_reason(run: Run, guardian_url: str, tmp_path: Path) -> None:
    rows = ["", "a" * 20_001, "a\x00b", "\udc80", "fine", 5, None]
    lines = [json.dumps({"content": content}) for content in rows]
    (tmp_path / "hostile.jsonl").write_bytes("\n".join(lines).encode() + b'\nnonsense\n{"content": "caf\xe9"}\n')
    result = run("seed", "hostile.jsonl", "--url", guardian_url, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["fates"] == {"refused": 8, "completed (allowed)": 1}
    assert [r["line"] for r in told["refused"]] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert all(r["reason"].startswith("422 content") for r in told["refused"] if r["line"] != 8)


def test_outcomes_are_counted_by_label(run: Run, guardian_url: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,tone\nA fine day in the garden.,kind\nYou complete idiot.,rude\n")
    result = run("seed", "a.csv", "--url", guardian_url, "--labels", "tone")
    assert result.exit_code == 0, result.output
    table = [line.split() for line in result.stdout.splitlines()]
    assert ["kind", "1", "0", "1"] in table
    assert ["rude", "0", "1", "1"] in table


def test_nothing_taken_is_a_failure(run: Run, guardian_url: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"content": ""}\n')
    assert run("seed", "a.jsonl", "--url", guardian_url).exit_code == 1


def test_a_guardian_that_is_not_there(run: Run, port: int, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello\n")
    gone = run("seed", "a.txt", "--url", f"http://127.0.0.1:{port}")
    assert (gone.exit_code, "hitl up" in gone.stderr) == (1, True)


def test_a_token_that_is_not_known(run: Run, guardian_url: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello\n")
    stranger = run("seed", "a.txt", "--url", guardian_url, "--token", "nobody")
    assert (stranger.exit_code, "--token" in stranger.stderr) == (2, True)


def test_a_busy_guardian_is_waited_for(run: Run, port: int, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"post number {n}\n" for n in range(24)))
    slow = {"HITL_ANALYZER": "stub:300", "HITL_WORKER_THREADS": "2", "HITL_BACKLOG_LIMIT": "2"}
    with throwaway("busy") as folder, embedded_guardian(folder, port, **slow):
        result = run("seed", "a.txt", "--url", f"http://127.0.0.1:{port}", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["fates"] == {"waiting_review": 24}
