"""One private Postgres with the settings of `hitl up`, fsync included, and the whole core over it."""

from collections.abc import Iterator

import pytest

from bench.growth.core import Core
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate
from tests.services.folders import throwaway

WARM = 20


@pytest.fixture(scope="session")
def core() -> Iterator[Core]:
    """Warm: every statement is prepared."""
    with throwaway("micro") as folder, EmbeddedPostgres(folder) as postgres:
        migrate(postgres.url)
        found = Core(postgres.url)
        for _ in range(WARM):
            found.whole()
        yield found
        found.close()


@pytest.fixture(autouse=True)
def swept(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a benchmark left half done is not in the way of the next."""
    yield
    if "core" in request.fixturenames:
        with request.getfixturevalue("core").store.transaction() as tx:
            tx.execute("update commands set state = 'done', finished_at = now() where state not in ('done', 'failed')")
