"""Wrong settings and missing services: one clear line, an exit code, no traceback."""

import socket

import pytest

from hitl.cli import ports
from hitl.errors import Unavailable
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["up"], {"HITL_PORT": "99999"}, "HITL_PORT is '99999'"),
        (["up", "--workers", "-1"], {}, "HITL_WORKERS is -1"),
        (["up"], {"HITL_HOST": "0.0.0.0"}, "HITL_TOKENS is not set"),
        (["up"], {"HITL_TOKENS": "nowhere.json"}, "nowhere.json cannot be read"),
        (["up"], {"HITL_ANALYZER": "nonsense"}, "names no analyzer"),
        (["up"], {"HITL_ANALYZER": "stub:soon"}, "stub:MILLISECONDS"),
        (["database-url"], {}, "hitl db"),
        (["case", "list"], {}, "hitl db"),
        (["relay"], {}, "HITL_BROKER_URL"),
        (["db"], {"HITL_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "unset it"),
        (["retry"], {}, "--all"),
        (["relay"], {"HITL_BROKER_URL": "", "HITL_TOKENS": "", "HITL_PORT": "", "HITL_RELAY": ""}, "HITL_BROKER_URL"),
        (["database-url"], {"HITL_DATABASE_URL": ""}, "hitl db"),
    ],
)
def test_a_wrong_setting_is_named(run: Run, arguments: list[str], settings: dict[str, str], said: str) -> None:
    result = run(*arguments, **settings)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_database_that_is_down_is_one_line(run: Run, port: int) -> None:
    gone = f"postgresql://nobody:secret@127.0.0.1:{port}/none"
    for command in (("migrate",), ("case", "list"), ("retry", "--all")):
        result = run(*command, HITL_DATABASE_URL=gone)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("Error: The database cannot be reached")
        assert "secret" not in result.output


def test_a_database_without_tables_is_one_line(run: Run, empty_database_url: str) -> None:
    result = run("case", "list", HITL_DATABASE_URL=empty_database_url)
    assert result.exit_code == 1
    assert "hitl migrate" in result.stderr


def test_every_command_has_help(run: Run) -> None:
    for command in ("up", "doctor", "retry", "seed", "migrate", "db", "database-url", "relay", "case", "token"):
        assert run(command, "--help").exit_code == 0
        assert command in run("--help").output


def test_a_taken_port_is_named_with_its_holder() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"Port {taken} is taken by process \d+ \(.+\)\. .*HITL_PORT=0"):
            ports.choose("127.0.0.1", taken)


def test_any_free_port_will_do() -> None:
    assert ports.choose("127.0.0.1", 0) > 0


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Unavailable, match="Cannot listen on 192\\.0\\.2\\.1"):
        ports.choose("192.0.2.1", 8123)
