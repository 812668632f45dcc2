"""Both platforms, for one conformance suite: the forum on real Postgres, HTTP against the example server."""

from collections.abc import Iterator

import pytest

from hitl.platforms.embedded import EmbeddedForum
from hitl.platforms.http import HttpPlatform
from hitl.platforms.port import Platform
from hitl.store.forum import Forum
from hitl.store.postgres import Store
from tests.platforms.example import SECRET, example_server
from tests.services.postgres import Databases


@pytest.fixture(scope="module")
def store(databases: Databases) -> Iterator[Store]:
    """One database per module: each test uses targets and keys of its own."""
    with databases.fresh() as url:
        found = Store(url, size=10)
        yield found
        found.close()


@pytest.fixture(scope="module")
def forum(store: Store) -> EmbeddedForum:
    """The embedded forum."""
    return EmbeddedForum(Forum(store))


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """The example server, which checks signatures."""
    with example_server("--secret", SECRET) as url:
        yield url


@pytest.fixture(scope="module")
def http_platform(server_url: str) -> Iterator[HttpPlatform]:
    """The HTTP platform, with the server's secret."""
    found = HttpPlatform(server_url, secret=SECRET)
    yield found
    found.close()


@pytest.fixture(scope="module", params=["forum", "http_platform"])
def platform(request: pytest.FixtureRequest) -> Platform:
    """Each of the two in turn."""
    found: Platform = request.getfixturevalue(request.param)
    return found
