"""The databases that tests get."""

import psycopg

from tests.services.postgres import Databases


def test_a_fresh_database_is_migrated_and_its_own(databases: Databases) -> None:
    with databases.fresh() as one, databases.fresh() as other:
        with psycopg.connect(one, autocommit=True) as connection:
            connection.execute("create table only_here ()")
        with psycopg.connect(other) as connection:
            row = connection.execute("select to_regclass('only_here'), to_regclass('cases')::text").fetchone()
    assert row == (None, "cases")
