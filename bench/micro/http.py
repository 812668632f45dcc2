"""`python -m bench.micro.http [COUNT]`: the desk's CPU per request, by kind, over HTTP, with everything else real.

One `hitl up` with a stub analyzer in a directory of its own; each kind is asked COUNT times, 16 at once, and measured
while nothing else is asked. The last line is what all requests of a whole case cost, its waits included.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.clients.guardian import GuardianClient
from bench.journey import Case

PORT = int(os.environ.get("HITL_PORT", "18173"))
AT_ONCE = 16
MODERATOR = "Authorization: Bearer dev-moderator\r\n"
Ask = Callable[[Case], Awaitable[object]]


@contextmanager
def desk() -> Iterator[int]:
    """`hitl up`, ready; the process id of its desk."""
    with tempfile.TemporaryDirectory(prefix="guardian-micro-") as folder:
        quiet = {"HITL_ANALYZER": "stub:0", "HITL_LOG_FORMAT": "none", "HITL_PORT": str(PORT), "HITL_DATA_DIR": folder}
        command = [sys.executable, "-m", "hitl.cli", "up"]
        up = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=subprocess.DEVNULL)
        try:
            _await_ready(up)
            yield next(p.pid for p in psutil.Process(up.pid).children(recursive=True) if "api.main:app" in p.cmdline())
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)


def _await_ready(up: "subprocess.Popen[bytes]") -> None:
    while up.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=5):
            return
        time.sleep(0.2)
    raise SystemExit("`hitl up` ended before it was ready.")


def spent(pid: int) -> float:
    """CPU milliseconds of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


class Round:
    """Asks for many cases, one kind of request after the other, and says what each cost the desk."""

    def __init__(self, pid: int, cases: list[Case]) -> None:
        self._pid, self._cases = pid, cases

    async def of(self, kind: str, ask: Ask) -> None:
        """Ask once for each case, so many at once."""
        before, waiting = spent(self._pid), iter(self._cases)

        async def go_on() -> None:
            for case in waiting:
                await ask(case)

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
        if kind:
            print(f"{kind:24}{(spent(self._pid) - before) / len(self._cases):8.3f} ms", flush=True)


class Caller(GuardianClient):
    """The benchmark's client, with the requests that it does not need."""

    async def remove(self, case: Case) -> None:
        """B: the post goes."""
        await self.decide(case, remove=True)

    async def keep(self, case: Case) -> None:
        """D: it comes back for good."""
        await self.decide(case, remove=False)

    async def whole(self, case: Case) -> None:
        """All four quarters."""
        for act in (self.start, self.paused, self.remove, self.completed):
            await act(case)
        for act in (self.rollback, self.paused, self.keep, self.completed):
            await act(case)

    async def alive(self, _: Case) -> None:
        """What HTTP itself costs."""
        await self._wire.ask("GET", "/healthz")

    async def status(self, case: Case) -> None:
        """The whole case, for a moderator."""
        await self._wire.ask("GET", f"/status/{case.known['case_id']}", headers=MODERATOR)

    async def unchanged(self, case: Case) -> None:
        """A look that finds nothing new."""
        held = f'{MODERATOR}If-None-Match: "{case.known["version"]}"\r\n'
        await self._wire.ask("GET", f"/status/{case.known['case_id']}", headers=held, expect=(304,))


async def measure(pid: int, count: int) -> None:
    """Take cases through their four quarters, one kind of request after the other."""
    client = Caller(PORT)
    await Round(pid, [Case(f"w{n}") for n in range(50)]).of("", client.whole)
    these = Round(pid, [Case(str(n)) for n in range(count)])
    await these.of("GET /healthz", client.alive)
    await these.of("POST /start", client.start)
    await these.of("  until it is paused", client.paused)
    await these.of("GET /status: 200", client.status)
    await these.of("GET /status: 304", client.unchanged)
    await these.of("POST /resume: edit", client.remove)
    await these.of("  until it is completed", client.completed)
    await these.of("POST /rollback", client.rollback)
    await these.of("  until it is paused", client.paused)
    await these.of("POST /resume: reject", client.keep)
    await these.of("  until it is completed", client.completed)
    await Round(pid, [Case(f"x{n}") for n in range(count)]).of("a whole case", client.whole)
    client.close()


if __name__ == "__main__":
    with desk() as found:
        asyncio.run(measure(found, int(sys.argv[1]) if len(sys.argv) > 1 else 300))
