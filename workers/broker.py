"""The doorbell: RabbitMQ when a URL is set, one within the process otherwise. Never the truth."""

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import dramatiq
from dramatiq import Message
from dramatiq.broker import Broker
from dramatiq.brokers.rabbitmq import MAX_ENQUEUE_ATTEMPTS, RabbitmqBroker
from dramatiq.common import dq_name
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware
from pika.exceptions import AMQPChannelError, AMQPConnectionError, UnroutableError

from workers.confirms import Confirms
from workers.consumer import BundlingConsumer
from workers.doorbell import QUEUE, DoorbellEncoder
from workers.in_process import InProcessBroker

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

    `publishing_since` is the monotonic time since when the broker has owed a confirmation and given none; None when it
    owes none. It starts anew with each attempt, so that a broker that is down is not taken for a stuck queue.
    """

    publishing_since: float | None = None

    @property
    def consumer_class(self) -> type[BundlingConsumer]:
        """What Dramatiq makes for each queue."""
        return BundlingConsumer

    def publish(self, messages: Sequence[Message[None]]) -> list[Message[None]]:
        """Publish all at once and wait for their confirmations; those that were not confirmed in several attempts."""
        left = {message.message_id: message for message in messages}
        try:
            for _ in range(MAX_ENQUEUE_ATTEMPTS):
                if not left:
                    break
                self._heard()
                self._attempt(left)
        finally:
            self.publishing_since = None
        return list(left.values())

    def _attempt(self, left: dict[str, Message[None]]) -> None:
        try:
            self.declare_queue(QUEUE, ensure=True)
            self._confirms().publish(left)
        except (AMQPConnectionError, AMQPChannelError, ConnectionClosed) as trouble:
            if isinstance(trouble, UnroutableError):
                self.queues_pending.add(QUEUE)
            del self.connection  # and its channels: the next attempt begins with new ones

    def _confirms(self) -> Confirms:
        """The channel of this thread; a new one when the connection is."""
        connection, known = self.connection, getattr(self.state, "confirms", None)
        if known is None or known[0] is not connection:
            known = self.state.confirms = (connection, Confirms(connection, self._heard))
        return known[1]

    def _heard(self) -> None:
        self.publishing_since = time.monotonic()

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


def dialed(url: str) -> str:
    """The URL with protective timeouts, as far as it does not set them itself."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit(parts._replace(query=urlencode({**PROTECTIVE, **given})))


def build(url: str | None, middleware: list[Middleware]) -> Broker:
    """The broker that the setting names. No retries here: attempts are counted in Postgres, and actors never raise."""
    dramatiq.set_encoder(DoorbellEncoder())
    if url is None:
        return InProcessBroker(middleware)
    return QuorumBroker(url=dialed(url), confirm_delivery=True, middleware=middleware)


def publish(broker: Broker, messages: Sequence[Message[None]]) -> list[Message[None]]:
    """Hand messages to either broker; those that it did not take for certain."""
    if isinstance(broker, QuorumBroker):
        return broker.publish(messages)
    for message in messages:
        broker.enqueue(message)
    return []
