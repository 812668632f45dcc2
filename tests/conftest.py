"""What every test can ask for: real services of its own. What is not installed fails, and says what to install."""

from collections.abc import Iterator
from typing import Any

import pytest

from hitl.store.embedded import EmbeddedPostgres
from tests.journeys.guardian import guardian_rabbit_url, guardian_url  # noqa: F401 -- fixtures
from tests.services.chromium import ARGS, find_chromium
from tests.services.ports import free_port
from tests.services.postgres import Databases, private_postgres
from tests.services.rabbitmq import PrivateRabbitMQ, private_rabbitmq


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers last: Playwright leaves an event loop running in the main thread, and a test that starts one fails."""
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres of this session's own."""
    with private_postgres() as postgres:
        yield postgres.tcp_url


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Databases:
    """Makes databases; the template is migrated once per session."""
    return Databases(postgres_url)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh, migrated database."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A fresh database without a single table."""
    with databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres for one test alone, to be killed and started again."""
    with private_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[PrivateRabbitMQ]:
    """The session's RabbitMQ node, not started yet; `rabbitmq` is what tests want."""
    with private_rabbitmq() as node:
        yield node


@pytest.fixture
def rabbitmq(rabbitmq_node: PrivateRabbitMQ) -> PrivateRabbitMQ:
    """The session's RabbitMQ node, up, whatever the test before did to it."""
    rabbitmq_node.start()
    return rabbitmq_node


@pytest.fixture
def rabbitmq_url(rabbitmq: PrivateRabbitMQ) -> str:
    """A virtual host of this test's own on the session's RabbitMQ node."""
    return rabbitmq.fresh_url()


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    return free_port()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Playwright starts the system's Chromium."""
    return {**browser_type_launch_args, "executable_path": find_chromium(), "args": ARGS}
