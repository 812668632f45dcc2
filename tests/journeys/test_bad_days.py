"""The chat model, Postgres and the platform on their bad days: nothing is decided by accident, nothing is lost."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate
from tests.fakes import groq
from tests.fakes.groq import FakeGroq
from tests.journeys.client import RUDE, Cast
from tests.journeys.guardian import Program, await_ready
from tests.platforms.faults import scripted, silence
from tests.workers.crew import Crew, crew

FAILURES = 5  # in a row, until the breaker opens
# between two statements every transaction is idle for a moment; one that waits for somebody outside is so for long
IDLE = """select 1 from pg_stat_activity where datname = current_database() and state = 'idle in transaction'
    and state_change < clock_timestamp() - interval '2 seconds'"""


@pytest.fixture
def model() -> Iterator[FakeGroq]:
    with FakeGroq() as found:
        yield found


def asking(model: FakeGroq) -> dict[str, str]:
    spec = "groq:openai/gpt-oss-safeguard-20b"
    return {"HITL_ANALYZER": spec, "GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": model.url}


def verdicts(crew: Crew) -> list[dict[str, Any]]:
    return crew.rows("select unavailable, suspect, rationale from analyses")


def test_whatever_a_model_does_wrong_people_decide(database_url: str, tmp_path: Path, model: FakeGroq) -> None:
    limited = groq.status(429, "rate_limit_exceeded", Retry_After="1")
    bad = [groq.raw(b"<html>"), groq.raw(b'{"id": "x"', promised=500), groq.arguments("no verdict"), groq.status(500)]
    model.replies.extend([limited, *bad])
    model.default = groq.status(503)
    with crew(database_url, tmp_path, **asking(model)) as found:
        found.start(40)
        found.hired()
        found.await_statuses(waiting_review=40)

        assert all(verdict["unavailable"] and verdict["suspect"] for verdict in verdicts(found))
        assert not found.rows("select 1 from actions")
        # with four threads some calls were under way as the breaker opened; it stays open for half a minute
        assert len(model.asked) <= 1 + len(bad) + 3 * (FAILURES + 4)


def test_a_model_that_hangs_holds_up_only_what_it_was_asked(database_url: str, tmp_path: Path, model: FakeGroq) -> None:
    model.default = model.hang()
    with crew(database_url, tmp_path, **asking(model)) as found:
        found.start(12)
        found.hired()
        found.await_(lambda: len(model.asked) >= 4)
        found.await_(lambda: found.rows(IDLE) != [] or found.statuses() == {"waiting_review": 12})
        assert found.statuses() == {"waiting_review": 12}
        assert all(verdict["unavailable"] for verdict in verdicts(found))


def test_desk_and_worker_outlive_postgres(own_postgres: EmbeddedPostgres, tmp_path: Path, port: int) -> None:
    migrate(own_postgres.url)
    own = {"HITL_DATABASE_URL": own_postgres.url}
    where = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    with crew(own_postgres.url, tmp_path) as found:
        desk, worker = Program(tmp_path, ["uvicorn", "api.main:app", *where], own), found.hired()
        cast = Cast(f"http://127.0.0.1:{port}")
        try:
            await_ready(cast.url, desk, worker)
            _kill_and_heal(own_postgres, cast, found, desk, worker)
        finally:
            cast.close()
            desk.stop(well=(0, -signal.SIGTERM))


def _kill_and_heal(postgres: EmbeddedPostgres, cast: Cast, crew: Crew, desk: Program, worker: Program) -> None:
    accepted = [cast.author.start(f"{RUDE} {n}") for n in range(3)]
    postgres.stop()
    for n in range(3):
        answer = cast.author.post("/start", {"content": f"{RUDE} down {n}"}, timeout=20.0)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    postgres.start()

    def again() -> bool:
        answer = cast.author.post("/start", {"content": f"{RUDE} again"})
        if answer.status_code == 202:
            accepted.append(answer.json()["case_id"])
        return answer.status_code == 202

    crew.await_(again, desk, worker)
    crew.await_(lambda: crew.unheard() or crew.statuses() == {"waiting_review": len(accepted)}, desk, worker)
    assert {str(row["case_id"]) for row in crew.rows("select case_id from cases")} == set(accepted)


def test_no_transaction_is_open_while_a_platform_hangs(database_url: str, tmp_path: Path) -> None:
    with scripted(silence) as platform, crew(database_url, tmp_path, HITL_PLATFORM_URL=platform.url) as found:
        found.start(4)
        found.hired()
        found.await_statuses(waiting_review=4)
        found.decide_all()
        found.await_(lambda: len(platform.seen) > 0)
        for _ in range(40):
            assert not found.rows(IDLE)
            time.sleep(0.1)
        assert found.statuses() == {"executing": 4}
        assert not found.rows("select 1 from actions where status = 'applied'")
