"""Messages that are done with are acknowledged in bundles: each alone cost a wake-up of the consuming thread."""

from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any

from dramatiq.brokers.rabbitmq import _RabbitmqConsumer
from dramatiq.errors import ConnectionClosed
from pika.exceptions import AMQPError

PER_THREAD = (
    2  # messages that Dramatiq would fetch for each thread: one stopped worker could then hold the whole window
)
SHARE = 4  # a bundle is as many messages as this part of the threads; so many more are fetched than there are threads


class BundlingConsumer(_RabbitmqConsumer):
    """Acknowledges when a bundle is full, when nothing has come for a second, and at the end.

    An acknowledgment that is lost with this process or its connection costs a second delivery, which does nothing.
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        self._lock = Lock()
        self._done: list[int] = []
        self._newest = 0
        self._open: dict[int, Any] = {}
        threads = max(1, prefetch // PER_THREAD)
        self._full = max(1, threads // SHARE)
        super().__init__(broker, queue_name, threads + self._full, timeout)  # type: ignore[no-untyped-call]

    def ack(self, message: Any) -> None:
        """Called by the thread that is done with a message."""
        with self._lock:
            if self._open.pop(message._tag, None) is not message:  # noqa: SLF001
                return  # of a connection that is gone: it is delivered again
            self.known_tags.discard(message._tag)  # noqa: SLF001
            self._done.append(message._tag)  # noqa: SLF001
            full = len(self._done) == self._full
        if full:
            with suppress(AMQPError):  # the consuming thread finds out by itself
                self.connection.add_callback_threadsafe(self._settle)

    def nack(self, message: Any) -> None:
        """The message becomes a dead letter."""
        with self._lock:
            if self._open.pop(message._tag, None) is not message:  # noqa: SLF001
                return
        self._nack(message._tag)  # noqa: SLF001

    def _nack(self, tag: int) -> None:
        self.known_tags.add(tag)  # open until it is refused, so that no acknowledgment of later ones includes it
        with suppress(AMQPError):
            self.connection.add_callback_threadsafe(partial(self._refuse, tag))

    def _refuse(self, tag: int) -> None:
        with self._lock:
            self.known_tags.discard(tag)
        self.channel.basic_nack(tag, requeue=False)

    def __next__(self) -> Any:
        message = super().__next__()  # type: ignore[no-untyped-call]
        if message is not None:
            self._newest = message._tag  # noqa: SLF001
            self._open[self._newest] = message
            return message
        try:
            self._settle()
        except AMQPError as trouble:
            raise ConnectionClosed(trouble) from None  # type: ignore[no-untyped-call]
        return None

    def _settle(self) -> None:
        """In the thread that consumes: all beneath the oldest open message at once, the others one by one."""
        with self._lock:
            done, self._done = sorted(self._done), []
            oldest = min(self.known_tags, default=self._newest + 1)
        beneath = [tag for tag in done if tag < oldest]
        if beneath:
            self.channel.basic_ack(beneath[-1], multiple=True)
        for tag in done[len(beneath) :]:
            self.channel.basic_ack(tag)

    def close(self) -> None:
        """Acknowledge what is done, and let go of the rest."""
        with suppress(AMQPError):
            self._settle()
        super().close()  # type: ignore[no-untyped-call]
