"""The doorbell: RabbitMQ when a URL is set, Dramatiq's own in-process broker otherwise. Never the truth."""

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import dramatiq
from dramatiq import Message
from dramatiq.broker import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name
from dramatiq.middleware import Middleware

from workers.doorbell import DoorbellEncoder

DELIVERY_LIMIT = 5  # a second net: the first is the `attempts` column
PROTECTIVE = {
    "heartbeat": "30",
    "blocked_connection_timeout": "5",
    "connection_attempts": "3",
    "retry_delay": "1",
    "socket_timeout": "10",
}


class QuorumBroker(RabbitmqBroker):
    """RabbitMQ with quorum queues and a delivery limit; neither is an option of Dramatiq's.

    `publishing_since` is the monotonic time since when the broker has owed a confirmation; None when it owes none.
    """

    publishing_since: float | None = None

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Publish, and wait for the confirmation."""
        try:
            return super().enqueue(message, delay=delay)
        finally:
            self.publishing_since = None

    def _declare_dq_queue(self, queue_name: str) -> Any:
        # Nothing is ever delayed, so this one stays classic: a quorum queue can be killed at birth, and then whoever
        # consumes from it hangs for a minute, which keeps a worker from stopping.
        arguments = super()._build_queue_arguments(queue_name)  # type: ignore[no-untyped-call]
        return self.channel.queue_declare(queue=dq_name(queue_name), durable=True, arguments=arguments)

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        arguments: dict[str, Any] = super()._build_queue_arguments(queue_name)  # type: ignore[no-untyped-call]
        arguments.pop("x-max-priority", None)  # quorum queues know no priority: the relay orders
        arguments |= {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
        return arguments


class _Stopwatch(Middleware):
    """Starts anew with each of Dramatiq's attempts, so that a broker that is down is not taken for a stuck queue."""

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """An attempt begins."""
        if isinstance(broker, QuorumBroker):
            broker.publishing_since = time.monotonic()


def dialed(url: str) -> str:
    """The URL with protective timeouts, as far as it does not set them itself."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit(parts._replace(query=urlencode({**PROTECTIVE, **given})))


def build(url: str | None, middleware: list[Middleware]) -> Broker:
    """The broker that the setting names. No retries here: attempts are counted in Postgres, and actors never raise."""
    dramatiq.set_encoder(DoorbellEncoder())
    if url is None:
        return StubBroker(middleware=middleware)
    return QuorumBroker(url=dialed(url), confirm_delivery=True, middleware=[*middleware, _Stopwatch()])
