"""uvicorn's HTTP, but an answer's head and body leave together: one packet, and the caller wakes up once.

`uvicorn --http api.joined:Protocol …`; uvicorn's own sends the head by itself, which the caller reads in vain.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Write through a transport that waits for what comes next."""
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, Joined(transport, self.loop))


class Joined:
    """A transport on which what is written at once leaves at once; nothing waits longer than for the loop's next turn.

    It holds one write at most, so that a reader who is slow is noticed as before. uvicorn writes with `write` alone.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write what is held with this; hold this when there is nothing."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        else:
            self._held = data
            self._loop.call_soon(self._leave)

    def close(self) -> None:
        """Close the connection when all has been written."""
        self._leave()
        self._transport.close()

    def _leave(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it is."""
        return getattr(self._transport, name)
