"""Writes that ride along with the next statement: done with it or not at all, and unseen by it."""

import psycopg
import pytest

from hitl.store.postgres import Tx
from hitl.store.riders import Write, together
from tests.graphs.house import House

TABLE = "create table if not exists stops (name text primary key, n int not null)"
ADD = "insert into stops (name, n) values (%s, %s)"
LOOK = "select name, n from stops order by name"


@pytest.fixture
def rows(house: House) -> House:
    house.sql(TABLE)
    house.sql("truncate stops")
    return house


def _seen(tx: Tx, sql: str = LOOK, params: object = None) -> list[tuple[str, int]]:
    return [(row["name"], row["n"]) for row in tx.all(sql, params)]


def _write(rows: House, *values: tuple[str, int | None]) -> None:
    with rows.store.transaction() as tx:
        for row in values:
            tx.along(ADD, row)


def _given_up(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD, ("a", 1))
        raise ZeroDivisionError


def test_a_rider_is_done_with_the_next_statement_which_does_not_see_it(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD, ("a", 1))
        assert _seen(tx) == []
        assert _seen(tx) == [("a", 1)]


def test_what_nothing_came_after_is_done_with_the_commit(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD, ("a", 1))
        tx.along("insert into stops (name, n) values (%(name)s, %(n)s)", {"name": "b", "n": 2})
    with rows.store.statement() as tx:
        tx.along("update stops set n = n + %(more)s where name = %(name)s", {"name": "a", "more": 4})
    assert rows.rows(LOOK) == [{"name": "a", "n": 5}, {"name": "b", "n": 2}]


def test_parameters_of_the_same_name_and_place_keep_apart(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along("insert into stops (name, n) values (%(name)s, %(n)s)", {"name": "a", "n": 1})
        tx.along(ADD, ("b", 2))
        tx.along(ADD + ";", ["c", 3])
        assert _seen(tx, "select %(name)s as name, %(n)s::int as n", {"name": "mine", "n": 9}) == [("mine", 9)]
        tx.along("delete from stops where name = %s", ("c",))
        assert _seen(tx, "select %s as name, %s::int as n", ("mine", 8)) == [("mine", 8)]
        assert _seen(tx) == [("a", 1), ("b", 2)]


def test_a_statement_with_queries_of_its_own_takes_riders_along(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD, ("a", 1))
        more = "WITH new as (insert into stops (name, n) values (%(name)s, 2) returning name, n) select * from new"
        assert _seen(tx, "\n  " + more, {"name": "b"}) == [("b", 2)]
        assert _seen(tx) == [("a", 1), ("b", 2)]


def test_what_cannot_take_riders_along_comes_after_them(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD, ("a", 1))
        tx.execute("set local synchronous_commit = off")
        assert _seen(tx) == [("a", 1)]
        tx.along(ADD, ("b", 2))
        more = (
            "with recursive up as (select 1 as n union all select n + 1 from up where n < 3) select max(n) as n from up"
        )
        assert tx.one(more) == {"n": 3}
        assert _seen(tx) == [("a", 1), ("b", 2)]


def test_texts_keep_what_looks_like_something_else(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD + " -- the first", ("a", 1))
        assert tx.one("select '100%' as much, 'a' like '%' as like") == {"much": "100%", "like": True}
        assert _seen(tx) == [("a", 1)]


def test_when_one_fails_none_is_done(rows: House) -> None:
    with rows.store.transaction() as tx:
        tx.along(ADD, ("b", 2))
        tx.along(ADD, ("b", 3))
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.execute(ADD, ("a", 1))
        tx.conn.execute("rollback")
    assert rows.rows(LOOK) == []


def test_what_fails_with_the_commit_fails_the_transaction(rows: House) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation):
        _write(rows, ("a", 1), ("b", None))
    assert rows.rows(LOOK) == []


def test_a_transaction_that_is_given_up_gives_up_its_riders(rows: House) -> None:
    with pytest.raises(ZeroDivisionError):
        _given_up(rows)
    assert rows.rows(LOOK) == []


def test_the_same_texts_make_the_same_statement() -> None:
    """Else Postgres would have to plan it each time."""
    one, other = (together([Write(ADD, (name, 1))], LOOK, None) for name in ("a", "b"))
    assert one.sql is other.sql


def _look_with_a_rider(rows: House) -> None:
    with rows.store.statement() as tx:
        tx.along(ADD, ("c", 9))
        tx.one("select 1 as one")


def test_a_look_takes_nothing_along_where_each_statement_is_committed_by_itself(rows: House) -> None:
    with pytest.raises(RuntimeError, match="proves nothing"):
        _look_with_a_rider(rows)
    assert rows.rows("select 1 from stops where name = 'c'") == []
