"""Wake-ups come after the commit and from a connection of their own: a NOTIFY in a transaction serializes commits."""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import hitl
from hitl.store import notify
from hitl.store.bells import LONGEST
from hitl.store.listener import Listener
from hitl.store.notify import (
    BATCH,
    CASES,
    COMMANDS,
    VIGILANT,
    Change,
    Due,
    Notifier,
    called,
    due_in,
    read,
    written,
)
from tests.graphs.house import House

ROOT = Path(hitl.__file__).parent


def test_only_the_notifier_notifies() -> None:
    says = re.compile(r"""pg_notify|["']\s*(notify|NOTIFY)\s""")
    found = {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py") if says.search(p.read_text())}
    found |= {p.name for p in ROOT.rglob("*.sql") if "notify" in p.read_text().lower()}
    assert found == {"store/notify.py"}


def test_no_business_transaction_holds_the_lock_that_notify_takes(house: House) -> None:
    with house.store.transaction() as tx:
        tx.execute("select 1")
        tx.changed.add(Change("a-case"))
        tx.commands = True
        locks = tx.all("select locktype from pg_locks where locktype = 'object' and pid = pg_backend_pid()")
    assert locks == []


def test_who_listens_hears_of_each_case_and_of_new_commands_after_the_commit(house: House) -> None:
    heard: dict[str, list[str]] = {CASES: [], COMMANDS: []}
    woken = {CASES: threading.Event(), COMMANDS: threading.Event()}

    def hear(channel: str, payload: str) -> None:
        heard[channel].append(payload)
        woken[channel].set()

    listeners = [Listener(house.url, c, lambda payload, c=c: hear(c, payload)) for c in (CASES, COMMANDS)]  # type: ignore[misc]
    for listener in listeners:
        listener.start()
    _listening(house, 2)
    case_id = house.start()
    assert woken[COMMANDS].wait(10)
    house.drain()
    assert woken[CASES].wait(10)
    assert case_id in ",".join(heard[CASES])
    for listener in listeners:
        listener.close()


class RecordingNotifier(Notifier):
    """Keeps what it is told."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.told: list[Change] = []

    def wake(self, changes: Iterable[Change], *, commands: bool, due: Iterable[Due] = ()) -> None:
        self.told += changes
        super().wake(changes, commands=commands, due=due)


def test_what_is_rolled_back_wakes_nobody_and_what_is_committed_does(house: House) -> None:
    house.store.notifier = notifier = RecordingNotifier(house.url)
    with pytest.raises(LookupError):
        _change_and_fail(house)
    assert notifier.told == []
    with house.store.transaction() as tx:
        tx.changed.add(Change("a-case"))
        assert notifier.told == []
    assert notifier.told == [Change("a-case")]


def _change_and_fail(house: House) -> None:
    with house.store.transaction() as tx:
        tx.changed.add(Change("a-case"))
        raise LookupError


def _listening(house: House, n: int) -> None:
    with psycopg.connect(house.url, autocommit=True) as conn:
        while True:
            row = conn.execute(
                "select count(*) from pg_stat_activity where query like 'listen %' and datname = current_database()"
            ).fetchone()
            if row and row[0] >= n:
                return
            conn.execute("select pg_sleep(0.05)")


@contextmanager
def _hearing(house: House) -> Iterator[tuple[list[str], threading.Event]]:
    heard: list[str] = []
    woken = threading.Event()

    def hear(payload: str) -> None:
        heard.append(payload)
        woken.set()

    listener = Listener(house.url, CASES, hear)
    listener.start()
    _listening(house, 1)
    yield heard, woken
    listener.close()


def test_a_wake_up_says_how_far_the_case_has_come() -> None:
    told = [Change("a-case", 7, rest=True), Change("another", 3, rest=False)]
    assert list(read(written(told))) == told


@pytest.mark.parametrize("payload", ["a-case", "a-case:", "a-case:x:1", "a-case:7", "a-case:7:yes", "a-case:-1:1"])
def test_a_wake_up_of_another_release_may_mean_anything(payload: str) -> None:
    assert list(read(payload)) == [Change("a-case", 0, rest=True)]


def test_the_longest_payload_fits_into_a_notify_and_into_a_line() -> None:
    longest = [Change("019aa51c-7d7e-7c9a-9d6f-0d6a3f2b9c11", 2**63 - 1)] * BATCH
    assert len(written(longest).encode()) < min(8000, LONGEST)
    assert len(called([Due("rollback", 2**63 - 1, "ffffffff")] * BATCH, look=True).encode()) < min(8000, LONGEST)


@pytest.mark.parametrize("look", [True, False])
def test_a_wake_up_names_the_commands_that_are_due(look: bool) -> None:
    due = [Due("start", 12, "a1b2c3"), Due("resume", 13)]
    assert due_in(called(due, look=look)) == (due, look)


@pytest.mark.parametrize("payload", ["", "7", "start", "start:x:", ":7:", "start:-7:", "a b:7:", "start:7"])
def test_what_a_wake_up_of_another_release_says_is_looked_for(payload: str) -> None:
    due, look = due_in(payload)
    assert look is (due == [])


def test_of_several_changes_the_newest_is_told(house: House) -> None:
    with _hearing(house) as (heard, woken):
        house.store.notifier.wake([Change("a", 3, False), Change("a", 5, True), Change("a", 4, False)], commands=False)
        assert woken.wait(10)
    assert heard == ["a:5:1"]


@pytest.mark.parametrize(("rest", "commands"), [(True, False), (False, True)])
def test_news_of_a_case_under_way_wait_for_news_that_cannot(
    monkeypatch: pytest.MonkeyPatch, house: House, rest: bool, commands: bool
) -> None:
    monkeypatch.setattr(notify, "LINGER", 60.0)
    with _hearing(house) as (heard, woken):
        house.store.notifier.wake([Change("a", 3, False)], commands=False)
        house.store.notifier.wake([Change("b", 7, False)], commands=False)
        assert not woken.wait(0.3)
        house.store.notifier.wake([Change("c", 5, rest)], commands=commands)
        assert woken.wait(10)
    assert heard == [f"a:3:0,b:7:0,c:5:{rest:d}"]


def test_news_of_a_case_under_way_are_told_though_nothing_else_happens(house: House) -> None:
    with _hearing(house) as (heard, woken):
        house.store.notifier.wake([Change("a", 3, False)], commands=False)
        assert woken.wait(10)
    assert heard == ["a:3:0"]


def test_who_listens_hears_again_after_the_connection_was_cut(house: House) -> None:
    heard, lock = list[str](), threading.Semaphore(0)

    def hear(payload: str) -> None:
        heard.append(payload)
        lock.release()

    listener = Listener(house.url, CASES, hear)
    listener.start()
    for word in ("before", "after"):
        _listening(house, 1)
        house.store.notifier.wake([Change(word)], commands=False)
        assert lock.acquire(timeout=10)
        _cut(house)
    listener.close()
    assert heard == ["before:0:1", "after:0:1"]


def _cut(house: House) -> None:
    with psycopg.connect(house.url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where query like 'listen %' and datname = current_database()"
        )


def test_what_is_left_is_told_before_the_notifier_ends(house: House) -> None:
    told = threading.Event()
    listener = Listener(house.url, COMMANDS, lambda _: told.set())
    listener.start()
    _listening(house, 1)
    notifier = Notifier(house.url)
    notifier.wake([], commands=True)
    notifier.close()
    assert told.wait(10)
    listener.close()


def test_connections_find_out_that_a_server_is_gone(house: House) -> None:
    with house.store.pool.connection() as conn:
        found = conn.info.get_parameters()
    assert {name: found[name] for name in VIGILANT} == {name: str(value) for name, value in VIGILANT.items()}
    assert VIGILANT["tcp_user_timeout"] <= 10_000
