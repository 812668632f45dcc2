"""Postgres takes connections and says nothing: the desk says so within seconds, and goes on by itself afterwards."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from api.desk import PATIENCE, WRITERS, Desk
from api.main import create_app
from hitl.errors import Unavailable
from hitl.runtime import build
from tests.api.carried import to_review
from tests.api.conftest import as_, post, served, settings
from tests.chaos.proxy import Proxy

TIMEOUT = 20.0  # until a client gives up; each of the crowd below would wait for longer if they waited for each other
CROWD = 100
TRIES = 100
FAULTS: dict[str, Callable[[Proxy], None]] = {
    "answers held back": lambda line: line.hold("down"),
    "everything held back": lambda line: line.hold("up", "down"),
    "answers swallowed": lambda line: line.swallow("down"),
    "questions swallowed": lambda line: line.swallow("up"),
    "half-open": Proxy.half_open,
}


@contextmanager
def desk_behind(line: Proxy, url: str) -> Iterator[httpx.Client]:
    """A desk whose every connection goes through the line."""
    person = urlsplit(url).netloc.rpartition("@")[0]
    through = urlsplit(url)._replace(netloc=f"{person}@127.0.0.1:{line.port}").geturl()
    runtime = build(settings(), url=through)
    alone = httpx.Limits(max_keepalive_connections=0)  # a client that many threads share hangs up what one has begun
    with (
        served(create_app(runtime)) as there,
        httpx.Client(base_url=there.base_url, timeout=TIMEOUT, limits=alone) as client,
    ):
        yield client
    runtime.close()


@contextmanager
def line_to(url: str) -> Iterator[Proxy]:
    """A line to Postgres that can be made mute."""
    to = urlsplit(url)
    with Proxy((to.hostname or "127.0.0.1", to.port or 5432)) as line:
        yield line


def under_review(client: httpx.Client, url: str) -> dict[str, Any]:
    """A case that waits for people, and the decision that will be sent about it."""
    aside = build(settings(), url=url)
    case_id = post(client)
    review_id = to_review(aside, case_id)
    aside.close()
    return {"case_id": case_id, "review_id": review_id, "decision": "approve", "reason": "It insults."}


def decided(client: httpx.Client, decision: dict[str, Any]) -> httpx.Response:
    """Send the decision, under the same key each time."""
    return client.post("/resume", json=decision, headers={**as_("dev-moderator"), "Idempotency-Key": "once"})


def started(client: httpx.Client, content_id: str) -> httpx.Response:
    """Post a text."""
    return client.post("/start", json={"content": "A mild text.", "content_id": content_id}, headers=as_("dev-author"))


def again(ask: Callable[[], httpx.Response], wanted: int) -> httpx.Response:
    """Ask as a client would whose requests were refused, until there is an answer."""
    for _ in range(TRIES):
        answer = ask()
        if answer.status_code == wanted:
            return answer
        assert answer.status_code == 503, answer.text
        threading.Event().wait(0.2)
    raise AssertionError("the desk did not heal")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mute_postgres_is_told_to_everybody_and_forgotten(database_url: str, fault: str) -> None:
    with line_to(database_url) as line, desk_behind(line, database_url) as client, ThreadPoolExecutor(CROWD) as crowd:
        decision = under_review(client, database_url)
        status, me = f"/status/{decision['case_id']}", as_("dev-moderator")
        accepted = list(crowd.map(lambda n: started(client, f"before-{n}"), range(10)))
        assert {answer.status_code for answer in accepted} == {202}
        FAULTS[fault](line)
        asked: list[Callable[[], httpx.Response]] = [
            lambda: client.get(status, headers=me),
            lambda: client.get(status, headers={**me, "If-None-Match": '"1"'}, params={"wait": 1}),
            lambda: decided(client, decision),
            lambda: client.get(f"/cases/{decision['case_id']}", headers=me),
            lambda: client.get("/events", headers={**me, "Accept": "text/event-stream"}),
            lambda: client.get("/readyz"),
            *[partial(started, client, f"mute-{n}") for n in range(CROWD)],
        ]
        for answer in crowd.map(lambda ask: ask(), asked):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200

        line.heal()
        again(lambda: decided(client, decision), 202)
        accepted += [again(partial(started, client, f"mute-{n}"), 202) for n in range(CROWD)]
        assert again(lambda: client.get(status, headers=me), 200).json()["decision"]["by"] == "dev-moderator"
        with psycopg.connect(database_url) as conn:
            kept = {str(row[0]) for row in conn.execute("select case_id from cases")}
        assert {answer.json()["case_id"] for answer in accepted} | {decision["case_id"]} == kept


def test_a_request_that_waits_for_a_lock_is_given_up_and_leaves_nothing(database_url: str) -> None:
    with line_to(database_url) as line, desk_behind(line, database_url) as client:
        case_id = post(client)
        with psycopg.connect(database_url) as other:
            other.execute("lock table cases in exclusive mode")
            assert started(client, "one").status_code == 503
            assert client.get(f"/status/{case_id}", headers=as_("dev-author")).status_code == 200
        again(lambda: started(client, "one"), 202)
        with psycopg.connect(database_url) as conn:
            assert conn.execute("select count(*) from cases").fetchone() == (2,)


def test_who_waits_for_longer_than_postgres_may_take_is_not_cut_short(database_url: str) -> None:
    with line_to(database_url) as line, desk_behind(line, database_url) as client:
        case_id = post(client)
        headers = {**as_("dev-author"), "If-None-Match": '"1"'}
        assert client.get(f"/status/{case_id}", params={"wait": 3}, headers=headers).status_code == 304


def test_what_waited_too_long_is_refused_before_it_is_begun(database_url: str) -> None:
    runtime = build(settings(), url=database_url)
    desk: Desk = create_app(runtime).state.desk
    begun: list[int] = []

    def dawdle(n: int) -> None:
        begun.append(n)
        time.sleep(PATIENCE * 0.6)

    async def crowd() -> list[Any]:
        return await asyncio.gather(
            *(desk.write(partial(dawdle, n)) for n in range(WRITERS + 3)), return_exceptions=True
        )

    ended = asyncio.run(crowd())
    assert begun == list(range(WRITERS))
    assert [type(end) for end in ended] == [type(None)] * WRITERS + [Unavailable] * 3
    asyncio.run(desk.close())
    runtime.close()
