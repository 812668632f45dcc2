"""The chat model's bad day: errors, hangs, nonsense, broken streams, pleas for patience, and an outage."""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import cycle
from threading import Lock
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.site import Site, opened
from tests.fakes import groq
from tests.fakes.groq import FakeGroq
from tests.fakes.http import Answer, Request
from tests.services.folders import throwaway
from tests.services.postgres import Databases, private_postgres

SPEC = "groq:openai/gpt-oss-safeguard-20b"
FAILURES, OPEN_SECONDS, THREADS = 5, 30.0, 4  # of the breaker, and of the worker
HANG_SECONDS = 60.0
WELL_SECONDS = 40.0  # between two troubles: longer than the breaker stays open
PACE_SECONDS = 0.5  # between two posts
REST_SECONDS = 420.0  # a model that asks for patience gets five minutes
OUTAGE = "out"
LEFT = "select count(*) from commands where state in ('ready', 'published', 'claimed')"
CASES = """select c.case_id, c.status, c.outcome, a.unavailable, a.suspect,
    (select count(*) from actions x where x.case_id = c.case_id) as actions,
    (select count(*) from decisions d where d.case_id = c.case_id) as decisions
    from cases c left join analyses a using (case_id)"""
SHOWN = 20
Tell = Callable[[str], None]


class Model(FakeGroq):
    """Answers as the phase says; `good` counts the verdicts that it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.good = 0
        self._lock = Lock()
        self.well()

    def well(self) -> None:
        """Every post is clean."""
        self.default = self._clean

    def trouble(self, answers: Sequence[Answer]) -> None:
        """These, by turns."""
        turns = cycle(answers)

        def reply(request: Request, to: BaseHTTPRequestHandler) -> None:
            next(turns)(request, to)

        self.default = reply

    def hang_for(self, seconds: float) -> Answer:
        """Say nothing for so long, and then hang up."""

        def reply(_: Request, to: BaseHTTPRequestHandler) -> None:
            self.closing.wait(seconds)
            to.close_connection = True

        return reply

    def _clean(self, request: Request, to: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.good += 1
        groq.verdict()(request, to)


@dataclass
class Phase:
    """One trouble: how many posts came meanwhile, and how often the model was asked."""

    name: str
    seconds: float
    posts: int = 0
    asked: int = 0


@dataclass
class Outcome:
    """What became of the day."""

    phases: list[Phase] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)


def day(model: Model, seconds: float, outage: float) -> Iterator[tuple[Phase, Sequence[Answer]]]:
    """The troubles, each for so long, with good times in between."""
    troubles: dict[str, Sequence[Answer]] = {
        "answers 500": [groq.status(500)],
        "hangs for 60 s": [model.hang_for(HANG_SECONDS)],
        "talks garbage": [groq.raw(b"<html>"), groq.arguments("no verdict"), groq.arguments('{"findings": 7}')],
        "breaks off": [groq.raw(b'{"id": "x"', promised=500), groq.arguments('{"findings": [], "ra')],
        "429, Retry-After 2": [groq.status(429, "rate_limit_exceeded", Retry_After="2")],
        OUTAGE: [groq.status(503)],
    }
    for name, answers in troubles.items():
        yield Phase("well", WELL_SECONDS), ()
        yield Phase(name, outage if name == OUTAGE else seconds), answers
    yield Phase("well", WELL_SECONDS), ()


def run(site: Site, model: Model, seconds: float, outage: float, tell: Tell = lambda _: None) -> Outcome:
    """Live through the day, wait until everything is at rest, judge."""
    outcome, posts = Outcome(), 0
    for phase, answers in day(model, seconds, outage):
        model.trouble(answers) if answers else model.well()
        before, until = len(model.asked), time.monotonic() + phase.seconds
        while time.monotonic() < until:
            posts, phase.posts = posts + 1, phase.posts + 1
            body = {"content": f"Good morning, number {posts}.", "content_id": f"post-{posts}"}
            answer = site.driver.ask("dev-author", "/start", body, key=f"post-{posts}")
            if answer.status_code != 202:
                outcome.found.append(f"/start answered {answer.status_code}: {answer.text[:200]}")
            time.sleep(PACE_SECONDS)
        phase.asked = len(model.asked) - before
        outcome.phases.append(phase)
        tell(_told(phase))
    _rest(site, outcome)
    _judge(site, model, outcome, posts)
    return outcome


def _told(phase: Phase) -> str:
    return f"  {phase.name:<20} {phase.seconds:5.0f} s  {phase.posts:5d} posts  {phase.asked:5d} calls"


def _rest(site: Site, outcome: Outcome) -> None:
    until = time.monotonic() + REST_SECONDS
    with psycopg.connect(site.database_url, autocommit=True) as conn:
        while left := next(iter(conn.execute(LEFT)))[0]:
            if time.monotonic() > until:
                outcome.found.append(f"{left} commands are left {REST_SECONDS:.0f} s after the day")
                return
            time.sleep(0.5)


def probes(seconds: float) -> tuple[int, int]:
    """How often, at least and at most, a model that is out for so long is asked."""
    periods = math.floor(seconds / OPEN_SECONDS)
    return max(0, periods - 1), FAILURES + THREADS + periods + 1


def _judge(site: Site, model: Model, outcome: Outcome, posts: int) -> None:
    """Nobody but the model's own word allows a post, and nothing removes one."""
    with psycopg.connect(site.database_url, row_factory=dict_row) as conn:
        cases = conn.execute(CASES).fetchall()
    found = outcome.found
    found += [f"{posts} posts were taken on, and {len(cases)} are there"] * (posts != len(cases))
    for case in cases:
        kind = _kind(case)
        outcome.statuses[kind] = outcome.statuses.get(kind, 0) + 1
        well = not case["unavailable"] and not case["suspect"]
        wanted = ("completed", "allowed") if well else ("waiting_review", None)
        if (case["status"], case["outcome"]) != wanted or case["actions"] or case["decisions"]:
            found.append(f"case {case['case_id']} is {kind} with {case['actions']} actions")
    clean = sum(case["unavailable"] is False for case in cases)
    found += [f"{clean} verdicts, and the model gave {model.good}"] * (clean > model.good)
    for phase in outcome.phases:
        least, most = probes(phase.seconds)
        if phase.name == OUTAGE and not least <= phase.asked <= most:
            found.append(f"out for {phase.seconds:.0f} s it was asked {phase.asked} times, not {least} to {most}")
    found += site.violations()


