"""Packets: several statements as one, that leave together, are one transaction, and see what others did meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from hitl.errors import Unavailable
from hitl.store.lines import packet
from hitl.store.postgres import Store

WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
LOCK = "select pg_advisory_xact_lock(4712)"
PUT = "insert into put values (%s)"
FOUND = "select coalesce(array_agg(n order by n), '{}') as found from put"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Of one line, and a table."""
    with closing(Store(database_url, size=1)) as found:
        with found.transaction() as tx:
            tx.execute("drop table if exists put")
            tx.execute("create table put (n int check (n < 10))")
        yield found


def _put(store: Store, numbers: list[int]) -> None:
    with store.statement() as tx, packet(tx.conn):
        for n in numbers:
            tx.execute(PUT, (n,))


def _found(store: Store) -> list[int]:
    with psycopg.connect(store.url) as side:
        return list(next(iter(side.execute(FOUND)))[0])


def test_what_is_in_a_packet_is_one_transaction_and_answers_afterwards(store: Store) -> None:
    for _ in range(2):  # what has to be prepared, and what has been
        with store.statement() as tx:
            with packet(tx.conn):
                tx.execute(PUT, (1,))
                last = tx.execute(f"{PUT} returning n", (2,))
            assert last.fetchone() == {"n": 2}
            found = tx.one("select count(distinct xmin::text) as transactions, count(*) as n from put")
            assert found == {"transactions": 1, "n": 2}
            tx.execute("truncate put")


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_of_a_packet_that_fails_nothing_is_done_and_it_says_what_failed(store: Store, bad: int) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.CheckViolation):
            _put(store, [10 if n == bad else n for n in range(3)])
    assert _found(store) == []
    _put(store, [3])  # the line is as good as new
    with store.statement() as tx:
        assert tx.one(FOUND) == {"found": [3]}


class _Stop(BaseException):
    """Whatever may happen."""


def test_nothing_leaves_before_the_end_and_nothing_at_all_when_something_is_raised(store: Store) -> None:
    def stop_halfway() -> None:
        with store.statement() as tx, packet(tx.conn):
            tx.execute(LOCK)
            tx.execute(PUT, (1,))
            time.sleep(0.05)
            with psycopg.connect(store.url) as side:
                assert side.execute("select pg_try_advisory_xact_lock(4712)").fetchall() == [(True,)]
            raise _Stop

    with pytest.raises(_Stop):
        stop_halfway()
    assert _found(store) == []
    _put(store, [1])  # by the same statements


def test_each_statement_sees_what_was_committed_while_those_before_it_waited(store: Store) -> None:
    seen: list[object] = []

    def look() -> None:
        with store.statement() as tx:
            with packet(tx.conn):
                tx.execute(LOCK)
                last = tx.execute(FOUND)
            seen.append(last.fetchone())

    thread = threading.Thread(target=look)
    with psycopg.connect(store.url) as holder, psycopg.connect(store.url, autocommit=True) as side:
        holder.execute(LOCK)
        thread.start()
        while not side.execute(WAITING).fetchall():
            time.sleep(0.005)
        side.execute("insert into put values (7)")
    thread.join()
    assert seen == [{"found": [7]}]


def test_a_packet_that_is_not_answered_in_time_leaves_no_line_behind(store: Store) -> None:
    def lock() -> None:
        with store.statement() as tx, packet(tx.conn):
            tx.execute(LOCK)
            tx.execute(PUT, (1,))

    store.patience = 0.3
    with psycopg.connect(store.url) as holder:
        holder.execute(LOCK)
        with pytest.raises(Unavailable):
            lock()
    store.patience = None
    with store.statement() as tx:
        assert tx.one("select 1 as one") == {"one": 1}
