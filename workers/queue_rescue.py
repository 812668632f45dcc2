"""A queue that takes nothing is thrown away: its messages are only doorbells, and the relay declares it anew."""

import time

import pika
import structlog

from workers.broker import QuorumBroker, dialed
from workers.doorbell import QUEUE
from workers.loops import Loop

log = structlog.get_logger(__name__)
ROUND_SECONDS = 2.0
STUCK_SECONDS = 8.0  # longer than a connection may be blocked by an alarm, which ends an attempt
PAUSE_SECONDS = 60.0


class QueueRescue(Loop):
    """Watches over the publications of this process.

    A quorum queue whose node was killed within a second of its declaration comes back without a leader (seen with
    RabbitMQ 3.10.8): publishing to it and consuming from it hang for a minute and then fail, for ever.
    """

    def __init__(self, url: str, broker: QuorumBroker) -> None:
        super().__init__("queue-rescue", ROUND_SECONDS, self._look)
        self._url, self._broker = url, broker
        self._rescued_at = float("-inf")

    def _look(self) -> None:
        since, now = self._broker.publishing_since, time.monotonic()
        if since and now - since > STUCK_SECONDS and now - self._rescued_at > PAUSE_SECONDS:
            self._rescued_at = now
            self._throw_away()

    def _throw_away(self) -> None:
        """Everybody who hangs on the queue is let go when it is deleted."""
        try:
            connection = pika.BlockingConnection(pika.URLParameters(dialed(self._url)))
        except pika.exceptions.AMQPError:
            return  # not the queue: the broker
        log.warning("the queue takes nothing; it is declared anew", queue=QUEUE)
        try:
            connection.channel().queue_delete(QUEUE)
            self._broker.queues_pending.add(QUEUE)
        finally:
            if connection.is_open:
                connection.close()
