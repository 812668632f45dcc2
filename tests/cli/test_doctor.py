"""`hitl doctor` finds what is wrong, and says how to mend it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from hitl.store import events
from tests.cli.conftest import Run
from tests.graphs.house import House


@contextmanager
def _talker(says: bytes) -> Iterator[int]:
    """Somebody who listens, and answers whatever comes with the same words."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(8)
                peer.sendall(says)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5.0)


def _line(output: str, what: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(what))


def test_a_database_without_workers_is_a_warning(run: Run, database_url: str) -> None:
    result = run("doctor", HITL_DATABASE_URL=database_url)
    assert result.exit_code == 0, result.output
    assert " ok " in _line(result.stdout, "database")
    assert " ok " in _line(result.stdout, "migrations")
    assert "posts wait" in _line(result.stdout, "workers")
    assert "local@1" in _line(result.stdout, "analyzer")


def test_missing_migrations_fail(run: Run, empty_database_url: str) -> None:
    result = run("doctor", HITL_DATABASE_URL=empty_database_url)
    assert result.exit_code == 1
    assert "hitl migrate" in _line(result.stdout, "migrations")
    assert run("migrate", HITL_DATABASE_URL=empty_database_url).exit_code == 0
    assert " ok " in _line(run("doctor", HITL_DATABASE_URL=empty_database_url).stdout, "migrations")


def test_events_of_another_server_fail_until_they_are_given_numbers_of_this_one(run: Run, database_url: str) -> None:
    house = House(database_url)
    first, second = house.start("one text"), house.start("another")
    house.sql("update events set tx = (tx::text::numeric + 1000000000)::text::xid8")
    with house.store.transaction() as tx:
        assert events.of_all(tx, "default", None, cursor="0", limit=9) == []
    assert "hitl migrate" in _line(run("doctor", HITL_DATABASE_URL=database_url).stdout, "events")
    assert "2 restored events" in run("migrate", HITL_DATABASE_URL=database_url).stdout
    with house.store.transaction() as tx:
        found = [r["case_id"] for r in events.of_all(tx, "default", None, cursor="0", limit=9)]
    assert found == [first, second]
    assert " ok " in _line(run("doctor", HITL_DATABASE_URL=database_url).stdout, "events")
    assert "up to date" in run("migrate", HITL_DATABASE_URL=database_url).stdout
    house.close()


def test_no_database_fails_and_the_rest_is_checked_all_the_same(run: Run) -> None:
    result = run("doctor", HITL_ANALYZER="stub:1")
    assert result.exit_code == 1
    assert "hitl db" in _line(result.stdout, "database")
    assert " warn " in _line(result.stdout, "analyzer")


def test_wrong_settings_fail(run: Run) -> None:
    result = run("doctor", HITL_PORT="x", HITL_WINDOW="0")
    assert result.exit_code == 1
    assert "HITL_PORT" in result.stdout
    assert "HITL_WINDOW" in result.stdout


def test_an_analyzer_that_does_not_exist_fails(run: Run, database_url: str) -> None:
    result = run("doctor", HITL_DATABASE_URL=database_url, HITL_ANALYZER="nonsense")
    assert result.exit_code == 1
    assert "names no analyzer" in _line(result.stdout, "analyzer")


def test_a_real_broker_is_known_by_its_greeting(run: Run, rabbitmq_url: str) -> None:
    shown = _line(run("doctor", HITL_BROKER_URL=rabbitmq_url).stdout, "broker")
    assert " ok " in shown
    assert "guest:guest" not in shown


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "amqp://127.0.0.1:nan/", "nonsense"])
def test_a_broker_url_that_is_none_fails(run: Run, url: str) -> None:
    assert "is no AMQP URL" in _line(run("doctor", HITL_BROKER_URL=url).stdout, "broker")


def test_a_broker_that_is_down_or_somebody_else_fails(run: Run, port: int) -> None:
    down = run("doctor", HITL_BROKER_URL=f"amqp://u:secret@127.0.0.1:{port}/")
    assert "does not answer" in _line(down.stdout, "broker")
    assert "secret" not in down.output
    with _talker(b"HTTP/1.1 400 Bad Request\r\n\r\n") as other:
        stranger = run("doctor", HITL_BROKER_URL=f"amqp://127.0.0.1:{other}/")
    assert "does not speak AMQP" in _line(stranger.stdout, "broker")


def test_a_token_file_without_moderators_is_a_warning(run: Run, database_url: str) -> None:
    run("token", "create", "ana", "--role", "author", "--file", "tokens.json")
    result = run("doctor", HITL_DATABASE_URL=database_url, HITL_TOKENS="tokens.json")
    assert "hitl token create NAME --role moderator" in _line(result.stdout, "tokens")
