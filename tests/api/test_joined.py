"""Head and body leave together, in order, and nothing is kept back."""

import asyncio
import socket
from contextlib import closing
from typing import Any, cast

from api.joined import Joined
from api.main import create_app
from hitl.runtime import build
from tests.api.conftest import served, settings


class Ends(asyncio.Transport):
    """Where the bytes go."""

    def __init__(self) -> None:
        super().__init__({"peername": "somebody"})
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def _written(*parts: bytes | None) -> Ends:
    """What leaves when these are written; None is a turn of the loop."""
    ends = Ends()

    async def write() -> None:
        joined = Joined(ends, asyncio.get_running_loop())
        for part in parts:
            if part is None:
                await asyncio.sleep(0)
            else:
                joined.write(part)
        joined.close()

    asyncio.run(write())
    assert ends.closed
    return ends


def test_a_head_leaves_with_its_body() -> None:
    assert _written(b"head", b"body", None).sent == [b"headbody"]
    assert _written(b"head", b"").sent == [b"head"]


def test_a_head_alone_leaves_in_the_next_turn_of_the_loop_or_with_the_end() -> None:
    assert _written(b"head", None, b"event", None, b"event").sent == [b"head", b"event", b"event"]
    assert _written(b"head").sent == [b"head"]


def test_no_more_than_one_part_is_held() -> None:
    assert _written(b"a", b"b", b"c", b"d", b"e").sent == [b"ab", b"cd", b"e"]


def test_nothing_is_written_to_a_line_that_has_gone() -> None:
    async def write() -> list[bytes]:
        ends = Ends()
        Joined(ends, asyncio.get_running_loop()).write(b"head")
        ends.close()
        await asyncio.sleep(0)
        return ends.sent

    assert asyncio.run(write()) == []


def test_everything_else_is_the_transports() -> None:
    async def ask() -> object:
        return cast(Any, Joined(Ends(), asyncio.get_running_loop())).get_extra_info("peername")

    assert asyncio.run(ask()) == "somebody"


def test_one_look_at_the_socket_brings_a_whole_answer_and_the_connection_stays(database_url: str) -> None:
    with closing(build(settings(), url=database_url)) as runtime, served(create_app(runtime)) as client:
        port = client.base_url.port
        with socket.create_connection(("127.0.0.1", port), 5.0) as line:
            for _ in range(40):  # two packets are often read at once, but not so often
                line.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                head, _, body = line.recv(65536).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                assert body.endswith(b"}")
