"""A worker that cannot work says so and ends, or waits for what is coming."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dramatiq.brokers.rabbitmq import _RabbitmqMessage
from dramatiq.brokers.stub import StubBroker

from hitl.room import Room, away
from hitl.settings import Settings
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate
from tests.journeys.guardian import Program
from tests.workers.crew import EMBEDDED, PATIENCE, RABBITMQ, Crew, crew
from workers.doorbell import message
from workers.household import MOST_CONNECTIONS, Household

CLAIMED = "select count(*) as n from commands where state = 'claimed'"


def test_a_worker_waits_for_postgres(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    migrate(own_postgres.url)
    with crew(own_postgres.url, tmp_path) as found:
        found.start(2)
        own_postgres.stop()
        worker = found.hire()
        found.await_(lambda: "waiting for the database" in worker.said, worker)
        own_postgres.start()
        found.await_(lambda: found.rows("select 1 from workers") != [], worker)
        found.await_statuses(waiting_review=2)
        worker.stop()


def test_a_worker_that_cannot_work_ends(empty_database_url: str, tmp_path: Path) -> None:
    own = {"HITL_DATABASE_URL": empty_database_url, "HITL_LOG_FORMAT": "console"}
    embedded = Program(tmp_path, EMBEDDED, own)
    over_rabbitmq = Program(tmp_path, RABBITMQ, {**own, "HITL_BROKER_URL": "amqp://guest:guest@127.0.0.1:1/%2F"})
    for program in (embedded, over_rabbitmq):
        assert program.process.wait(PATIENCE) not in (0, None)
        assert "cannot work" in program.said


def test_a_worker_does_not_begin_on_a_database_of_an_older_release(database_url: str, tmp_path: Path) -> None:
    with crew(database_url, tmp_path) as found:
        (newest,) = found.rows("delete from migrations where name = (select max(name) from migrations) returning name")
        worker = found.hire()
        assert worker.process.wait(PATIENCE) not in (0, None)
        assert f"lacks {newest['name']}: run `hitl migrate`" in worker.said


@pytest.mark.parametrize(("setting", "told"), [("4", 0), ("", 0), ("3", 1)], ids=["same", "unset", "other"])
def test_the_threads_that_there_are_count_and_a_setting_that_does_not_is_told(
    rabbit_crew: Crew, setting: str, told: int
) -> None:
    worker = rabbit_crew.hired(HITL_WORKER_THREADS=setting)
    worker.stop()
    assert worker.said.count("--threads counts here") == told


def test_hundreds_of_threads_share_the_connections_of_a_few(database_url: str, tmp_path: Path) -> None:
    with crew(database_url, tmp_path, HITL_WORKER_THREADS="200", HITL_ANALYZER="stub:2000") as found:
        worker = found.hired()
        found.start(200)
        found.await_(lambda: found.rows(CLAIMED)[0]["n"] > MOST_CONNECTIONS, worker)
        found.await_statuses(waiting_review=200)
        assert found.rows("select max(attempts) as most from commands") == [{"most": 1}]
        worker.stop()


def test_a_worker_without_the_token_file_says_so_and_ends(database_url: str, tmp_path: Path) -> None:
    with crew(database_url, tmp_path) as found:
        worker = found.hire(HITL_TOKENS=str(tmp_path / "tokens.json"))
        assert worker.process.wait(PATIENCE) not in (0, None)
        assert "cannot work: The token file" in worker.said


def test_the_relay_reckons_with_the_room_in_which_runs_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    household, given, seen = Household(Settings()), list[tuple[int, Room]](), list[int]()
    relay = SimpleNamespace(works=lambda *told: given.append(told), claimed=lambda _: None)
    store = SimpleNamespace(pool=SimpleNamespace(resize=lambda *_: None))
    runner = SimpleNamespace(begin=lambda *_, **__: SimpleNamespace(late=False, command_id=1))

    def run(_: object) -> str:
        with away():
            seen.append(given[0][1].away)
        return "done"

    monkeypatch.setattr(household, "_relay", relay)
    monkeypatch.setattr(household, "_runtime", SimpleNamespace(store=store, runner=runner))
    monkeypatch.setattr(household, "_run", run)

    worker: Any = SimpleNamespace(worker_threads=5)
    household.before_worker_boot(StubBroker(), worker)
    household._begin_and_run(1, "start", alone=False)

    assert given[0][0] == 5
    assert seen == [1]


@pytest.mark.parametrize("redelivered", [False, True])
def test_what_was_delivered_before_is_claimed_before_it_is_begun(
    monkeypatch: pytest.MonkeyPatch, *, redelivered: bool
) -> None:
    household, asked = Household(Settings()), list[bool]()

    def begin(*_: object, late: bool, **__: object) -> SimpleNamespace:
        asked.append(late)
        return SimpleNamespace(late=late, command_id=1)

    monkeypatch.setattr(household, "_runtime", SimpleNamespace(runner=SimpleNamespace(begin=begin)))
    monkeypatch.setattr(household, "_run", lambda command: "overtaken" if command.late else "done")

    delivered: Any = _RabbitmqMessage
    household.before_process_message(StubBroker(), delivered(redelivered, 1, message("start", 1)))
    household._begin_and_run(1, "start", alone=False)

    assert asked == ([False] if redelivered else [True, False]), "who was overtaken looks again, and claims"
