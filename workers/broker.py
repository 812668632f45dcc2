"""The doorbell: RabbitMQ when a URL is set, Dramatiq's own in-process broker otherwise. Never the truth."""

from typing import Any

from dramatiq.broker import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware

DELIVERY_LIMIT = 5  # a second net: the first is the `attempts` column
QUERY = "heartbeat=30&blocked_connection_timeout=10&connection_attempts=3&retry_delay=1&socket_timeout=10"


class QuorumBroker(RabbitmqBroker):
    """RabbitMQ with quorum queues and a delivery limit; neither is an option of Dramatiq's."""

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        arguments: dict[str, Any] = super()._build_queue_arguments(queue_name)  # type: ignore[no-untyped-call]
        arguments.pop("x-max-priority", None)  # quorum queues know no priority: the relay orders
        arguments |= {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
        return arguments


def build(url: str | None, middleware: list[Middleware]) -> Broker:
    """The broker that the setting names. No retries here: attempts are counted in Postgres, and actors never raise."""
    if url is None:
        return StubBroker(middleware=middleware)
    parameters = url if "?" in url else f"{url}?{QUERY}"
    return QuorumBroker(url=parameters, confirm_delivery=True, middleware=middleware)
