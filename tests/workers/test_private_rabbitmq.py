"""The broker that tests get: real, private, and as durable as the real one."""

from contextlib import suppress

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from tests.services.rabbitmq import PrivateRabbitMQ


def _channel(url: str) -> BlockingChannel:
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.confirm_delivery()
    return channel


def _declare(channel: BlockingChannel) -> None:
    channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 5})


def test_a_confirmed_message_survives_kill_9(rabbitmq: PrivateRabbitMQ, rabbitmq_url: str) -> None:
    channel = _channel(rabbitmq_url)
    _declare(channel)
    channel.basic_publish("", "kept", b"one", pika.BasicProperties(delivery_mode=2), mandatory=True)
    rabbitmq.await_rooted("kept")
    rabbitmq.kill9()
    with suppress(AMQPError):
        channel.connection.close()
    rabbitmq.start()
    again = _channel(rabbitmq_url)
    _declare(again)
    _, _, body = again.basic_get("kept", auto_ack=True)
    again.connection.close()
    assert body == b"one"


def test_each_test_has_empty_queues(rabbitmq_url: str) -> None:
    channel = _channel(rabbitmq_url)
    _declare(channel)
    assert channel.basic_get("kept")[2] is None
    channel.connection.close()
