"""What is planned once, what is planned anew, and what no index may look at."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest

from hitl.errors import Unavailable
from hitl.store import maintenance
from hitl.store.pool import PREPARED
from hitl.store.postgres import Store, Tx
from tests.graphs.house import SUPERVISOR, House, edit

# Columns that a row's own life changes: an index on one of them would make each change write to all of its indexes.
CHANGING = {
    "cases": ["status", "outcome", "version", "round", "updated_at"],
    "actions": ["status", "sent_at", "called", "called_at", "before", "after", "reference", "error", "attention",
                "applied_at", "reversed_at"],
}  # fmt: skip
INDEXED = """select distinct a.attname::text as name from pg_index i
    join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
        and d.refobjid = i.indrelid and d.refobjsubid > 0
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid
    where i.indrelid = %s::regclass"""


@pytest.mark.parametrize(("table", "known"), [("cases", "cleared"), ("actions", "target")])
def test_no_index_looks_at_what_changes_with_its_row(house: House, table: str, known: str) -> None:
    found = {row["name"] for row in house.rows(INDEXED, (table,))}
    assert known in found
    assert found.isdisjoint(CHANGING[table])


def test_a_statement_is_prepared_when_it_is_first_sent_unless_it_is_planned_anew(house: House) -> None:
    known = "select count(*) as n from pg_prepared_statements where statement like %s"
    with house.store.transaction() as tx:
        for _ in range(2):
            tx.one("select %s::int as once", (1,))
            tx.one("select %s::int as anew", (1,), anew=True)
        assert tx.one(known, ("select $1::int as once",)) == {"n": 1}
        assert tx.one(known, ("select %::int as anew",)) == {"n": 0}


def test_values_of_what_is_planned_anew_arrive_as_they_are(house: House) -> None:
    for text in ("it's", "100 %", "%s", "back\\slash", "$1", "ü\n"):
        with house.store.transaction() as tx:
            row = tx.one("select %(a)s::text as a, %(b)s::int as b, %(c)s::text[] as c", _values(text), anew=True)
        assert row == _values(text)


def _values(text: str) -> dict[str, object]:
    return {"a": text, "b": None, "c": [text, "other"]}


@pytest.mark.parametrize("way", ["statement", "transaction"])
def test_what_was_prepared_before_a_migration_fails_once_and_is_prepared_anew(house: House, way: str) -> None:
    house.sql("drop table if exists changing")
    house.sql("create table changing (name text)")
    store = Store(house.url, size=1)
    look: Callable[[], AbstractContextManager[Tx]] = getattr(store, way)
    with look() as tx:
        assert tx.all("select name from changing") == []
    house.sql("alter table changing alter name type varchar")
    with pytest.raises(Unavailable, match="migrated"), look() as tx:
        tx.all("select name from changing")
    with look() as tx:
        assert tx.all("select name from changing") == []
    store.close()


def test_what_postgres_cannot_do_at_all_is_no_migration(house: House) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported), house.store.statement() as tx:
        tx.execute("select from pg_class, pg_class other full join pg_type on true for update")


def test_all_statements_of_a_whole_case_fit_beside_each_other_on_a_line(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"))
    house.rollback(case_id)
    house.drain()
    with house.store.transaction() as tx:
        row = tx.one("select count(*) as n from pg_prepared_statements")
    assert row is not None
    assert 0 < row["n"] < PREPARED


def test_a_case_that_was_cleared_is_cleared_again_after_whatever_happens_to_it(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"))
    assert _cleared(house, case_id) == 1
    assert _cleared(house, case_id) == 0
    house.rollback(case_id)
    house.drain()
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    assert _cleared(house, case_id) == 1


def _cleared(house: House, case_id: str) -> int:
    house.sql(
        "update cases set created_at = now() - interval '9 days', updated_at = now() - interval '9 days'"
        " where case_id = %s",
        (case_id,),
    )
    with house.store.transaction() as tx:
        return maintenance.clear_long_closed(tx, 7, 10)
