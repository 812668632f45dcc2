"""A key makes a POST safe to repeat: the same answer, once done, also for many at once and for lost answers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from api.main import create_app
from hitl.errors import Unavailable
from hitl.runtime import Runtime, build
from hitl.store.postgres import Store, Tx
from tests.api.carried import to_end, to_review
from tests.api.conftest import as_, post, served, settings

BODY = {"content": "Only once, please.", "content_id": "post-7"}


def start(client: Any, key: str, body: dict[str, Any] | None = None, person: str = "dev-author") -> httpx.Response:
    """Post with a key."""
    found: httpx.Response = client.post("/start", json=body or BODY, headers={**as_(person), "Idempotency-Key": key})
    return found


def count(runtime: Runtime, table: str) -> int:
    """How many rows a table has."""
    with runtime.store.transaction() as tx:
        row = tx.one(f"select count(*) as n from {table}")  # noqa: S608
    assert row is not None
    return int(row["n"])


def test_the_same_request_gets_the_same_answer(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    first, again = start(desk, "key-1"), start(desk, "key-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert count(runtime, "cases") == 1


def test_the_answer_stays_the_same_when_the_case_has_moved_on(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    first = start(desk, "key-1")
    to_review(runtime, first.json()["case_id"])
    assert start(desk, "key-1").json() == first.json()


def test_how_the_json_was_written_makes_no_difference(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, _ = own_desk
    start(desk, "key-1")
    assert start(desk, "key-1", dict(reversed(BODY.items()))).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("change", [{"content": "Another text."}, {"priority": 9}, {"context": {}}])
def test_another_body_under_the_same_key_is_refused(
    own_desk: tuple[TestClient, Runtime], change: dict[str, Any]
) -> None:
    desk, runtime = own_desk
    start(desk, "key-1")
    again = start(desk, "key-1", {**BODY, **change})
    assert (again.status_code, again.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert count(runtime, "cases") == 1


def test_another_route_under_the_same_key_is_refused(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, _ = own_desk
    case_id = start(desk, "key-1").json()["case_id"]
    body = {"case_id": case_id, "reason": "Please look again."}
    again = desk.post("/rollback", json=body, headers={**as_("dev-author"), "Idempotency-Key": "key-1"})
    assert again.json()["type"] == "/problems/idempotency-key-reused"


def test_another_person_has_keys_of_their_own(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    start(desk, "key-1")
    other = start(desk, "key-1", {"content": "Mine."}, "dev-author-2")
    assert other.status_code == 202
    assert "idempotent-replayed" not in other.headers
    assert count(runtime, "cases") == 2


def test_an_error_is_not_kept(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    assert start(desk, "key-1", {**BODY, "policy": "no-such-policy"}).status_code == 422
    assert count(runtime, "idempotency_keys") == 0
    assert start(desk, "key-1").status_code == 202


def test_a_key_is_forgotten_after_a_day(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    start(desk, "key-1", {"content": "First."})
    with runtime.store.transaction() as tx:
        tx.execute("update idempotency_keys set created_at = now() - interval '25 hours'")
    assert "idempotent-replayed" not in start(desk, "key-1", {"content": "Second."}).headers
    assert count(runtime, "cases") == 2


@pytest.mark.parametrize("key", [b"", b"a" * 201, b"a b", b"a\tb", b"\x7f", "schlüssel".encode()])
def test_a_key_that_is_none_is_named(desk: TestClient, key: bytes) -> None:
    headers = [(b"authorization", b"Bearer dev-author"), (b"idempotency-key", key)]
    answer = desk.post("/start", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_two_keys_are_refused(desk: TestClient) -> None:
    headers = [("Authorization", "Bearer dev-author"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = desk.post("/start", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_many_at_once_do_it_once(database_url: str) -> None:
    runtime = build(settings(), url=database_url)
    with served(create_app(runtime)) as client, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: start(client, "key-1", {"content": "At once."}), range(20)))
        assert {a.status_code for a in answers} == {202}
        assert len({a.text for a in answers}) == 1
        assert sum("idempotent-replayed" not in a.headers for a in answers) == 1
        assert count(runtime, "cases") == 1
    runtime.close()


class LosesTheAnswer:
    """A store whose first commit succeeds without the caller ever learning of it, as when a connection breaks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lost = False

    @contextmanager
    def transaction(self, name: str | None = None) -> Iterator[Tx]:
        """The real transaction; the first one is followed by an error."""
        with self._store.transaction(name) as tx:
            yield tx
        if not self._lost:
            self._lost = True
            raise Unavailable


def test_a_lost_answer_is_given_again(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    real = runtime.store
    runtime.store = LosesTheAnswer(real)  # type: ignore[assignment]
    assert start(desk, "key-1").status_code == 503
    again = start(desk, "key-1")
    runtime.store = real
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert count(runtime, "cases") == 1


def test_decisions_and_appeals_are_safe_to_repeat(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    case_id = post(desk, content_id="post-9")
    review_id = to_review(runtime, case_id)
    decision = {"case_id": case_id, "review_id": review_id, "decision": "approve", "reason": "It insults."}
    appeal = {"case_id": case_id, "reason": "Please look again."}
    for person, route, body in (("dev-moderator", "/resume", decision), ("dev-author", "/rollback", appeal)):
        headers = {**as_(person), "Idempotency-Key": f"key-{route}"}
        first, again = (desk.post(route, json=body, headers=headers) for _ in range(2))
        assert (first.status_code, first.json()) == (202, again.json())
        assert again.headers["idempotent-replayed"] == "true"
        if route == "/resume":
            assert desk.post(route, json=body, headers=as_(person)).json()["type"] == "/problems/stale-review"
            to_end(runtime, case_id)
    assert count(runtime, "decisions") == count(runtime, "appeals") == 1
