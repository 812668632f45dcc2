"""The embedded broker: a message goes straight to the threads that work.

Dramatiq's StubBroker writes it as JSON, and has another thread that waits for it, reads it and hands it on.
"""

from threading import Event
from typing import Any

from dramatiq import Message, Middleware, Worker
from dramatiq.broker import Broker, Consumer, MessageProxy
from dramatiq.brokers.stub import StubBroker


class InProcessBroker(StubBroker):
    """Hands messages to the one worker of this process; before that has begun, whoever has a message waits for it."""

    def __init__(self, middleware: list[Middleware]) -> None:
        super().__init__([*middleware, _Beginning()])
        self._worker: Worker | None = None
        self._begun = Event()

    def begin(self, worker: Worker) -> None:
        """This is the worker."""
        self._worker = worker
        self._begun.set()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """A consumer to which nothing ever comes."""
        return _Idle(timeout)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Have it worked on as soon as a thread is free; nothing of ours is ever delayed."""
        self._begun.wait()
        assert self._worker is not None, "it has begun"
        self._worker.consumers[message.queue_name].handle_message(MessageProxy(message))
        return message


class _Beginning(Middleware):
    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        assert isinstance(broker, InProcessBroker), "it is that one's own"
        broker.begin(worker)


class _Idle(Consumer):
    """Messages are not taken from a queue, so nobody has to be told what became of them."""

    def __init__(self, timeout: int) -> None:
        self._seconds = timeout / 1000
        self._closed = Event()

    def ack(self, message: MessageProxy) -> None:
        """Done."""

    def nack(self, message: MessageProxy) -> None:
        """Actors never raise."""

    def __next__(self) -> MessageProxy | None:
        self._closed.wait(self._seconds)
        return None

    def close(self) -> None:
        """Wait for nothing more."""
        self._closed.set()
