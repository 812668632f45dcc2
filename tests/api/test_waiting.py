"""The status is cheap to follow: an ETag that is its version, 304 while nothing changed, and a wait that wakes."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import hub
from api.hub import Hub
from api.main import create_app
from hitl.directory import DEV
from hitl.runtime import Runtime, build
from hitl.store import events
from hitl.store.bells import Bells
from hitl.store.notify import CASES
from tests.api.carried import to_end, to_review
from tests.api.conftest import as_, post, served, settings

Running = tuple[httpx.Client, Runtime, FastAPI]


class Stumbling(Hub):
    """Breaks at its first look for news."""

    looked = 0

    def _news(self, tenant: str, watched: list[str]) -> events.News | None:
        self.looked += 1
        if self.looked == 1:
            raise ValueError("a bug")
        return super()._news(tenant, watched)


def test_a_poll_that_breaks_is_not_the_last(database_url: str) -> None:
    runtime = build(settings(), url=database_url)

    async def wait() -> bool:
        stumbling = Stumbling(runtime.store)
        await stumbling.open()
        with stumbling.watch("default", None) as bell:
            rang = await bell.rings(20)
        await stumbling.stop()
        return rang

    assert asyncio.run(wait())
    runtime.close()


def test_who_waits_is_woken_through_the_pipe_of_this_machine(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 60.0)
    runtime = build(settings(), url=database_url)
    runtime.store.bells = tmp_path / "pipes"

    async def wait() -> bool:
        waiting = Hub(runtime.store)
        await waiting.open()
        with waiting.watch("default", "a-case") as bell:
            assert Bells(tmp_path / "pipes").ring(CASES, "a-case:3:1")
            rang = await bell.rings(20)
        await waiting.stop()
        return rang

    assert asyncio.run(wait())
    assert list((tmp_path / "pipes").iterdir()) == []
    runtime.close()


@pytest.fixture
def running(database_url: str) -> Iterator[Running]:
    """A desk behind a real server."""
    runtime = build(settings(), url=database_url)
    app = create_app(runtime)
    with served(app) as client:
        yield client, runtime, app
    runtime.close()


def look(client: Any, case_id: str, held: str | None = None, wait: float = 0, **params: str) -> httpx.Response:
    """Read the status as its author, holding an ETag."""
    headers = {**as_("dev-author"), **({"If-None-Match": held} if held is not None else {})}
    asked = {**({"wait": wait} if wait else {}), **params}
    answer: httpx.Response = client.get(f"/status/{case_id}", params=asked, headers=headers)
    return answer


@pytest.mark.parametrize("held", ['"1"', 'W/"1"', '"7", "1"', "*"])
def test_what_is_current_is_not_sent_again(desk: TestClient, held: str) -> None:
    case_id = post(desk)
    assert look(desk, case_id).headers["etag"] == '"1"'
    answer = look(desk, case_id, held)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("held", ['"0"', "1", "", '"11"', "nonsense"])
def test_what_is_not_current_is_sent(desk: TestClient, held: str) -> None:
    assert look(desk, post(desk), held).status_code == 200


def test_a_wait_without_an_etag_answers_at_once(desk: TestClient) -> None:
    assert look(desk, post(desk), wait=60).status_code == 200


def test_a_wait_ends_unchanged_when_its_time_is_over(desk: TestClient) -> None:
    assert look(desk, post(desk), '"1"', wait=0.2).status_code == 304


def test_a_stranger_waits_for_nothing(desk: TestClient) -> None:
    headers = {**as_("dev-author-2"), "If-None-Match": '"1"'}
    assert desk.get(f"/status/{post(desk)}?wait=60", headers=headers).status_code == 404


def until_waiting(app: FastAPI, count: int) -> None:
    """Hold on until so many are held."""
    patience = threading.Event()
    while app.state.desk.hub.waiting < count:
        patience.wait(0.02)


def test_a_change_wakes_everybody_who_waits(running: Running) -> None:
    client, runtime, app = running
    case_id, other = post(client), post(client)
    with ThreadPoolExecutor(31) as threads:
        held: list[Future[httpx.Response]] = [threads.submit(look, client, case_id, '"1"', 15) for _ in range(30)]
        unrelated = threads.submit(look, client, other, '"1"', 3)
        until_waiting(app, 31)
        to_review(runtime, case_id)
        answers = [f.result() for f in held]
        assert {a.status_code for a in answers} == {200}
        assert {a.json()["status"] for a in answers} == {"waiting_review"}
        assert unrelated.result().status_code == 304


def test_a_change_is_found_when_its_word_is_lost(running: Running) -> None:
    client, runtime, app = running
    case_id = post(client)
    runtime.store.notifier.close()
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(look, client, case_id, '"1"', 15)
        until_waiting(app, 1)
        to_review(runtime, case_id)
        assert held.result().json()["status"] == "waiting_review"


def test_those_who_wait_hold_no_connection(running: Running) -> None:
    client, _, app = running
    cases = [post(client) for _ in range(40)]
    with ThreadPoolExecutor(40) as threads:
        held = [threads.submit(look, client, case_id, '"1"', 2) for case_id in cases]
        until_waiting(app, 40)
        assert look(client, post(client)).status_code == 200
        assert {f.result().status_code for f in held} == {304}


def test_closing_sends_home_those_who_wait(running: Running) -> None:
    client, _, app = running
    case_id = post(client)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(look, client, case_id, '"1"', 60)
        until_waiting(app, 1)
        app.state.desk.hub.close()
        assert held.result().status_code == 304


def test_until_rest_passes_over_what_is_under_way(running: Running) -> None:
    client, runtime, app = running
    case_id = post(client)
    review_id = to_review(runtime, case_id)
    held = look(client, case_id).headers["etag"]
    with ThreadPoolExecutor(3) as threads:
        decided = [threads.submit(look, client, case_id, tag, 15, until="rest") for tag in (held, "*")]
        moved = threads.submit(look, client, case_id, held, 15)
        until_waiting(app, 3)
        body = {"case_id": case_id, "review_id": review_id, "decision": "approve", "reason": "It insults."}
        assert client.post("/resume", json=body, headers=as_("dev-moderator")).status_code == 202
        assert moved.result().json()["status"] == "executing"
        to_end(runtime, case_id)
        assert {f.result().json()["status"] for f in decided} == {"completed"}


def test_until_rest_without_an_etag_waits_too(running: Running) -> None:
    client, runtime, app = running
    case_id = post(client)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(look, client, case_id, None, 15, until="rest")
        until_waiting(app, 1)
        to_review(runtime, case_id)
        assert held.result().json()["status"] == "waiting_review"
    assert look(client, case_id, '"1"', 60, until="rest").json()["status"] == "waiting_review"


@pytest.mark.parametrize(("held", "code"), [('"1"', 304), ("*", 304), ('"0"', 200), (None, 200)])
def test_until_rest_answers_as_it_stands_when_time_is_over(desk: TestClient, held: str | None, code: int) -> None:
    answer = look(desk, post(desk), held, wait=0.2, until="rest")
    assert (answer.status_code, answer.headers["etag"]) == (code, '"1"')


def test_until_rest_without_a_wait_answers_at_once(desk: TestClient) -> None:
    case_id = post(desk)
    assert [look(desk, case_id, held, until="rest").status_code for held in (None, '"0"', '"1"')] == [200, 200, 304]


def test_until_rest_is_for_those_who_may_see_the_case(desk: TestClient) -> None:
    answer = desk.get(f"/status/{post(desk)}?wait=60&until=rest", headers=as_("dev-author-2"))
    assert answer.status_code == 404


def test_there_is_nothing_else_to_wait_for(desk: TestClient) -> None:
    assert look(desk, post(desk), wait=60, until="lunch").status_code == 422


def test_what_no_wake_up_told_of_a_fresh_case_is_seen_soon(running: Running) -> None:
    client, runtime, app = running
    runtime.store.notifier.close()
    case_id = post(client)
    assert app.state.desk.hub.recent.current(DEV["dev-author"], case_id) == 1
    to_review(runtime, case_id)
    assert look(client, case_id, '"1"', 15, until="rest").json()["status"] == "waiting_review"
