"""Reading changes nothing; without Postgres there is a clear no, soon, and never a yes."""

import hashlib

import pytest
from starlette.testclient import TestClient

from hitl.runtime import Runtime
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate
from tests.api.carried import to_review
from tests.api.conftest import as_, desk_on, post

PEOPLE = ["dev-author", "dev-author-2", "dev-moderator", "dev-supervisor", "dev-admin", "nobody"]


def fingerprint(runtime: Runtime) -> str:
    """A digest of every row of every table."""
    with runtime.store.transaction() as tx:
        tables = [r["t"] for r in tx.all("select tablename as t from pg_tables where schemaname = 'public' order by 1")]
        rows = {t: tx.all(f"select x::text as x from {t} x order by 1") for t in tables}  # noqa: S608
    assert len(tables) > 10
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def readable(desk: TestClient, case_id: str) -> list[str]:
    """Every address that can be read."""
    paths = desk.get("/openapi.json").json()["paths"]
    found = [path.replace("{case_id}", case_id) for path, methods in paths.items() if "get" in methods]
    return [*found, "/start", "/resume", "/docs", "/demo", "/demo/forum", "/demo/posts.jsonl", "/nothing"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_changes_nothing(own_desk: tuple[TestClient, Runtime], method: str) -> None:
    desk, runtime = own_desk
    case_id = post(desk)
    to_review(runtime, case_id)
    before = fingerprint(runtime)
    for person in PEOPLE:
        for path in readable(desk, case_id):
            headers = {**as_(person), "Idempotency-Key": "key-1", "If-None-Match": '"1"'}
            assert desk.request(method, path, headers=headers).status_code < 500 or path == "/readyz"
    assert fingerprint(runtime) == before


def test_head_is_get_without_its_body(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, _ = own_desk
    case_id = post(desk)
    headers = {**as_("dev-author"), "Accept": "text/event-stream"}
    for path in (f"/status/{case_id}", f"/cases/{case_id}", f"/cases/{case_id}/events", "/events", "/nothing"):
        head, get = desk.head(path, headers=headers), desk.get(path, headers=as_("dev-author"))
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


def test_without_postgres_there_is_a_clear_no_until_it_is_back(own_postgres: EmbeddedPostgres) -> None:
    migrate(own_postgres.url)
    with desk_on(own_postgres.url) as (desk, runtime):
        case_id = post(desk)
        own_postgres.stop()
        for answer in (
            desk.post("/start", json={"content": "Fine."}, headers=as_("dev-author")),
            desk.get(f"/status/{case_id}", headers=as_("dev-author")),
            desk.get("/cases", headers=as_("dev-moderator")),
            desk.get("/events", headers=as_("dev-moderator")),
        ):
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert desk.get("/readyz").json()["missing"] == ["database"]
        assert "hitl_database_up 0.0" in desk.get("/metrics").text
        assert desk.get("/healthz").status_code == 200
        own_postgres.start()
        assert post(desk, content="Once more.") != case_id
        assert desk.get("/cases", headers=as_("dev-author")).json()["cases"][1]["case_id"] == case_id
    assert runtime.store.pool.closed
