"""The embedded Postgres: one owner, gone with its owner, back after every kill."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from hitl.errors import Unavailable
from hitl.store.embedded import EmbeddedPostgres, running_url
from tests.services.folders import throwaway

OWNER = """
import sys, time
from pathlib import Path
from hitl.store.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
print(postgres.start(), postgres.pid, flush=True)
time.sleep(600)
"""
BUSY = "do $$ begin loop perform 1; end loop; end $$"


@pytest.fixture
def folder() -> Iterator[Path]:
    with throwaway("embedded") as made:
        yield made


@pytest.fixture
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _await(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def _announced(owner: subprocess.Popen[str]) -> tuple[str, int]:
    assert owner.stdout
    url, pid = owner.stdout.readline().split()
    return url, int(pid)


def _run(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _busy(url: str) -> int:
    """Start a backend that computes for ever; returns its process id once it does."""

    def compute() -> None:
        with pytest.raises(psycopg.Error):
            _run(url, BUSY)

    threading.Thread(target=compute, daemon=True).start()
    seen = "select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like 'do $$%'"
    _await(lambda: bool(_run(url, seen)))
    return int(str(_run(url, seen)[0][0]))


def test_rows_and_address_outlast_a_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder) as first:
        url = first.url
        _run(url, "create table kept as select 7 as seven")
    with EmbeddedPostgres(folder) as again:
        assert (again.url, _run(again.url, "select seven from kept")) == (url, [(7,)])


def test_others_find_it_only_while_it_runs(folder: Path) -> None:
    assert running_url(folder) is None
    with EmbeddedPostgres(folder) as postgres:
        assert running_url(folder) == postgres.url
    assert running_url(folder) is None


def test_a_second_owner_is_refused_by_name(folder: Path) -> None:
    with EmbeddedPostgres(folder), pytest.raises(Unavailable, match=f"in use by process {os.getpid()}"):
        EmbeddedPostgres(folder).start()


def test_it_heals_after_a_kill_beside_a_busy_backend(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        _run(postgres.url, "create table kept as select 7 as seven")
        backend, postmaster = _busy(postgres.url), postgres.pid
        assert postmaster
        os.kill(postmaster, signal.SIGKILL)
        _await(lambda: running_url(folder) is not None and postgres.pid != postmaster)
        assert _run(postgres.url, "select seven from kept") == [(7,)]
        assert not _lives(backend)


def test_it_dies_with_an_owner_that_was_killed(folder: Path, owner: subprocess.Popen[str]) -> None:
    _, postmaster = _announced(owner)
    owner.kill()
    owner.wait()
    _await(lambda: not _lives(postmaster))
    assert running_url(folder) is None


def test_the_next_owner_takes_over_at_once(folder: Path, owner: subprocess.Popen[str]) -> None:
    url, _ = _announced(owner)
    _run(url, "create table kept as select 7 as seven")
    _busy(url)
    owner.kill()
    owner.wait()
    with EmbeddedPostgres(folder) as mine:
        assert _run(mine.url, "select seven from kept") == [(7,)]


def test_everything_killed_at_once_is_back_with_every_confirmed_row(folder: Path, owner: subprocess.Popen[str]) -> None:
    url, postmaster = _announced(owner)
    _run(url, "create table kept as select generate_series(1, 1000)")
    _busy(url)
    family = [*psutil.Process(postmaster).children(), psutil.Process(postmaster)]
    for process in (psutil.Process(owner.pid), *family):
        with suppress(psutil.NoSuchProcess):  # they follow each other quickly
            process.kill()
    owner.wait()
    with EmbeddedPostgres(folder) as mine:
        assert _run(mine.url, "select count(*) from kept") == [(1000,)]


def test_a_killed_first_start_leaves_nothing_in_the_way(folder: Path, owner: subprocess.Popen[str]) -> None:
    _await(lambda: any((folder / "postgres").glob("making-*")))
    owner.kill()
    owner.wait()
    with EmbeddedPostgres(folder) as mine:
        assert _run(mine.url, "select 1") == [(1,)]


def test_a_stop_leaves_no_process_behind(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        assert postgres.pid
        family = [postgres.pid, *(p.pid for p in psutil.Process(postgres.pid).children())]
    assert not any(_lives(pid) for pid in family)


def test_it_is_spoken_to_through_a_socket_of_its_own(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        assert _run(postgres.url, "select inet_server_addr() is null") == [(True,)]
        assert _run(postgres.tcp_url, "select inet_server_addr()::text") == [("127.0.0.1/32",)]
        with pytest.raises(psycopg.OperationalError, match="no password"):
            _run(postgres.url.replace(urlsplit(postgres.url).password or "", ""), "select 1")


def test_the_log_grows_in_small_steps(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        assert _run(postgres.url, "show wal_segment_size") == [("4MB",)]
        assert _run(postgres.url, "show max_wal_size") == [("1GB",)]
        assert _run(postgres.url, "show min_wal_size") == [("80MB",)]


def test_what_a_crash_left_of_its_socket_does_not_bar_the_way(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        port = (postgres.home / "port").read_text().strip()
    lock = postgres.home / "socket" / f".s.PGSQL.{port}.lock"
    lock.write_text(f"{os.getpid()}\n")  # of the dead postmaster, whose number somebody else has by now
    with EmbeddedPostgres(folder) as postgres:
        assert _run(postgres.url, "select 1") == [(1,)]


@pytest.mark.parametrize("name", ["d" * 100, "comma,s"])
def test_where_there_can_be_no_socket_it_is_spoken_to_over_tcp(folder: Path, name: str) -> None:
    with EmbeddedPostgres(folder / name) as postgres:
        assert postgres.url == postgres.tcp_url
        assert _run(postgres.url, "select 1") == [(1,)]


def test_a_thread_may_start_it_and_end(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    starter = threading.Thread(target=postgres.start)
    starter.start()
    starter.join()
    with postgres:
        pid = postgres.pid
        assert _run(postgres.url, "select 1") == [(1,)]
        assert postgres.pid == pid


def test_what_people_wrote_is_not_in_its_log(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        _run(postgres.url, "create table posts (text text check (text <> 'you are a silly goose'))")
        with pytest.raises(psycopg.errors.CheckViolation):
            _run(postgres.url, "insert into posts values ('you are a silly goose')")
        assert "goose" not in (postgres.home / "log").read_text()


def test_a_start_that_cannot_work_says_why_and_lets_go(folder: Path) -> None:
    broken = EmbeddedPostgres(folder, settings={"shared_buffers": "a lot"})
    with pytest.raises(Unavailable, match="invalid value for parameter"):
        broken.start()
    with EmbeddedPostgres(folder) as postgres:
        assert _run(postgres.url, "select 1") == [(1,)]


def test_the_password_is_readable_by_its_owner_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        modes = {name: (postgres.home / name).stat().st_mode & 0o777 for name in ("password", "url", "log", "lock")}
    assert set(modes.values()) == {0o600}
