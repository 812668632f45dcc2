"""Messages that are done with are acknowledged together, and no message is acknowledged that is not done with."""

from collections.abc import Iterator
from typing import Any

import pytest
from dramatiq.common import xq_name

from workers.broker import QuorumBroker, build
from workers.consumer import PER_THREAD, SHARE
from workers.doorbell import QUEUE, message

SENT = 8


@pytest.fixture
def broker(rabbitmq_url: str) -> Iterator[QuorumBroker]:
    """With messages in its queue."""
    found = build(rabbitmq_url, [])
    assert isinstance(found, QuorumBroker)
    found.publish([message("start", number) for number in range(SENT)])
    yield found
    found.close()


def fetched(broker: QuorumBroker, *, bundle: int) -> tuple[Any, list[Any]]:
    """A consumer with everything that is there."""
    consumer: Any = broker.consume(QUEUE, prefetch=bundle * SHARE * PER_THREAD, timeout=500)
    return consumer, list(iter(consumer.__next__, None))


def break_off(consumer: Any) -> None:
    """What it has not acknowledged is delivered again."""
    consumer.connection.close()


def left(broker: QuorumBroker) -> list[int]:
    """The command ids that are delivered again."""
    consumer, found = fetched(broker, bundle=SENT)
    break_off(consumer)
    return sorted(int(doorbell.args[0]) for doorbell in found)


def test_a_full_bundle_is_acknowledged_and_no_message_that_is_open(broker: QuorumBroker) -> None:
    consumer, found = fetched(broker, bundle=3)
    for number in (5, 0, 1):
        consumer.ack(found[number])
    consumer.connection.process_data_events(0.2)
    break_off(consumer)
    assert left(broker) == [2, 3, 4, 6, 7]


def test_a_bundle_that_is_not_full_goes_when_nothing_comes(broker: QuorumBroker) -> None:
    consumer, found = fetched(broker, bundle=SENT)
    for number in (0, 1, 4):
        consumer.ack(found[number])
    assert next(consumer) is None
    break_off(consumer)
    assert left(broker) == [2, 3, 5, 6, 7]


def test_a_bundle_that_is_not_full_goes_at_the_end(broker: QuorumBroker) -> None:
    consumer, found = fetched(broker, bundle=SENT)
    for done in found:
        consumer.ack(done)
    consumer.close()
    assert left(broker) == []


def test_an_acknowledgment_that_is_lost_brings_the_message_again(broker: QuorumBroker) -> None:
    consumer, found = fetched(broker, bundle=SENT)
    consumer.ack(found[0])
    break_off(consumer)
    consumer.ack(found[1])
    assert left(broker) == list(range(SENT))


def test_what_is_refused_is_a_dead_letter_though_later_ones_are_acknowledged(broker: QuorumBroker) -> None:
    consumer, found = fetched(broker, bundle=SENT)
    for number in (0, 2, 3):
        consumer.ack(found[number])
    consumer.nack(found[1])
    consumer.close()
    assert left(broker) == [4, 5, 6, 7]
    assert broker.channel.queue_declare(xq_name(QUEUE), passive=True).method.message_count == 1
