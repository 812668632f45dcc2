"""Every message twice, and in any order: rings for commands again that were rung for already."""

from contextlib import suppress
from random import Random
from typing import Any

import pika
import psycopg

from tests.chaos.stage import Stage
from workers.doorbell import QUEUE, message

RECENT = 60


class Doubler:
    """Over RabbitMQ it publishes what a relay has published, shuffled and twice, whatever became of it meanwhile.

    The embedded broker lives inside each worker. There the relays are made to forget that they have published: another
    worker's relay publishes the same command again, while the first message is still on its way.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._connection: pika.BlockingConnection | None = None

    def ring(self, dice: Random) -> None:
        """Do it once; when the broker or the database is down just now, there is nothing to double."""
        with suppress(psycopg.Error, pika.exceptions.AMQPError, OSError):
            if self._stage.rabbitmq:
                self._publish(dice)
            else:
                self._forget(dice)

    def close(self) -> None:
        """Hang up."""
        with suppress(pika.exceptions.AMQPError, OSError):
            if self._connection and self._connection.is_open:
                self._connection.close()

    def _publish(self, dice: Random) -> None:
        rows = self._rows("select command_id, kind from commands order by published_at desc nulls last limit %s")
        due = [row for row in rows if dice.random() < 0.5] * 2
        dice.shuffle(due)
        if self._connection is None or not self._connection.is_open:
            assert self._stage.rabbitmq is not None, "asked before"
            self._connection = pika.BlockingConnection(pika.URLParameters(self._stage.rabbitmq.url))
        with self._connection.channel() as channel:
            kept = pika.BasicProperties(delivery_mode=2)
            for command_id, kind in due:
                channel.basic_publish("", QUEUE, message(kind, command_id).encode(), kept)

    def _forget(self, dice: Random) -> None:
        rows = self._rows("select command_id, kind from commands where state = 'published' limit %s")
        due = [command_id for command_id, _ in rows if dice.random() < 0.5]
        with psycopg.connect(self._stage.url, autocommit=True, connect_timeout=2) as connection:
            connection.execute(
                "update commands set state = 'ready' where state = 'published' and command_id = any(%s)", (due,)
            )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._stage.url, autocommit=True, connect_timeout=2) as connection:
            return connection.execute(sql, (RECENT,)).fetchall()