def _kind(case: dict[str, Any]) -> str:
    verdict = "no verdict" if case["unavailable"] in (True, None) else "suspect" if case["suspect"] else "clean"
    return f"{case['status']} ({case['outcome'] or 'open'}), {verdict}"


def report(outcome: Outcome) -> str:
    """What was seen, as text."""
    lines = [f"  {count:5d} {kind}" for kind, count in sorted(outcome.statuses.items())]
    out = next(phase for phase in outcome.phases if phase.name == OUTAGE)
    least, most = probes(out.seconds)
    lines += [
        f"asked {out.asked} times during the outage of {out.seconds:.0f} s ({least} to {most} were to be expected)"
    ]
    lines += [f"{len(outcome.found)} violations", *(f"  ! {line[:300]}" for line in outcome.found[:SHOWN])]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Live through the day, judge, print; the exit code says whether people were asked about everything."""
    about = "A chat model that errs, hangs, babbles and is out; nobody but people may decide meanwhile."
    parser = argparse.ArgumentParser(prog="scripts/chaos model", description=about)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each trouble (30)")
    parser.add_argument("--outage", type=float, default=600.0, help="seconds without a model (600)")
    given = parser.parse_args(argv)
    tell: Tell = lambda line: print(line, flush=True)  # noqa: E731, T201
    with (
        throwaway("model") as folder,
        private_postgres() as postgres,
        Databases(postgres.url).fresh() as url,
        Model() as model,
    ):
        site = Site(folder, url, None)
        site.settings |= {"HITL_ANALYZER": SPEC, "GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": model.url}
        with opened(site):
            outcome = run(site, model, given.seconds, given.outage, tell)
    sys.stdout.write(report(outcome))
    return 1 if outcome.found else 0
