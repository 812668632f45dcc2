"""Overload: with the workers off, five times the posts that they could do; then they come back."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import psycopg

from tests.chaos.driver import RUDE, Journey
from tests.chaos.lines import Many
from tests.chaos.site import DESK, WORKERS, Site, opened
from tests.services.folders import throwaway
from tests.services.postgres import Databases, private_postgres

TIMES = 5
ANALYZER_MS = 100  # what an answer of the model takes; with four threads that is 40 posts a second at most
PROBE = 120  # posts to measure by what the workers can do
CLIENTS = 16
IN_FLIGHT = 256  # connections; what a client cannot send because all of them wait is not sent
GROWTH = 64 * 2**20  # bytes; a desk that kept what it refuses would grow without end
WARM_SECONDS = 5.0
RECOVERY_SECONDS, TELL_SECONDS = 600.0, 5
ATTEMPTS = 3
LEFT = "select count(*) from commands where state in ('ready', 'published', 'claimed')"
SHOWN = 20
PATHS = ("/start", "/resume", "/rollback")
Tell = Callable[[str], None]


@dataclass
class Outcome:
    """What became of it; `codes` by path, `memory` of the desk in bytes, second by second."""

    capacity: float = 0.0
    found: list[str] = field(default_factory=list)
    codes: dict[str, Counter[int]] = field(default_factory=lambda: {p: Counter() for p in PATHS})
    memory: list[int] = field(default_factory=list)
    unsent: int = 0
    seconds: float = 0.0
    recovery: float | None = None


def run(site: Site, seconds: float, tell: Tell = lambda _: None) -> Outcome:
    """Measure, overload, recover, judge."""
    outcome, prepared = Outcome(), int(seconds / 2)
    with ThreadPoolExecutor(CLIENTS) as pool:
        outcome.capacity = _capacity(site, pool)
        tell(f"the workers can do {outcome.capacity:.0f} posts a second; now they are off")
        waiting = [site.journey(f"waiting-{n}") for n in range(prepared)]
        removed = [site.journey(f"removed-{n}") for n in range(prepared)]
        list(pool.map(Journey.start, waiting))
        list(pool.map(_carried_out, removed))
    site.fleet.hold(WORKERS)
    asyncio.run(_Storm(site, outcome, waiting, removed, tell).blow(seconds))
    site.fleet.release(WORKERS)
    outcome.recovery = _recovery(site, tell)
    _judge(site, outcome)
    return outcome


def _capacity(site: Site, pool: ThreadPoolExecutor) -> float:
    """Posts a second, from the first until the last is analyzed."""
    journeys = [site.journey(f"probe-{n}") for n in range(PROBE)]
    began = time.monotonic()
    list(pool.map(Journey.start, journeys))
    return PROBE / (time.monotonic() - began)


def _carried_out(journey: Journey) -> None:
    journey.start()
    journey.decide("dev-moderator", "approve")
    journey.await_end()


class _Storm:
    """Posts by the clock, whatever the answers; twice a second a decision or an appeal in between."""

    def __init__(
        self, site: Site, outcome: Outcome, waiting: Sequence[Journey], removed: Sequence[Journey], tell: Tell
    ) -> None:
        self._site, self._outcome, self._tell = site, outcome, tell
        self._people = [ask for pair in zip(waiting, removed, strict=True) for ask in pair]
        self._decided = {journey.name for journey in waiting}
        self._tasks: set[asyncio.Task[None]] = set()

    async def blow(self, seconds: float) -> None:
        """For so long."""
        process = site_process(self._site)
        async with aclosing(Many()) as http:
            began, posts, told = time.monotonic(), 0, 0
            while (now := time.monotonic() - began) < seconds:
                for number in range(posts, int(now * self._outcome.capacity * TIMES)):
                    self._send(http, "dev-author", "/start", f"storm-{number}", _post(number))
                posts = max(posts, int(now * self._outcome.capacity * TIMES))
                if now > told:
                    told += 1
                    self._outcome.memory.append(process.memory_info().rss)
                    self._somebody(http, told)
                    self._say(now, seconds)
                await asyncio.sleep(0.01)
            self._outcome.seconds = seconds
            await asyncio.gather(*self._tasks)

    def _somebody(self, http: Many, second: int) -> None:
        """One decision and one appeal every two seconds."""
        if second > len(self._people):
            return
        journey = self._people[second - 1]
        body: dict[str, Any] = {"case_id": journey.case_id, "reason": "It is rude."}
        if journey.name in self._decided:
            body |= {"review_id": journey.review_id, "decision": "approve"}
            self._send(http, "dev-moderator", "/resume", f"decide-{journey.name}", body)
        else:
            self._send(http, "dev-author", "/rollback", f"appeal-{journey.name}", body)

    def _send(self, http: Many, person: str, path: str, key: str, sent: dict[str, Any]) -> None:
        if path == "/start" and len(self._tasks) >= IN_FLIGHT:
            self._outcome.unsent += 1
            return
        task = asyncio.create_task(self._ask(http, person, path, key, sent))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, http: Many, person: str, path: str, key: str, sent: dict[str, Any]) -> None:
        line = {"key": key, "person": person, "path": path, "sent": sent}
        self._site.log.add({"did": "sent", **line}, safe=False)
        headers = {"Authorization": f"Bearer {person}", "Idempotency-Key": key}
        answer = await self._answer(http, path, sent, headers)
        if answer is None:
            self._outcome.found.append(f"{path} gave no answer, {ATTEMPTS} times")
            return
        body = answer.json() if answer.status_code < 500 else {}
        self._site.log.add({"did": "answered", **line, "status": answer.status_code, "body": body}, safe=False)
        self._outcome.codes[path][answer.status_code] += 1
        if answer.status_code == 503 and int(answer.headers.get("Retry-After", "0")) <= 0:
            self._outcome.found.append(f"{path} answered 503 without Retry-After")

    async def _answer(
        self, http: Many, path: str, sent: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response | None:
        """A line may end just as it is used again; the same key makes asking again harmless."""
        for _ in range(ATTEMPTS):
            with suppress(httpx.TransportError):
                return await http.request("POST", self._site.url + path, json=sent, headers=headers)
        return None

    def _say(self, now: float, seconds: float) -> None:
        codes = {path: dict(counted) for path, counted in self._outcome.codes.items()}
        self._tell(f"{now:5.0f} of {seconds:.0f} s  {codes}  desk {self._outcome.memory[-1] / 2**20:.0f} MiB")


def site_process(site: Site) -> psutil.Process:
    """The desk."""
    process = site.fleet.members[DESK].process
    assert process is not None, "it has been started"
    return psutil.Process(process.pid)


def _post(number: int) -> dict[str, Any]:
    return {"content": f"{RUDE} {number}", "content_id": f"storm-{number}", "author_id": f"author-{number % 997}"}


def _recovery(site: Site, tell: Tell) -> float | None:
    """Seconds until nothing is left to be done; None when that takes too long."""
    began = time.monotonic()
    with psycopg.connect(site.database_url, autocommit=True) as conn:
        while (left := next(iter(conn.execute(LEFT)))[0]) and time.monotonic() - began < RECOVERY_SECONDS:
            tell(f"{time.monotonic() - began:5.0f} s after the workers came back: {left} commands are left")
            time.sleep(TELL_SECONDS)
    return None if left else time.monotonic() - began


def _judge(site: Site, outcome: Outcome) -> None:
    """Whatever was not as promised."""
    starts, found = outcome.codes["/start"], outcome.found
    found += [f"/start answered {code}, {n} times" for code, n in starts.items() if code not in (202, 503)]
    for path in ("/resume", "/rollback"):
        found += [f"{path} answered {code}, {n} times" for code, n in outcome.codes[path].items() if code != 202]
    found += ["the limit was never reached: nothing was refused"] * (not starts[503])
    grown = max(outcome.memory) - outcome.memory[min(int(WARM_SECONDS), len(outcome.memory) - 1)]
    found += [f"the desk has grown by {grown / 2**20:.0f} MiB"] * (grown > GROWTH)
    found += [f"no recovery within {RECOVERY_SECONDS:.0f} s"] * (outcome.recovery is None)
    again = site.driver.ask("dev-author", "/start", _post(10**9), key="after-the-storm")
    found += [f"/start answers {again.status_code} after the storm"] * (again.status_code != 202)
    if again.status_code == 202:
        site.rest(again.json()["case_id"])
    found += site.violations()


def report(outcome: Outcome, limit: int) -> str:
    """What was seen, as text."""
    starts = outcome.codes["/start"]
    rate = starts.total() / outcome.seconds
    lines = [f"the workers can do {outcome.capacity:.0f} posts a second; {rate:.0f} a second were answered"]
    lines += [f"  limit {limit}; unsent because {IN_FLIGHT} requests waited already: {outcome.unsent}"]
    for path, counted in outcome.codes.items():
        lines.append(f"  {path:<10} " + ", ".join(f"{n} × {code}" for code, n in sorted(counted.items())))
    first, most = outcome.memory[0] / 2**20, max(outcome.memory) / 2**20
    lines += [f"  the desk's memory: {first:.0f} MiB at first, {most:.0f} MiB at most"]
    lines += [f"  recovered {'never' if outcome.recovery is None else f'in {outcome.recovery:.0f} s'}"]
    lines += [f"{len(outcome.found)} violations", *(f"  ! {line[:300]}" for line in outcome.found[:SHOWN])]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Overload, judge, print; the exit code says whether all that was taken on was done."""
    about = "Five times what the workers can do, while they are off: /start alone may answer 503."
    parser = argparse.ArgumentParser(prog="scripts/chaos overload", description=about)
    parser.add_argument("--seconds", type=float, default=120.0, help="of overload (120)")
    parser.add_argument("--limit", type=int, default=3000, help="HITL_BACKLOG_LIMIT (3000)")
    given = parser.parse_args(argv)
    tell: Tell = lambda line: print(line, flush=True)  # noqa: E731, T201
    with throwaway("overload") as folder, private_postgres() as postgres, Databases(postgres.url).fresh() as url:
        site = Site(folder, url, None)
        site.settings |= {"HITL_BACKLOG_LIMIT": str(given.limit), "HITL_ANALYZER": f"stub:{ANALYZER_MS}"}
        with opened(site):
            outcome = run(site, given.seconds, tell)
    sys.stdout.write(report(outcome, given.limit))
    return 1 if outcome.found else 0
