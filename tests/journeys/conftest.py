"""Every journey is made twice: on the embedded broker and over RabbitMQ."""

from collections.abc import Iterator

import pytest

from tests.journeys.client import Cast


@pytest.fixture(params=["guardian_url", "guardian_rabbit_url"], ids=["embedded", "rabbitmq"])
def cast(request: pytest.FixtureRequest) -> Iterator[Cast]:
    """Everybody, at the door of a running Guardian."""
    found = Cast(request.getfixturevalue(request.param))
    yield found
    found.close()
