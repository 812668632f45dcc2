"""Lines with a deadline: nothing of it stays behind, at the pool's line or at Postgres."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest

from hitl.errors import Unavailable
from hitl.store.lines import Line, native
from hitl.store.notify import LATER, Change, Due, Notifier
from hitl.store.postgres import Store

LOCK = "select pg_advisory_xact_lock(4711)"
WAITING = """select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"""


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Of one connection."""
    with closing(Store(database_url, size=1)) as found:
        yield found


def test_the_line_that_was_used_last_is_used_next(database_url: str) -> None:
    with closing(Store(database_url, size=3)) as store:
        with store.pool.connection(), store.pool.connection(), store.pool.connection() as last:
            pass
        with store.pool.connection() as found:  # the first of the three came back last
            assert found is not last
            warm = found
        for _ in range(3):
            with store.pool.connection() as found:
                assert found is warm


def test_a_statement_is_all_that_is_asked_of_a_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    wait = Line.wait

    def counted(line: Line, gen: Any, *given: Any) -> Any:
        asked.append(gen)
        return wait(line, gen, *given)

    with store.statement() as tx:
        tx.one("select 1 as one")  # prepared from now on
    monkeypatch.setattr(Line, "wait", counted)
    with store.statement() as tx:
        tx.one("select 1 as one")
    assert len(asked) == 1


def test_a_transaction_that_was_left_open_ends_with_the_loan(store: Store) -> None:
    with store.pool.connection() as line:
        line.execute("begin")
        line.execute("create table left_open (a int)")
    with store.statement() as tx:
        assert tx.one("select to_regclass('left_open') as found") == {"found": None}


def test_who_was_hung_up_on_is_soon_gone_from_postgres_too(store: Store) -> None:
    store.patience = 0.3
    with psycopg.connect(store.url) as holder, psycopg.connect(store.url, autocommit=True) as side:
        holder.execute(LOCK)
        for _ in range(3):
            with pytest.raises(Unavailable), store.transaction() as tx:
                tx.execute(LOCK)
        until = time.monotonic() + 20.0
        while left := next(iter(side.execute(WAITING)))[0]:
            assert time.monotonic() < until, f"{left} still wait for a lock that nobody wants"
            time.sleep(0.1)


def test_a_deadline_does_not_outlive_what_it_was_for(store: Store) -> None:
    store.patience = 5.0
    with store.statement() as tx:
        assert _deadline(tx.conn)
    with store.pool.connection() as conn:
        assert _deadline(conn) is None
    store.pool.check()
    with store.pool.connection() as conn:
        assert _deadline(conn) is None


def _deadline(conn: object) -> float | None:
    assert isinstance(conn, Line)
    return conn.deadline


def test_whoever_was_stopped_within_a_transaction_finds_the_database_gone(store: Store) -> None:
    def stop_within() -> None:
        with store.transaction() as tx:
            tx.execute("set local idle_in_transaction_session_timeout = '100ms'")
            time.sleep(0.5)
            tx.one("select 1")

    with pytest.raises(Unavailable):
        stop_within()
    with store.statement() as tx:
        assert tx.one("select 1 as one") == {"one": 1}


def test_many_who_wait_for_one_row_take_no_more_connections_than_there_are(database_url: str) -> None:
    with closing(Store(database_url, size=4)) as store, psycopg.connect(database_url) as holder:
        store.patience = 0.5
        holder.execute(LOCK)

        def wait(_: int) -> None:
            with suppress(Unavailable), store.transaction() as tx:
                tx.execute(LOCK)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(wait, range(24)))
        with psycopg.connect(database_url, autocommit=True) as side:
            waiting = next(iter(side.execute(WAITING)))[0]
        assert waiting <= 12  # those hung up on within the last moment


def test_an_answer_is_its_own_until_the_next_question(store: Store) -> None:
    with store.statement() as tx:
        rows = tx.all("select n from generate_series(1, 3) n")
        first = tx.one("select 4 as four, 'x' as name")
        with pytest.raises(psycopg.errors.DivisionByZero):
            tx.execute("select 1 / 0")
        assert tx.one("select %s::int as five", (5,)) == {"five": 5}
        assert (rows, first) == ([{"n": 1}, {"n": 2}, {"n": 3}], {"four": 4, "name": "x"})


def test_others_are_woken_later_where_something_is_to_be_answered_first(store: Store) -> None:
    class Heard(Notifier):
        """Notes what it is told."""

        def wake(self, changes: Iterable[Change], *, commands: bool, due: Iterable[Due] = ()) -> None:
            heard.append((list(changes), commands))

    heard: list[tuple[list[Change], bool]] = []
    store.notifier = Heard(store.url)
    LATER.calls = calls = list[Callable[[], None]]()
    try:
        with store.transaction() as tx:
            tx.changed.add(Change("a-case"))
        assert (heard, len(calls)) == ([], 1)
        calls.pop()()
        assert heard == [([Change("a-case")], False)]
        LATER.calls = None
        with store.statement() as tx:
            tx.commands = True
        assert heard[1:] == [([], True)]
    finally:
        LATER.calls = None


def test_placeholders_become_those_of_postgres_each_name_once() -> None:
    assert native("select %(a)s, %(b)s || %(a)s, 5 %% 3") == (b"select $1, $2 || $1, 5 % 3", ("a", "b"))
    assert native("select %s, '%%' || %s")[0] == b"select $1, '%' || $2"


def test_what_has_no_parameters_is_sent_as_it_is(store: Store) -> None:
    with store.statement() as tx:
        assert tx.one("select '100 %' as share, 'a%sb' like 'a%' as alike") == {"share": "100 %", "alike": True}
        assert tx.one("select 5 %% %s as rest", (3,)) == {"rest": 2}
