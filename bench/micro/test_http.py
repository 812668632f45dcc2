"""How long a client waits for the acknowledgement of a post, everything real: HTTP, the desk, a commit on the disk."""

import http.client
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from bench.micro.http import PORT, desk

HEADERS = {"Authorization": "Bearer dev-author", "Content-Type": "application/json"}


@pytest.fixture(scope="session")
def connection() -> Iterator[http.client.HTTPConnection]:
    """One connection that stays open."""
    with desk():
        found = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        yield found
        found.close()


def test_acknowledgement_of_a_start(benchmark: Any, connection: http.client.HTTPConnection) -> None:
    numbers = count()

    def start() -> None:
        connection.request("POST", "/start", json.dumps({"content": f"A mild remark, number {next(numbers)}"}), HEADERS)
        with connection.getresponse() as answer:
            answer.read()
            assert answer.status == 202

    benchmark.pedantic(start, rounds=100, warmup_rounds=10)
