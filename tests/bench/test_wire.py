import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bench.wire import Refused, Wire

PLAIN = b"HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\n" + b'{"a": 1}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n8\r\n{"a": 1}\r\n0\r\n\r\n'
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\n\r\n"


async def _asked(answer: bytes, piece: int, **more: Any) -> Any:
    """What the client makes of an answer that arrives in pieces."""
    hung_up = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for at in range(0, len(answer), piece):
            writer.write(answer[at : at + piece])
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(server.sockets[0].getsockname()[1])
    try:
        return await wire.ask("GET", "/", **more)
    finally:
        wire.close()
        server.close()
        await hung_up.wait()


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("answer", [PLAIN, CHUNKED])
def test_an_answer_may_arrive_in_pieces(answer: bytes, piece: int) -> None:
    assert asyncio.run(_asked(answer, piece)) == {"a": 1}


def test_an_answer_without_a_body_is_none() -> None:
    assert asyncio.run(_asked(UNCHANGED, 1000, expect=(304,))) is None


def test_an_unexpected_status_is_refused() -> None:
    with pytest.raises(Refused, match="304"):
        asyncio.run(_asked(UNCHANGED, 1000))


async def _asked_in_turn() -> list[str]:
    """Which of two servers was asked, by four requests."""
    asked: list[str] = []
    hung_up = asyncio.Semaphore(0)

    def serving(name: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(4096):
                asked.append(name)
                writer.write(PLAIN)
            writer.close()
            await writer.wait_closed()
            hung_up.release()

        return serve

    servers = [await asyncio.start_server(serving(name), "127.0.0.1", 0) for name in ("one", "two")]
    wire = Wire(*(server.sockets[0].getsockname()[1] for server in servers))
    for _ in range(4):
        await wire.ask("GET", "/")
    wire.close()
    for server in servers:
        await hung_up.acquire()
        server.close()
    return asked


def test_several_servers_take_turns() -> None:
    assert asyncio.run(_asked_in_turn()) == ["one", "two", "one", "two"]
