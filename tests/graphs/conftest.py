"""The whole core over a fresh database."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.graphs.house import House
from tests.graphs.watched import Watched
from tests.services.postgres import Databases

KEPT = ["migrations", "policy_sets", "checkpoint_migrations"]
EMPTY = """select string_agg(quote_ident(tablename), ', ') from pg_tables
    where schemaname = 'public' and not tablename = any(%s)"""


@pytest.fixture(scope="session")
def house_url(databases: Databases) -> Iterator[str]:
    """One database for all houses: emptying it takes a tenth of the time that making one takes."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def house(house_url: str) -> Iterator[House]:
    """Nothing runs in it unless the test delivers it."""
    with psycopg.connect(house_url, autocommit=True) as conn:
        row = conn.execute(EMPTY, (KEPT,)).fetchone()
        assert row is not None, "an aggregate has a row"
        conn.execute(f"truncate {row[0]} restart identity cascade")
    found = House(house_url)
    yield found
    found.close()


@pytest.fixture
def watched(house: House) -> Watched:
    """The store of the house, watched."""
    house.store.close()
    house.store = found = Watched(house.url)
    return found
