"""Dead letters on RabbitMQ, undecodable or delivered too often: only told, since the rows in Postgres are the truth."""

import json

import pika
import structlog
from dramatiq.common import xq_name

from workers.broker import dialed
from workers.doorbell import QUEUE
from workers.loops import Loop

log = structlog.get_logger(__name__)
SECONDS = 30.0
BATCH = 200


class DeadLetters(Loop):
    """Empties the dead-letter queue into the log: ids only, since nothing else is ever in a message of ours."""

    def __init__(self, url: str, queue: str = QUEUE) -> None:
        super().__init__("dead-letters", SECONDS, self._drain)
        self._url, self._queue = url, xq_name(queue)

    def _drain(self) -> None:
        try:
            connection = pika.BlockingConnection(pika.URLParameters(dialed(self._url)))
        except pika.exceptions.AMQPError as trouble:
            log.warning("the broker cannot be reached", error=type(trouble).__name__)
            return
        try:
            channel = connection.channel()
            channel.queue_declare(self._queue, passive=True)
            for _ in range(BATCH):
                found, _, body = channel.basic_get(self._queue)
                if found is None:
                    break
                log.warning("dead letter", command_id=_command_id(body), bytes=len(body))
                channel.basic_ack(found.delivery_tag)
        except pika.exceptions.ChannelClosedByBroker:
            return  # no queue yet: nothing was ever published
        finally:
            if connection.is_open:
                connection.close()


def _command_id(body: bytes) -> int | None:
    try:
        args = json.loads(body)["args"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return args[0] if isinstance(args, list) and args and isinstance(args[0], int) else None
