"""Every journey is made twice: on the embedded broker and over RabbitMQ."""

import pytest

from tests.journeys.client import Cast


@pytest.fixture(params=["guardian_url", "guardian_rabbit_url"], ids=["embedded", "rabbitmq"])
def cast(request: pytest.FixtureRequest) -> Cast:
    """Everybody, at the door of a running Guardian."""
    return Cast(request.getfixturevalue(request.param))
