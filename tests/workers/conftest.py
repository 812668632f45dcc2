"""A crew for each test, embedded and over RabbitMQ."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.rabbitmq import PrivateRabbitMQ
from tests.workers.crew import Crew, crew


@pytest.fixture(scope="module")
def vhost_url(rabbitmq_node: PrivateRabbitMQ) -> str:
    """A virtual host for a module: what another test has left in its queue is a late doorbell, and changes nothing."""
    rabbitmq_node.start()
    return rabbitmq_node.fresh_url()


@pytest.fixture
def embedded_crew(database_url: str, tmp_path: Path) -> Iterator[Crew]:
    """Workers that hold their broker themselves."""
    with crew(database_url, tmp_path) as found:
        yield found


@pytest.fixture
def rabbit_crew(database_url: str, tmp_path: Path, rabbitmq: PrivateRabbitMQ, vhost_url: str) -> Iterator[Crew]:
    """Workers over RabbitMQ."""
    with crew(database_url, tmp_path, vhost_url) as found:
        yield found


@pytest.fixture(params=["embedded_crew", "rabbit_crew"], ids=["embedded", "rabbitmq"])
def either_crew(request: pytest.FixtureRequest) -> Crew:
    """Both, one after the other."""
    found: Crew = request.getfixturevalue(request.param)
    return found
