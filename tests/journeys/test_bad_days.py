"""The chat model, Postgres and the platform on their bad days: nothing is decided by accident, nothing is lost."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hitl.analyzers.chat_model import ChatModelAnalyzer
from hitl.analyzers.port import Analyzer
from hitl.directory import DEV
from hitl.graphs import registry
from hitl.graphs.judge import StoredJudge
from hitl.graphs.ledger import PlatformLedger
from hitl.graphs.runner import Runner
from hitl.platforms.embedded import EmbeddedForum
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.forum import Forum
from hitl.store.migrate import migrate
from tests.fakes import groq
from tests.fakes.groq import FakeGroq
from tests.journeys.client import RUDE, Cast
from tests.journeys.guardian import Program, await_ready
from tests.platforms.faults import scripted, silence
from tests.workers.crew import Crew, crew

FAILURES, OPEN_SECONDS = 5, 30.0  # in a row, until the breaker opens; how long it stays open
OUTAGE_SECONDS, PACE_SECONDS = 600, 5
CALL_SECONDS = 4.0  # to look for, while somebody outside is being waited for
# between two statements every transaction is idle for a moment; one that waits for somebody outside is so for long
IDLE = """select pid, query from pg_stat_activity where datname = current_database()
    and starts_with(state, 'idle in transaction') and state_change < clock_timestamp() - interval '2 seconds'"""
# nor may one that has begun before the call go on to the end of it, whatever it does meanwhile
OLD = """select pid, query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and backend_type = 'client backend' and xact_start < clock_timestamp() - interval '3 seconds'"""


@pytest.fixture
def model() -> Iterator[FakeGroq]:
    with FakeGroq() as found:
        yield found


def asking(model: FakeGroq) -> dict[str, str]:
    spec = "groq:openai/gpt-oss-safeguard-20b"
    return {"HITL_ANALYZER": spec, "GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": model.url}


class Clock:
    """A monotonic clock that stands still until it is told otherwise."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """What a worker does with one command at a time, without a process of its own."""

    def __init__(self, crew: Crew, analyzer: Analyzer) -> None:
        self._crew = crew
        ledger = PlatformLedger(crew.store, lambda _: EmbeddedForum(Forum(crew.store), "default"))
        judge = StoredJudge(crew.store, analyzer)
        with crew.store.transaction() as tx:
            registry.register(tx)
        self._runner = Runner(crew.store, ledger, judge, lambda: list(DEV.values()), lambda _: {})

    def run(self, case_id: str) -> None:
        """Carry out the case's command."""
        (row,) = self._crew.rows("select command_id from commands where case_id = %s and state = 'ready'", case_id)
        command = self._runner.begin(row["command_id"], "worker")
        assert command is not None, "nobody else is there"
        assert self._runner.run(command) == "done"


@contextmanager
def desk(folder: Path, url: str, port: int, **settings: str) -> Iterator[Cast]:
    """A desk, ready, and everybody in front of it."""
    where = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    program = Program(folder, ["uvicorn", "api.main:app", *where], {"HITL_DATABASE_URL": url, **settings})
    cast = Cast(f"http://127.0.0.1:{port}")
    try:
        await_ready(cast.url, program)
        yield cast
    finally:
        cast.close()
        program.stop(well=(0, -signal.SIGTERM))


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
    with crew(database_url, tmp_path, HITL_WORKER_THREADS="8", **asking(model)) as found:
        found.start(12)
        found.hired()
        found.await_(lambda: len(model.asked) >= FAILURES)
        assert_no_transaction_waits(found)
        found.await_statuses(waiting_review=12)
        assert all(verdict["unavailable"] for verdict in verdicts(found))
        assert not found.rows("select 1 from actions")


def test_ten_minutes_without_a_model_cost_a_probe_each_half_minute_and_no_post(
    database_url: str, tmp_path: Path, model: FakeGroq
) -> None:
    """The breaker's clock is put forward by hand; everything else is as in a worker."""
    clock = Clock()
    analyzer = ChatModelAnalyzer(api_key="gsk_test", base_url=model.url, clock=clock)
    model.default = groq.status(503)
    with closing(analyzer), crew(database_url, tmp_path) as found:
        worker = Worker(found, analyzer)
        for _ in range(OUTAGE_SECONDS // PACE_SECONDS):
            worker.run(*found.start(1))
            clock.now += PACE_SECONDS
        assert found.statuses() == {"waiting_review": OUTAGE_SECONDS // PACE_SECONDS}
        assert all(verdict["unavailable"] for verdict in verdicts(found))
        assert not found.rows("select 1 from actions union all select 1 from decisions")
        opened = (FAILURES - 1) * PACE_SECONDS
        probes = int((OUTAGE_SECONDS - PACE_SECONDS - opened) // OPEN_SECONDS)
        assert len(model.asked) == FAILURES + probes

        model.default = groq.verdict()
        clock.now += OPEN_SECONDS
        (post,) = found.start(1)
        worker.run(post)
        assert found.status(post)["outcome"] == "allowed"
        assert len(model.asked) == FAILURES + probes + 1


def test_desk_and_worker_outlive_postgres(own_postgres: EmbeddedPostgres, tmp_path: Path, port: int) -> None:
    migrate(own_postgres.url)
    with crew(own_postgres.url, tmp_path) as found:
        worker = found.hired()
        with desk(tmp_path, own_postgres.url, port) as cast:
            _kill_and_heal(own_postgres, cast, found, worker)


def _kill_and_heal(postgres: EmbeddedPostgres, cast: Cast, crew: Crew, worker: Program) -> None:
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

    crew.await_(again, worker)
    crew.await_(lambda: crew.unheard() or crew.statuses() == {"waiting_review": len(accepted)}, worker)
    assert {str(row["case_id"]) for row in crew.rows("select case_id from cases")} == set(accepted)


def test_no_transaction_is_open_while_a_platform_hangs(database_url: str, tmp_path: Path) -> None:
    with scripted(silence) as platform, crew(database_url, tmp_path, HITL_PLATFORM_URL=platform.url) as found:
        found.start(4)
        found.hired()
        found.await_statuses(waiting_review=4)
        found.decide_all()
        found.await_(lambda: len(platform.seen) > 0)
        assert_no_transaction_waits(found)
        assert found.statuses() == {"executing": 4}
        assert not found.rows("select 1 from actions where status = 'applied'")


def test_no_transaction_is_open_while_a_moderator_waits_for_the_platform(
    database_url: str, tmp_path: Path, port: int
) -> None:
    with scripted(silence) as platform, crew(database_url, tmp_path, HITL_PLATFORM_URL=platform.url) as found:
        (case_id,) = found.start(1)
        found.hired()
        found.await_statuses(waiting_review=1)
        with desk(tmp_path, database_url, port, HITL_PLATFORM_URL=platform.url) as cast:
            reader = threading.Thread(target=cast.moderator.get, args=(f"/cases/{case_id}",))
            reader.start()
            found.await_(lambda: len(platform.seen) > 0)
            assert_no_transaction_waits(found)
            reader.join()


def test_a_transaction_that_waits_is_found(database_url: str, tmp_path: Path) -> None:
    with crew(database_url, tmp_path) as found, psycopg.connect(database_url) as waiting:
        waiting.execute("select 1")
        with pytest.raises(AssertionError):
            assert_no_transaction_waits(found)


def assert_no_transaction_waits(crew: Crew) -> None:
    """Watch Postgres' own list of sessions while somebody outside is being waited for."""
    until = time.monotonic() + CALL_SECONDS
    while time.monotonic() < until:
        assert not crew.rows(f"{IDLE} union {OLD}")
        time.sleep(0.05)
