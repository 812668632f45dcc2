"""Messages and posts that break what they meet: bounded runs, a cause in Postgres, and nobody else waits long."""

import json
import os
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pika
import pytest

from hitl.domain.commands import MAX_ATTEMPTS
from tests.fakes.groq import FakeGroq
from tests.fakes.http import Request
from tests.workers.crew import Crew, crew, gone, working
from workers.doorbell import message

POISON = "the word that kills"
GOOD = message("start", 1).asdict()
BAD_MESSAGES = {
    "undecodable": b"\xff\xfe\x00not json",
    "not a message": b"[1, 2]",
    "unknown actor": json.dumps({**GOOD, "actor_name": "nobody"}).encode(),
    "foreign queue": json.dumps({**GOOD, "queue_name": "elsewhere"}).encode(),
    "odd options": json.dumps({**GOOD, "options": {"eta": 99_999_999_999_999}}).encode(),
    "options of no kind": json.dumps({**GOOD, "options": 5}).encode(),
    "an id that is no number": json.dumps({**GOOD, "args": ["one"]}).encode(),
    "no id": json.dumps({**GOOD, "args": []}).encode(),
    "deep": b"[" * 5000,
}
HARMLESS = {
    "an id of nothing": json.dumps({**GOOD, "args": [987_654_321]}).encode(),
    "a number too big": json.dumps({**GOOD, "args": [10**30]}).encode(),
}


def send(url: str, bodies: Iterator[bytes]) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    for body in bodies:
        connection.channel().basic_publish("", "cases", body, pika.BasicProperties(delivery_mode=2))
    connection.close()


def left(url: str, queue: str) -> int:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        return int(connection.channel().queue_declare(queue, passive=True).method.message_count)
    finally:
        connection.close()


def test_broken_messages_are_told_and_thrown_away_and_delay_nobody(rabbit_crew: Crew, vhost_url: str) -> None:
    crew = rabbit_crew
    worker = crew.hired()
    crew.start(3)
    crew.await_statuses(waiting_review=3)
    for _ in range(2):  # more than there are threads to be broken
        send(vhost_url, iter([*BAD_MESSAGES.values(), *HARMLESS.values()]))
    crew.start(12)
    crew.await_statuses(waiting_review=15)
    crew.await_(lambda: left(vhost_url, "cases") == 0, worker)
    worker.stop()
    crew.hired()  # dead letters are drained as a worker begins, and every half minute
    # RabbitMQ no longer counts a letter that has been handed out, and that one may not be told yet.
    crew.await_(lambda: left(vhost_url, "cases.XQ") == 0 and told(crew) >= 2 * len(BAD_MESSAGES))
    assert told(crew) == 2 * len(BAD_MESSAGES)


def told(crew: Crew) -> int:
    """How many dead letters the workers' log tells of."""
    return (crew.folder / "dramatiq.out").read_text().count("dead letter ")


class Poisonous(FakeGroq):
    """Kills the worker that asks about a poisonous post; answers about all others."""

    def __init__(self) -> None:
        super().__init__()
        self.victim = 0
        self.deaths = 0

    def answer(self, request: Request, to: BaseHTTPRequestHandler) -> None:
        if POISON.encode() not in request.body:
            super().answer(request, to)
            return
        self.deaths += 1
        os.kill(self.victim, signal.SIGKILL)


@pytest.fixture
def poisonous() -> Iterator[Poisonous]:
    with Poisonous() as found:
        yield found


def test_a_post_that_kills_its_worker_fails_after_five_runs_and_the_others_come_through(
    database_url: str, tmp_path: Path, poisonous: Poisonous
) -> None:
    model = {
        "HITL_ANALYZER": "groq:openai/gpt-oss-safeguard-20b",
        "GROQ_API_KEY": "gsk_test",
        "GROQ_BASE_URL": poisonous.url,
    }
    with crew(database_url, tmp_path, **model) as found:
        (case_id,) = found.start(text=POISON, priority=9)
        found.start(20)
        for _ in range(MAX_ATTEMPTS):
            worker = found.hire()
            poisonous.victim = worker.process.pid
            worker.process.wait(60)
            found.bury(worker.process.pid)
        poisonous.victim = (last := found.hire()).process.pid
        found.await_statuses(failed=1, completed=20)
        assert poisonous.deaths == MAX_ATTEMPTS
        assert last.process.poll() is None
        assert found.status(case_id)["error"]["cause"] == "attempts-used-up"
        assert not gone(working(last))
