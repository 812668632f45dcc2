"""Many publications and one wait: pika's own channel waits for each confirmation before the next publication."""

from collections.abc import Callable
from itertools import takewhile
from typing import Any

import pika
from dramatiq import Message
from pika.exceptions import UnroutableError

PERSISTENT = 2


class Confirms:
    """A channel of its own in confirm mode. Nothing counts as confirmed but what RabbitMQ has said so of.

    pika has acks, nacks and returns in its inner channel alone; the outer one knows a single publication at a time.
    """

    def __init__(self, connection: pika.BlockingConnection, heard: Callable[[], None]) -> None:
        self._channel = connection.channel()
        self._heard = heard
        self._published = 0  # delivery tags count from 1, channel by channel
        self._awaited: dict[int, str] = {}
        self._left: dict[str, Message[None]] = {}
        self._returned: set[str] = set()
        self._inner: Any = self._channel._impl  # noqa: SLF001
        self._inner.add_on_return_callback(self._on_return)
        self._inner.confirm_delivery(self._on_told)

    def publish(self, left: dict[str, Message[None]]) -> None:
        """Publish all of `left`, by message id, and wait; what is confirmed is taken out of it, whatever happens then.

        UnroutableError when some came back, since the queue is gone. What was refused just stays.
        """
        self._left = left
        for message in list(left.values()):
            self._send(message)
        self._channel._flush_output(lambda: not self._awaited)  # noqa: SLF001
        if self._returned:
            raise UnroutableError([])

    def _send(self, message: Message[None]) -> None:
        self._published += 1
        self._awaited[self._published] = message.message_id
        how = pika.BasicProperties(delivery_mode=PERSISTENT, message_id=message.message_id)
        self._inner.basic_publish("", message.queue_name, message.encode(), how, mandatory=True)

    def _on_told(self, frame: Any) -> None:
        """An ack or a nack, of one publication or of all up to it; that of a returned one comes after its return."""
        told, taken = frame.method, isinstance(frame.method, pika.spec.Basic.Ack)
        tags = [told.delivery_tag]
        if told.multiple:
            tags = list(takewhile(lambda tag: tag <= told.delivery_tag, self._awaited))
        for tag in tags:
            message_id = self._awaited.pop(tag, "")
            if taken and message_id not in self._returned:
                self._left.pop(message_id, None)
        self._heard()

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        self._returned.add(str(properties.message_id))
