"""Events as they happen: each once, in order, resumable, and only for those who may see them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import streams
from api.main import create_app
from hitl.directory import digest
from hitl.runtime import Runtime, build
from tests.api.carried import to_review
from tests.api.conftest import as_, post, served, settings

Running = tuple[httpx.Client, Runtime, FastAPI]


@pytest.fixture
def running(database_url: str) -> Iterator[Running]:
    """A desk behind a real server."""
    runtime = build(settings(), url=database_url)
    app = create_app(runtime)
    with served(app) as client:
        yield client, runtime, app
    runtime.close()


class Told:
    """What a stream has said so far, line by line."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> tuple[str, Any]:
        """The next event: its id and its data."""
        number = ""
        for line in self._lines:
            if line.startswith("id: "):
                number = line[4:]
            elif line.startswith("data: "):
                return number, json.loads(line[6:])
        raise EOFError

    def opened(self) -> "Told":
        """Wait for the first words, after which nothing is missed."""
        assert next(self._lines).startswith("retry:")
        return self


@contextmanager
def stream(client: httpx.Client, path: str, person: str = "dev-moderator", **headers: str) -> Iterator[Told]:
    """Follow a stream of events."""
    sent = {**as_(person), "Accept": "text/event-stream", **{k.replace("_", "-"): v for k, v in headers.items()}}
    with client.stream("GET", path, headers=sent) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Told(answer).opened()


def until_waiting(app: FastAPI, count: int) -> None:
    """Hold on until so many streams are open."""
    patience = threading.Event()
    while app.state.desk.hub.waiting != count:
        patience.wait(0.02)


def test_a_case_is_told_from_its_beginning_and_as_it_goes_on(running: Running) -> None:
    client, runtime, _ = running
    case_id = post(client)
    with stream(client, f"/cases/{case_id}/events") as told:
        assert told.next() == ("1", {**told_first(client, case_id)})
        to_review(runtime, case_id)
        seen = [told.next() for _ in range(3)]
        assert [number for number, _ in seen] == ["2", "3", "4"]
        assert [event["type"] for _, event in seen] == ["analysis_started", "analyzed", "review_opened"]


def told_first(client: httpx.Client, case_id: str) -> dict[str, Any]:
    """The first event as JSON tells it."""
    found: dict[str, Any] = client.get(f"/cases/{case_id}/events", headers=as_("dev-moderator")).json()["events"][0]
    return found


def test_a_stream_goes_on_where_it_broke_off(running: Running) -> None:
    client, runtime, _ = running
    case_id = post(client)
    to_review(runtime, case_id)
    with stream(client, f"/cases/{case_id}/events", Last_Event_ID="2") as told:
        assert [told.next()[0] for _ in range(2)] == ["3", "4"]


def test_json_pages_tell_the_same_as_the_stream(running: Running) -> None:
    client, runtime, _ = running
    case_id = post(client)
    to_review(runtime, case_id)
    pages, cursor = [], "0"
    while cursor:
        query = {"limit": "3", "cursor": cursor}
        page = client.get(f"/cases/{case_id}/events", params=query, headers=as_("dev-moderator")).json()
        pages += page["events"]
        cursor = page["next_cursor"]
    with stream(client, f"/cases/{case_id}/events") as told:
        assert [told.next()[1] for _ in pages] == pages
    assert [event["seq"] for event in pages] == [1, 2, 3, 4]


def test_the_stream_of_all_cases_begins_now_and_goes_on_where_it_broke_off(running: Running) -> None:
    client, runtime, _ = running
    post(client)
    with stream(client, "/events") as told:
        case_id = post(client)
        first, event = told.next()
        assert (event["case_id"], event["seq"]) == (case_id, 1)
    to_review(runtime, case_id)
    with stream(client, "/events", Last_Event_ID=first) as told:
        assert [told.next()[1]["seq"] for _ in range(3)] == [2, 3, 4]


def test_all_cases_can_be_told_from_the_beginning(running: Running) -> None:
    client, _, _ = running
    cases = [post(client) for _ in range(5)]
    with stream(client, "/events?cursor=0") as told:
        assert [told.next()[1]["case_id"] for _ in cases] == cases


