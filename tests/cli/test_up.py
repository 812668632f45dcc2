"""`hitl up`, `hitl db`, `hitl relay` as programs: started, refused, killed, started again, stopped."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.journeys.guardian import Program, await_ready, embedded_guardian, kill
from tests.services.folders import throwaway
from tests.services.ports import free_port, listening

AUTHOR = {"Authorization": "Bearer dev-author"}
SECONDS = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    with throwaway("up") as found:
        yield found


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def _child(guardian: Program, of: str) -> psutil.Process:
    return next(p for p in guardian.family() if {of, "-P"} <= set(_words(p)))


def _words(process: psutil.Process) -> list[str]:
    """Its command line; nothing once it has ended, as Postgres' own soon do."""
    with suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []


def _post(port: int, text: str) -> str:
    answer = httpx.post(f"http://127.0.0.1:{port}/start", json={"content": text}, headers=AUTHOR, timeout=30.0)
    return str(answer.raise_for_status().json()["case_id"])


def _status(port: int, case_id: str) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}/status/{case_id}", headers=AUTHOR, timeout=30.0)
    return str(answer.raise_for_status().json()["status"])


def _at_rest(port: int, case_id: str) -> bool:
    return _status(port, case_id) in ("completed", "waiting_review")


def _refused(program: Program, code: int) -> str:
    assert program.process.wait(SECONDS) == code, program.said
    assert "Traceback" not in program.said
    return program.said


def test_the_banner_says_what_a_newcomer_needs_and_a_signal_ends_it_all(folder: Path, port: int) -> None:
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:0") as guardian:
        _until(lambda: "Ctrl-C" in guardian.said, "no banner")
        for word in (f"http://127.0.0.1:{port}/demo", "dev-moderator", "suspects every post", str(folder / "data")):
            assert word in guardian.said
        assert guardian.said.count("Guardian is ready") == 1
        guardian.stop()
        assert guardian.said.rstrip().endswith("Stopped.")
    assert not listening(port)


def test_a_second_owner_and_a_taken_port_are_refused(folder: Path, port: int) -> None:
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:0") as guardian:
        data = {"HITL_DATA_DIR": str(folder / "data")}
        other = folder / "other"
        other.mkdir()
        second = _refused(Program(other, ["hitl.cli", "up"], {**data, "HITL_PORT": "0"}), 1)
        assert f"in use by process {guardian.process.pid}" in second
        alone = _refused(Program(other, ["hitl.cli", "db"], data), 1)
        assert f"in use by process {guardian.process.pid}" in alone
        beside = {"HITL_DATA_DIR": str(other / "data"), "HITL_PORT": str(port)}
        taken = _refused(Program(other, ["hitl.cli", "up"], beside), 1)
        assert f"Port {port} is taken by process" in taken
        assert "a Guardian that runs already" in taken
        assert not (other / "data" / "postgres" / "data").exists()


def test_kill_9_leaves_nothing_running_and_loses_nothing(folder: Path, port: int) -> None:
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:3000") as guardian:
        under_way = _post(port, "First, under way when the power goes.")
        _until(lambda: _status(port, under_way) == "analyzing", "never begun")
        waiting = _post(port, "Second, hardly received.")
        guardian.kill9()
    assert not listening(port)
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:0"):
        for case_id in (under_way, waiting):
            _until(lambda case_id=case_id: _at_rest(port, case_id), f"{case_id} was lost")  # type: ignore[misc]


def test_a_desk_and_a_worker_that_die_are_replaced_and_their_work_goes_on(folder: Path, port: int) -> None:
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:1000") as guardian:
        case_id = _post(port, "Under way when its worker dies.")
        _until(lambda: _status(port, case_id) == "analyzing", "never begun")
        for name in ("workers", "uvicorn"):
            victim = _child(guardian, name)
            victim.kill()
            _until(lambda name=name, pid=victim.pid: _replaced(guardian, name, pid), f"{name} stayed dead")  # type: ignore[misc]
        await_ready(f"http://127.0.0.1:{port}", guardian)
        _until(lambda: _at_rest(port, case_id), "the case was lost")


