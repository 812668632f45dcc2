"""A batch is published at once; only what RabbitMQ has confirmed counts, whatever happens to the rest."""

from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from pika.exceptions import ConnectionClosedByBroker, UnroutableError
from pika.spec import Basic

from tests.services.rabbitmq import PrivateRabbitMQ
from workers.broker import QuorumBroker, build
from workers.confirms import Confirms
from workers.doorbell import QUEUE, message

Told = Callable[["Inner"], None]
SCRIPTS: dict[str, tuple[list[Told], list[int]]] = {
    "all at once": ([lambda to: to.ack(4, multiple=True)], []),
    "out of order": ([lambda to: to.ack(3), lambda to: to.ack(2, multiple=True), lambda to: to.ack(4)], []),
    "one refused": ([lambda to: to.nack(2), lambda to: to.ack(4, multiple=True)], [2]),
    "all but one refused": ([lambda to: to.ack(3), lambda to: to.nack(4, multiple=True)], [1, 2, 4]),
    "lost on the way": ([lambda to: to.ack(2), lambda to: to.break_off()], [1, 3, 4]),
    "one returned": ([lambda to: to.give_back(3), lambda to: to.ack(4, multiple=True)], [3]),
    "all refused": ([lambda to: to.nack(4, multiple=True)], [1, 2, 3, 4]),
}


class Inner:
    """What pika has inside a channel, with a RabbitMQ that tells what a script says."""

    def __init__(self, script: list[Told]) -> None:
        self.script, self.sent = script, list[str]()

    def add_on_return_callback(self, returned: Any) -> None:
        self._returned = returned

    def confirm_delivery(self, told: Any) -> None:
        self._told = told

    def basic_publish(self, _exchange: str, _queue: str, _body: bytes, how: Any, *, mandatory: bool) -> None:
        assert mandatory
        assert how.delivery_mode == 2
        self.sent.append(how.message_id)

    def ack(self, tag: int, *, multiple: bool = False) -> None:
        self._told(pika.frame.Method(1, Basic.Ack(tag, multiple)))

    def nack(self, tag: int, *, multiple: bool = False) -> None:
        self._told(pika.frame.Method(1, Basic.Nack(tag, multiple)))

    def give_back(self, tag: int) -> None:
        self._returned(self, Basic.Return(312), pika.BasicProperties(message_id=self.sent[tag - 1]), b"")

    def break_off(self) -> None:
        raise ConnectionClosedByBroker(320, "going down")


class Line:
    """A connection, and its only channel."""

    def __init__(self, script: list[Told]) -> None:
        self._impl = Inner(script)

    def channel(self) -> "Line":
        return self

    def _flush_output(self, done: Callable[[], bool]) -> None:
        for step in self._impl.script:
            assert not done(), "nobody may stop waiting before all is told"
            step(self._impl)
        assert done()


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_was_not_confirmed_is_left(name: str) -> None:
    script, open_ones = SCRIPTS[name]
    heard: list[None] = []
    confirms = Confirms(Line(script), lambda: heard.append(None))
    messages = [message("start", command_id) for command_id in (1, 2, 3, 4)]
    waiting = {found.message_id: found for found in messages}
    try:
        confirms.publish(waiting)
        ended = None
    except (UnroutableError, ConnectionClosedByBroker) as trouble:
        ended = type(trouble)
    assert [found.args[0] for found in waiting.values()] == open_ones
    assert ended is {"one returned": UnroutableError, "lost on the way": ConnectionClosedByBroker}.get(name)
    assert heard


@pytest.fixture
def broker(rabbitmq_url: str) -> Iterator[QuorumBroker]:
    """A publisher that does not dial a broker that is down for long."""
    found = build(f"{rabbitmq_url}?connection_attempts=1", [])
    assert isinstance(found, QuorumBroker)
    yield found
    found.close()


def test_a_batch_is_in_the_queue_once_and_in_order(broker: QuorumBroker) -> None:
    assert not broker.publish([message("start", number) for number in range(100)])
    assert broker.publishing_since is None
    assert taken(broker) == list(range(100))


def test_a_queue_that_is_gone_is_declared_anew_and_nothing_is_missing(broker: QuorumBroker) -> None:
    broker.publish([message("start", 0)])
    broker.channel.queue_delete(QUEUE)
    assert not broker.publish([message("start", number) for number in range(20)])
    assert taken(broker) == list(range(20))


def test_what_a_full_queue_refuses_is_left(broker: QuorumBroker, rabbitmq: PrivateRabbitMQ, rabbitmq_url: str) -> None:
    broker.publish([message("start", 0)])
    limit = '{"max-length": 5, "overflow": "reject-publish"}'
    rabbitmq.control("set_policy", "-p", rabbitmq_url.rpartition("/")[2], "full", QUEUE, limit, "--apply-to", "queues")
    published, left = list(range(1, 1001)), list[int]()
    for at in range(0, 1000, 50):
        refused = broker.publish([message("start", number) for number in published[at : at + 50]])
        left += [int(found.args[0]) for found in refused]
    assert left
    assert sorted({*taken(broker), *left}) == [0, *published]


def test_while_rabbitmq_is_down_everything_is_left_and_taken_afterwards(
    broker: QuorumBroker, rabbitmq: PrivateRabbitMQ
) -> None:
    broker.publish([message("start", 0)])
    rabbitmq.stop()
    batch = [message("start", number) for number in (1, 2, 3)]
    assert broker.publish(batch) == batch
    rabbitmq.start()
    assert not broker.publish(batch)
    assert taken(broker) == [0, 1, 2, 3]


def taken(broker: QuorumBroker) -> list[int]:
    """The command ids in the queue, in order."""
    consumer = broker.consume(QUEUE, prefetch=2000, timeout=1000)
    found = [int(doorbell.args[0]) for doorbell in iter(consumer.__next__, None)]
    consumer.close()
    return found
