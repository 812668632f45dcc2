"""The whole core over a fresh database."""

from collections.abc import Iterator

import pytest

from tests.graphs.house import House


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """Nothing runs in it unless the test delivers it."""
    found = House(database_url)
    yield found
    found.close()
