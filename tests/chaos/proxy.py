"""A TCP proxy between Guardian and what it depends on: delays, holds, swallows, half-opens, cuts and refuses."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Literal, Self

Direction = Literal["up", "down"]
CHUNK = 65536
PATIENCE = 10.0
RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST


class Proxy:
    """Stands in for `target`, in a thread of its own; switched from any thread, `heal` ends whatever goes wrong.

    What is swallowed or half-open is cut at the end: a stream with a hole in it is no stream any more.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self._delay = 0.0
        self._held: set[Direction] = set()
        self._swallowed: set[Direction] = set()
        self._free = asyncio.Event()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._free.set()
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
        self.refuse()
        self._do(self._drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def delay(self, seconds: float) -> None:
        """Let every piece that passes wait."""
        self._delay = seconds

    def hold(self, *directions: Direction) -> None:
        """Let nothing pass; what was sent arrives when healed, unless its sender has hung up by then."""
        self._do(self._switch(self._held, directions))

    def swallow(self, *directions: Direction) -> None:
        """Take what is sent and throw it away, silently."""
        self._do(self._switch(self._swallowed, directions))

    def half_open(self) -> None:
        """The far side forgets every connection; the near side is not told."""
        self._do(self._half_open())

    def cut(self) -> None:
        """Reset every connection."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Be as dead as a server that does not run."""
        self._do(self._unlisten())

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._do(self._listen())

    def heal(self) -> None:
        """Everything is well again."""
        self._delay = 0.0
        self._do(self._heal())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._cut()

    async def _switch(self, faulty: set[Direction], directions: tuple[Direction, ...]) -> None:
        faulty.update(directions)
        self._free.clear()

    async def _half_open(self) -> None:
        self._swallowed.update(("up", "down"))
        self._free.clear()
        for _, far in list(self._pairs):
            _reset(far)

    async def _cut(self) -> None:
        for pair in list(self._pairs):
            for writer in pair:
                _reset(writer)

    async def _heal(self) -> None:
        if self._swallowed:
            await self._cut()
        self._held.clear()
        self._swallowed.clear()
        self._free.set()

    async def _drain(self) -> None:
        await self._cut()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if rest:
            await asyncio.wait(rest, timeout=2.0)
        await asyncio.sleep(0.05)  # transports close a moment after they were told to

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            far_reader, far = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(near)
            return
        pair = (near, far)
        if self._server is None:  # refused in the meantime
            for writer in pair:
                _reset(writer)
            return
        self._pairs.add(pair)
        pumps = [
            asyncio.ensure_future(self._pump(reader, far, "up")),
            asyncio.ensure_future(self._pump(far_reader, near, "down")),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if self._swallowed:  # half-open: whoever is near must find out alone
                await self._free.wait()
            await asyncio.wait(pumps, timeout=0.2)
        finally:
            self._pairs.discard(pair)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in pair:
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                while way in self._held:
                    await self._free.wait()
                    if reader.at_eof():
                        return
                if way not in self._swallowed:
                    writer.write(data)
                    await writer.drain()
            if writer.can_write_eof() and way not in self._swallowed:
                writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    if found is not None:
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