def _replaced(guardian: Program, name: str, pid: int) -> bool:
    try:
        return _child(guardian, name).pid != pid
    except (StopIteration, psutil.Error):
        return False


def test_postgres_that_dies_comes_back_under_the_same_desk(folder: Path, port: int) -> None:
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:0") as guardian:
        for process in guardian.family():
            with suppress(psutil.NoSuchProcess):  # they end together
                if process.name() == "postgres":
                    process.kill()
        await_ready(f"http://127.0.0.1:{port}", guardian)
        case_id = _post(port, "After the database has fallen.")
        _until(lambda: _at_rest(port, case_id), "the case was lost")


def test_without_workers_posts_are_taken_and_wait(folder: Path, port: int) -> None:
    program = Program(folder, ["hitl.cli", "up", "--workers", "0"], {"HITL_DATA_DIR": "data", "HITL_PORT": str(port)})
    try:
        _until(lambda: "Ctrl-C" in program.said, "no banner")
        assert "none here" in program.said
        assert not [p for p in program.family() if "workers" in _words(p)]
        assert _status(port, _post(port, "Nobody works this off.")) == "received"
        program.stop()
    finally:
        kill(program.family() if program.process.poll() is None else [])
        program.process.wait()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_starting_ends_it_cleanly(folder: Path, sign: signal.Signals) -> None:
    program = Program(folder, ["hitl.cli", "up"], {"HITL_DATA_DIR": "data", "HITL_PORT": "0"})
    _until(lambda: "Starting the database" in program.said, "never began")
    family = program.family()
    program.process.send_signal(sign)
    assert program.process.wait(SECONDS) == 0, program.said
    assert not psutil.wait_procs(family, timeout=SECONDS)[1]
    assert "Traceback" not in program.said


def test_the_database_alone_serves_others_until_it_is_stopped(folder: Path) -> None:
    settings = {"HITL_DATA_DIR": "data"}
    database = Program(folder, ["hitl.cli", "db"], settings)
    try:
        _until(lambda: "Ctrl-C" in database.said, "never ready")
        other = Program(folder, ["hitl.cli.__main__", "database-url"], settings)
        assert other.process.wait(SECONDS) == 0
        assert other.said.strip() in database.said
        database.stop()
    finally:
        kill(database.family() if database.process.poll() is None else [])
        database.process.wait()


def test_asked_twice_it_stops_at_once(folder: Path, port: int) -> None:
    with embedded_guardian(folder, port, HITL_ANALYZER="stub:600000") as guardian:
        case_id = _post(port, "Analyzed for ten minutes.")
        _until(lambda: _status(port, case_id) == "analyzing", "never begun")
        family = guardian.family()
        guardian.process.send_signal(signal.SIGINT)
        _until(lambda: "Stopping" in guardian.said, "did not listen")
        guardian.process.send_signal(signal.SIGINT)
        assert guardian.process.wait(SECONDS) == 0, guardian.said
        assert not psutil.wait_procs(family, timeout=SECONDS)[1]


def test_a_relay_apart_serves_workers_that_do_not_relay(folder: Path, database_url: str, rabbitmq_url: str) -> None:
    port = free_port()
    own = {"HITL_DATABASE_URL": database_url, "HITL_BROKER_URL": rabbitmq_url, "HITL_ANALYZER": "stub:0"}
    desk = Program(folder, ["hitl.cli", "up"], {**own, "HITL_RELAY": "off", "HITL_PORT": str(port)})
    apart = folder / "apart"
    apart.mkdir()
    relay = Program(apart, ["hitl.cli", "relay"], own)
    try:
        await_ready(f"http://127.0.0.1:{port}", desk, relay)
        case_id = _post(port, "Handed on by a relay apart.")
        _until(lambda: _at_rest(port, case_id), f"never delivered {relay.said}")
        relay.stop()
        desk.stop()
    finally:
        for program in (desk, relay):
            kill(program.family() if program.process.poll() is None else [])
            program.process.wait()
