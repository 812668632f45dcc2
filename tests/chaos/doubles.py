"""Every message twice, and in any order: rings for commands again that were rung for already."""

from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any, LiteralString

import pika
import psycopg

from hitl.store.notify import COMMANDS, Due, called
from tests.chaos.stage import Stage
from workers.doorbell import QUEUE, message

MOST, LATE = 1000, 60
SINCE = "select command_id, kind, published_at from commands where published_at > %s order by published_at limit %s"
UNDER_WAY = "select command_id, kind from commands where state in ('ready', 'published', 'claimed') limit %s"
AGAIN = "select command_id, kind from commands where published_at is not null order by random() limit %s"


class Doubler:
    """Over RabbitMQ it publishes all that relays have published since it last did, shuffled, and some from long ago.

    The embedded broker lives inside each worker. There the relays are made to forget that they have published, and told
    of commands that they were told of before: the same one is handed out again, while the first message is on its way.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._connection: pika.BlockingConnection | None = None
        self._since = datetime.min.replace(tzinfo=UTC)
        self.rung = 0

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
        fresh = self._rows(SINCE, self._since, MOST)
        due = [row[:2] for row in fresh] + [row for row in self._rows(AGAIN, LATE) if dice.random() < 0.2]
        dice.shuffle(due)
        if self._connection is None or not self._connection.is_open:
            assert self._stage.rabbitmq is not None, "asked before"
            self._connection = pika.BlockingConnection(pika.URLParameters(self._stage.rabbitmq.url))
        with self._connection.channel() as channel:
            kept = pika.BasicProperties(delivery_mode=2)
            for command_id, kind in due:
                channel.basic_publish("", QUEUE, message(kind, command_id).encode(), kept)
        self._since = fresh[-1][2] if fresh else self._since
        self.rung += len(due)

    def _forget(self, dice: Random) -> None:
        rows = [row for row in self._rows(UNDER_WAY, MOST) if dice.random() < 0.5]
        due = [command_id for command_id, _ in rows]
        with psycopg.connect(self._stage.url, autocommit=True, connect_timeout=2) as connection:
            connection.execute(
                "update commands set state = 'ready' where state = 'published' and command_id = any(%s)", (due,)
            )
            for command_id, kind in rows:
                connection.execute("select pg_notify(%s, %s)", (COMMANDS, called([Due(kind, command_id)], look=False)))
        self.rung += len(rows)

    def _rows(self, sql: LiteralString, *params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._stage.url, autocommit=True, connect_timeout=2) as connection:
            return connection.execute(sql, params).fetchall()
