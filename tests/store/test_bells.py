"""Wake-ups through named pipes: each listener hears each line, and who writes never waits, whoever comes or hangs."""

import errno
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hitl.store.bells import LONGEST, Bells, Pipe, beside
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.listener import Listener
from hitl.store.notify import CASES, COMMANDS, Change, Due
from hitl.store.ringer import Ringer
from tests.graphs.house import House


@pytest.fixture
def bells(tmp_path: Path) -> Iterator[Bells]:
    found = Bells(tmp_path / "pipes")
    yield found
    found.close()


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    found = Pipe(tmp_path / "pipes", "news")
    yield found
    found.close()


def _lines(pipe: Pipe, seconds: float = 10.0) -> list[str]:
    ears = select.poll()
    ears.register(pipe, select.POLLIN)
    return pipe.lines() if ears.poll(seconds * 1000) else []


def test_every_listener_of_a_channel_hears_every_line(tmp_path: Path, bells: Bells, pipe: Pipe) -> None:
    other, deaf = Pipe(tmp_path / "pipes", "news"), Pipe(tmp_path / "pipes", "newsreel")
    bells.ring("news", "one")
    bells.ring("news", "two")
    assert (_lines(pipe), _lines(other), deaf.lines()) == (["one", "two"], ["one", "two"], [])
    other.close()
    deaf.close()


def test_who_comes_later_in_the_same_moment_is_heard_of_at_once(tmp_path: Path, bells: Bells, pipe: Pipe) -> None:
    bells.ring("news", "before")
    then = (tmp_path / "pipes").stat().st_mtime_ns
    late = Pipe(tmp_path / "pipes", "news")
    os.utime(tmp_path / "pipes", ns=(then, then))  # as where a file system's clock is slow
    bells.ring("news", "after")
    assert _lines(late) == ["after"]
    late.close()


def test_nobody_rings_where_nobody_ever_listened(tmp_path: Path) -> None:
    assert Bells(tmp_path / "nowhere").ring("news", "one") is False
    assert not (tmp_path / "nowhere").exists()


def test_a_listener_that_was_killed_is_forgotten_and_the_others_hear(tmp_path: Path, bells: Bells, pipe: Pipe) -> None:
    dead = Pipe(tmp_path / "pipes", "news")
    bells.ring("news", "one")
    os.close(dead.fileno())  # as the kernel does
    assert bells.ring("news", "two") is True
    assert len(list((tmp_path / "pipes").iterdir())) == 1
    assert _lines(pipe) == ["one", "two"]


def test_a_listener_that_died_before_anybody_rang_is_forgotten(tmp_path: Path, bells: Bells, pipe: Pipe) -> None:
    os.close(Pipe(tmp_path / "pipes", "news").fileno())
    bells.ring("news", "one")
    assert len(list((tmp_path / "pipes").iterdir())) == 1
    assert _lines(pipe) == ["one"]


def test_a_pipe_that_is_being_made_is_left_alone(tmp_path: Path, bells: Bells, pipe: Pipe) -> None:
    making = tmp_path / "pipes" / ".news.0123"
    os.mkfifo(making)
    bells.ring("news", "one")
    assert making.exists()