def test_an_author_is_told_of_their_own_cases_alone_and_not_who_decides(running: Running) -> None:
    client, runtime, _ = running
    with stream(client, "/events", "dev-author-2") as told:
        post(client)
        mine = post(client, "dev-author-2")
        review_id = to_review(runtime, mine)
        body = {"case_id": mine, "review_id": review_id, "decision": "reject"}
        assert client.post("/resume", json=body, headers=as_("dev-moderator")).status_code == 202
        seen = [told.next()[1] for _ in range(5)]
        assert {event["case_id"] for event in seen} == {mine}
        assert "dev-moderator" not in json.dumps(seen)
        assert "confidence" not in json.dumps(seen)


def test_a_strangers_stream_is_unknown(running: Running) -> None:
    client, _, _ = running
    headers = {**as_("dev-author-2"), "Accept": "text/event-stream"}
    assert client.get(f"/cases/{post(client)}/events", headers=headers).status_code == 404


def test_no_event_is_missed_or_told_twice_while_many_write(running: Running) -> None:
    client, runtime, _ = running
    with stream(client, "/events") as told:
        cases = {post(client) for _ in range(20)}
        writers = [threading.Thread(target=to_review, args=(runtime, case_id)) for case_id in cases]
        for writer in writers:
            writer.start()
        seen = [told.next() for _ in range(20 * 4)]
        for writer in writers:
            writer.join()
    assert len({number for number, _ in seen}) == 80
    for case_id in cases:
        assert [event["seq"] for _, event in seen if event["case_id"] == case_id] == [1, 2, 3, 4]


def test_a_stream_ends_when_its_reader_leaves(running: Running) -> None:
    client, _, app = running
    with stream(client, f"/cases/{post(client)}/events") as one, stream(client, "/events") as all_:
        until_waiting(app, 2)
        assert not (one.answer.is_closed)
        assert not (all_.answer.is_closed)
    until_waiting(app, 0)


def test_a_stream_ends_when_the_desk_closes(running: Running) -> None:
    client, _, app = running
    with stream(client, "/events") as told:
        app.state.desk.hub.close()
        with pytest.raises(EOFError):
            told.next()


def test_a_quiet_stream_shows_that_it_lives(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _, _ = running
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)
    with client.stream("GET", "/events", headers={**as_("dev-author"), "Accept": "text/event-stream"}) as answer:
        assert ": still here" in answer.iter_lines()


def test_too_many_who_wait_are_told_to_come_back(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _, _ = running
    monkeypatch.setattr("api.hub.MOST_BELLS", 0)
    answer = client.get("/events", headers={**as_("dev-author"), "Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


def test_pages_of_all_cases_tell_each_event_once_while_many_write(running: Running) -> None:
    client, runtime, _ = running
    cases = {post(client, "dev-author-2" if n % 2 else "dev-author") for n in range(20)}
    mine = {case_id for case_id in cases if client.get(f"/status/{case_id}", headers=as_("dev-author-2")).is_success}
    writers = [threading.Thread(target=to_review, args=(runtime, case_id)) for case_id in cases]
    for writer in writers:
        writer.start()
    seen: list[dict[str, Any]] = []
    cursor = "0"
    while len(seen) < len(mine) * 4:
        query = {"cursor": cursor, "limit": "3"}
        page = client.get("/events", params=query, headers=as_("dev-author-2")).json()
        seen += page["events"]
        cursor = page["next_cursor"]
    for writer in writers:
        writer.join()
    for case_id in mine:
        assert [event["seq"] for event in seen if event["case_id"] == case_id] == [1, 2, 3, 4]
    assert {event["case_id"] for event in seen} == mine


def test_who_has_nothing_to_see_does_not_stay_behind(running: Running) -> None:
    client, _, _ = running
    post(client)
    page = client.get("/events", params={"cursor": "0"}, headers=as_("dev-author-2")).json()
    assert page["events"] == []
    assert page["next_cursor"] != "0"


def test_a_withdrawn_token_has_seen_enough(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)
    tokens = tmp_path / "tokens.json"
    mia = {"sha256": digest("secret"), "person": "mia", "roles": ["moderator"], "tenant": "default"}
    tokens.write_text(json.dumps([mia]))
    runtime = build(settings(tokens=tokens), url=database_url)
    with served(create_app(runtime)) as client, stream(client, "/events", "secret") as told:
        tokens.write_text("[]")
        with pytest.raises(EOFError):
            told.next()
    runtime.close()
