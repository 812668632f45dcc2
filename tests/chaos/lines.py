"""How clients reach two desks: by turns and patiently, or through a load balancer that hides nothing from them."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import httpx

WAIT = 20  # seconds that a status may be held
LOOK_SECONDS = 0.5
Sent = httpx.Response | None


class Lines(Protocol):
    """A way to the desks."""

    async def send(self, method: str, path: str, **more: Any) -> Sent:
        """The answer; None when there was none."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


def _http(**more: Any) -> httpx.AsyncClient:
    timeout = httpx.Timeout(WAIT + 5.0, connect=3.0)
    limits = httpx.Limits(max_connections=None, **more)
    return httpx.AsyncClient(timeout=timeout, limits=limits, verify=False)  # noqa: S501 (all is on this machine)


class Many:
    """HTTP clients, one for each request at once: httpx looks through all connections of one for each request."""

    def __init__(self) -> None:
        self._idle: list[httpx.AsyncClient] = []

    async def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        """The answer, or httpx.TransportError."""
        http = self._idle.pop() if self._idle else _http()
        try:
            return await http.request(method, url, **more)
        finally:
            self._idle.append(http)

    async def aclose(self) -> None:
        """Hang up."""
        for http in self._idle:
            await http.aclose()


class ByTurns:
    """Each request to the next desk, whether it lives or not: for clients that ask again.

    `refusals` are the seconds after which a 503 came to what was not to be held.
    """

    def __init__(self, desks: Sequence[str]) -> None:
        self._desks, self._http = itertools.cycle(desks), Many()
        self.refusals: list[float] = []

    async def send(self, method: str, path: str, **more: Any) -> Sent:
        """One attempt."""
        began = time.monotonic()
        try:
            answer = await self._http.request(method, next(self._desks) + path, **more)
        except httpx.TransportError:
            return None
        if answer.status_code == 503 and not more.get("params"):  # what was to be held may have been, before
            self.refusals.append(time.monotonic() - began)
        return answer

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()


class Balancer:
    """A load balancer as operators have them: twice a second it asks every desk's /readyz, and sends requests there.

    Only a refused connection is tried at the other desk: nothing had been sent. What a client of a real one would see
    as a 5xx is kept in `seen`: the desk's own, and a 502 for every connection that ended without an answer.
    """

    def __init__(self, desks: Sequence[str]) -> None:
        self._desks, self._turns = list(desks), itertools.count()
        self._http, self._looking = _http(max_keepalive_connections=0), _http()
        self._ready = set(desks)
        self._watch: asyncio.Task[None] | None = None
        self.seen: list[str] = []
        self.answers: Counter[int] = Counter()
        self.elsewhere = 0

    async def send(self, method: str, path: str, **more: Any) -> Sent:
        """One request, to a desk that is said to be ready; to the other one when it is refused there."""
        self._watch = self._watch or asyncio.create_task(self._look())
        first = next(self._turns)
        order = [self._desks[(first + n) % len(self._desks)] for n in range(len(self._desks))]
        for desk in sorted(order, key=lambda d: d not in self._ready):
            try:
                answer = await self._http.request(method, desk + path, **more)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                self._ready.discard(desk)
                self.elsewhere += 1
                continue
            except httpx.TransportError as trouble:
                self.seen.append(f"502 (the desk gave no answer: {trouble!r}) to {method} {path}")
                return None
            self.answers[answer.status_code] += 1
            if answer.status_code >= 500:
                self.seen.append(f"{answer.status_code} to {method} {path}: {answer.text[:200]}")
            return answer
        self.seen.append(f"502 (no desk takes connections) to {method} {path}")
        return None

    async def close(self) -> None:
        """Hang up."""
        if self._watch:
            self._watch.cancel()
        await self._http.aclose()
        await self._looking.aclose()

    async def _look(self) -> None:
        while True:
            for desk in self._desks:
                await self._ask(desk)
            await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self, desk: str) -> None:
        try:
            well = (await self._looking.get(f"{desk}/readyz", timeout=3.0)).status_code == 200
        except httpx.TransportError:
            well = False
        (self._ready.add if well else self._ready.discard)(desk)