def test_who_does_not_read_keeps_nobody_waiting_and_loses_whole_lines(bells: Bells, pipe: Pipe) -> None:
    line = "x" * (LONGEST // 2)
    for _ in range(200):
        bells.ring("news", line)
    assert bells.ring("news", line) is False
    heard = [line for _ in range(100) for line in _lines(pipe, 0)]
    assert 1 < len(heard) < 200
    assert set(heard) == {line}
    assert bells.ring("news", "after") is True
    assert _lines(pipe) == ["after"]


def test_lines_written_at_once_by_many_come_whole(tmp_path: Path, pipe: Pipe) -> None:
    def ring(word: str) -> None:
        writer = Bells(tmp_path / "pipes")
        for _ in range(20):
            writer.ring("news", word * 400)  # so that the pipe holds all of them, if the reader is slow
        writer.close()

    threads = [threading.Thread(target=ring, args=(word,)) for word in "abcde"]
    for thread in threads:
        thread.start()
    heard = list[str]()
    while len(heard) < 100 and (lines := _lines(pipe)):
        heard += lines
    for thread in threads:
        thread.join()
    assert sorted(heard) == sorted(word * 400 for word in "abcde" for _ in range(20))


def test_only_an_embedded_postgres_that_is_spoken_to_by_its_socket_has_bells(own_postgres: EmbeddedPostgres) -> None:
    assert beside(own_postgres.url) == own_postgres.home / "bells" / "postgres"
    assert beside(own_postgres.url.replace("/postgres?", "/another?")) == own_postgres.home / "bells" / "another"
    assert beside(own_postgres.tcp_url) is None
    assert beside("postgresql:///guardian?host=/var/run/postgresql") is None


def test_who_listens_hears_bells_and_notifies_alike(house: House, tmp_path: Path) -> None:
    heard, came = list[str](), threading.Semaphore(0)

    def hear(payload: str) -> None:
        heard.append(payload)
        came.release()

    listener = Listener(house.url, CASES, hear, tmp_path / "pipes")
    listener.start()
    ringer = Ringer(house.url, Bells(tmp_path / "pipes"))
    ringer.wake([Change("a", 3, True)], commands=False)
    assert came.acquire(timeout=10)
    house.store.notifier.wake([Change("b", 4, True)], commands=False)
    assert came.acquire(timeout=10)
    listener.close()
    ringer.close()
    assert heard == ["a:3:1", "b:4:1"]


def test_a_command_is_told_before_the_news_of_its_case(tmp_path: Path) -> None:
    news, work = Pipe(tmp_path / "pipes", CASES), Pipe(tmp_path / "pipes", COMMANDS)
    ringer = Ringer("postgresql:///nowhere", Bells(tmp_path / "pipes"))
    ringer.wake([Change("a", 3, False)], commands=False, due=[Due("resume", 7)])
    assert (_lines(work), _lines(news)) == (["resume:7:"], ["a:3:0"])
    for end in (news, work, ringer):
        end.close()


@pytest.mark.parametrize("broken", ["open", "listdir"])
def test_who_cannot_open_one_more_file_takes_no_listener_for_dead(
    tmp_path: Path, bells: Bells, pipe: Pipe, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def none_left(*_: object, **__: object) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, broken, none_left)
        assert bells.ring("news", "one") is False
    assert bells.ring("news", "two") is True
    assert _lines(pipe) == ["two"]


def test_what_nobody_heard_through_a_pipe_is_told_by_notify(house: House, tmp_path: Path) -> None:
    heard, came = list[str](), threading.Semaphore(0)

    def hear(payload: str) -> None:
        heard.append(payload)
        came.release()

    elsewhere = Listener(house.url, COMMANDS, hear)
    news = Pipe(tmp_path / "pipes", CASES)
    elsewhere.start()
    ringer = Ringer(house.url, Bells(tmp_path / "pipes"))
    for _ in range(100):  # until it listens
        ringer.wake([Change("a", 3, True)], commands=False, due=[Due("start", 7, "x")])
        if came.acquire(timeout=0.1):
            break
    elsewhere.close()
    ringer.close()
    assert set(heard) == {"start:7:x"}
    assert set(_lines(news)) == {"a:3:1"}
    news.close()


def test_who_cannot_take_in_what_is_told_hears_the_next_all_the_same(house: House, tmp_path: Path) -> None:
    came = threading.Event()

    def hear(payload: str) -> None:
        if payload != "good":
            raise LookupError
        came.set()

    listener = Listener(house.url, CASES, hear, tmp_path / "pipes")
    listener.start()
    bells = Bells(tmp_path / "pipes")
    for word in ("bad", "good"):
        assert bells.ring(CASES, word)
    assert came.wait(10)
    listener.close()
    bells.close()


def test_where_the_database_is_another_accounts_there_are_no_bells(
    own_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert beside(own_postgres.url) is None


def test_who_rings_for_one_that_was_just_killed_is_told_that_nobody_heard(tmp_path: Path, bells: Bells) -> None:
    dead = Pipe(tmp_path / "pipes", "news")
    bells.ring("news", "one")
    os.close(dead.fileno())
    assert bells.ring("news", "two") is False


def test_who_is_told_by_a_call_finds_nothing_in_its_pipe(house: House, tmp_path: Path, bells: Bells) -> None:
    own, other = Pipe(tmp_path / "pipes", CASES), Pipe(tmp_path / "pipes", CASES)
    told: list[list[Change]] = []
    ringer = Ringer(house.url, bells)
    ringer.spare(own, told.append)
    ringer.wake([Change("a", 3, True)], commands=False)
    assert told == [[Change("a", 3, True)]]
    assert _lines(other) == ["a:3:1"]
    other.close()
    assert bells.ring(CASES, "b", but=own.name)  # nobody else is there, and that is all who had to hear it
    assert _lines(own, 0) == []
    own.close()
    ringer.close()


def test_who_has_nothing_to_tell_wakes_nobody_here(tmp_path: Path) -> None:
    """Each look ends like a write: one that woke whoever looks when woken would never end."""
    ringer, own, told = Ringer("", Bells(tmp_path / "pipes")), Pipe(tmp_path / "pipes", CASES), list[list[Change]]()
    ringer.spare(own, told.append)
    ringer.wake((), commands=False)
    ringer.wake((), commands=True)
    assert told == []
    ringer.wake([Change("a-case", 3)], commands=False)
    assert (told, own.lines()) == ([[Change("a-case", 3)]], [])
    ringer.close()
    own.close()


def test_once_the_one_told_by_a_call_has_gone_others_are_notified(house: House, tmp_path: Path, bells: Bells) -> None:
    ringer, own, told = Ringer(house.url, bells), Pipe(tmp_path / "pipes", CASES), list[list[Change]]()
    ringer.spare(own, told.append)
    ringer.forget()
    own.close()
    with psycopg.connect(house.url, autocommit=True) as other:
        other.execute(f"listen {CASES}".encode())
        ringer.wake([Change("a", 3, True)], commands=False)
        heard = next(other.notifies(timeout=10))
    assert (told, heard.payload) == ([], "a:3:1")
    ringer.close()
