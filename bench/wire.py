"""A small HTTP/1.1 client: the load comes from the machine that is measured, so each request must cost little."""

import asyncio
import itertools
import time
from typing import Any

import orjson

IDLE = 3.0  # seconds; servers close idle connections after 5, and a request must not meet that
Json = Any


class Broken(ConnectionError):
    """The connection ended before the answer did."""


class Refused(RuntimeError):
    """An answer that nobody expected."""


class _Connection(asyncio.Protocol):
    """One kept-alive connection with one request under way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.reusable = True
        self.used_at = 0.0
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        if self.answer and not self.answer.done():
            self.answer.set_exception(Broken(str(exc or "closed")))

    def data_received(self, data: bytes) -> None:
        self._read += data
        head_ends = self._read.find(b"\r\n\r\n")
        if head_ends < 0:
            return
        head = bytes(self._read[:head_ends]).lower()
        body = _body(head, self._read, head_ends + 4)
        if body is None:
            return
        self.reusable &= b"connection: close" not in head
        self._read.clear()
        if self.answer and not self.answer.done():
            self.answer.set_result((int(head[9:12]), body))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; its status and body."""
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


def _body(head: bytes, read: bytearray, begins: int) -> bytes | None:
    """The body, or None while some of it is missing."""
    if b"transfer-encoding: chunked" in head:
        return _chunks(read, begins)
    at = head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return bytes(read[begins : begins + length]) if len(read) >= begins + length else None


def _chunks(read: bytearray, at: int) -> bytes | None:
    parts: list[bytes] = []
    while True:
        line_ends = read.find(b"\r\n", at)
        if line_ends < 0:
            return None
        size = int(bytes(read[at:line_ends]).split(b";")[0], 16)
        at = line_ends + 2
        if len(read) < at + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(bytes(read[at : at + size]))
        at += size + 2


class Wire:
    """A pool of connections to one server, or to several that take turns, as behind a load balancer."""

    def __init__(self, *ports: int) -> None:
        self._idle: dict[int, list[_Connection]] = {port: [] for port in ports}
        self._turns = itertools.cycle(ports)

    async def ask(
        self, method: str, path: str, body: Json = None, headers: str = "", expect: tuple[int, ...] = (200, 202)
    ) -> Json:
        """Ask for JSON with JSON; Refused when the answer's status is none of the expected ones. No body is None."""
        port = next(self._turns)
        sent = b"" if body is None else orjson.dumps(body)
        kind = "" if body is None else "Content-Type: application/json\r\n"
        length = f"Content-Length: {len(sent)}\r\n" if method == "POST" else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}{kind}{length}\r\n"
        status, answer = await self._send(port, head.encode() + sent)
        if status not in expect:
            raise Refused(f"{method} {path.split('?', 1)[0]}: {status} {answer[:300]!r}")
        return orjson.loads(answer) if answer else None

    def close(self) -> None:
        """Hang up."""
        for idle in self._idle.values():
            for connection in idle:
                if connection.transport:
                    connection.transport.abort()
            idle.clear()

    async def _send(self, port: int, request: bytes) -> tuple[int, bytes]:
        connection = await self._connection(port)
        try:
            answer = await connection.ask(request)
        except BaseException:
            if connection.transport:
                connection.transport.abort()
            raise
        if connection.reusable:
            connection.used_at = time.monotonic()
            self._idle[port].append(connection)
        elif connection.transport:
            connection.transport.close()
        return answer

    async def _connection(self, port: int) -> _Connection:
        while self._idle[port]:
            kept = self._idle[port].pop()
            if kept.reusable and time.monotonic() - kept.used_at < IDLE:
                return kept
            if kept.transport:
                kept.transport.close()
        _, fresh = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
        return fresh
