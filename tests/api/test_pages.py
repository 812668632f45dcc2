"""Pages, headers and CORS: nothing from elsewhere is loaded, and nobody from elsewhere reads along."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hitl.runtime import Runtime
from hitl.store import workers
from tests.api.conftest import as_, desk_on, post
from tests.graphs.house import SERVED

PAGES = ["/docs", "/demo", "/problems/not-found"]
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, if-none-match",
}


@pytest.fixture(scope="module")
def listed(module_database: str) -> Iterator[TestClient]:
    """A desk that lets one other origin in."""
    with desk_on(module_database, cors_origins="https://console.example") as (client, _):
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_elsewhere(desk: TestClient, path: str) -> None:
    page = desk.get(path)
    assert page.status_code == 200
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe-inline" not in page.headers["content-security-policy"].partition("style-src")[0]


def test_the_docs_bring_their_own_files(desk: TestClient) -> None:
    page = desk.get("/docs").text
    for path in re.findall(r'(?:src|href)="(/docs/[^"]+)"', page):
        assert desk.get(path).status_code == 200, path
    assert desk.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_the_demos_posts_are_served(desk: TestClient) -> None:
    assert len(desk.get("/demo/posts.jsonl").text.splitlines()) == 40


def test_the_demo_forum_shows_posts_and_authors(desk: TestClient) -> None:
    post(desk, content="Good morning.", content_id="forum-1")
    forum = desk.get("/demo/forum").json()
    (shown,) = [p for p in forum["posts"] if p["content_id"] == "forum-1"]
    assert (shown["content"], shown["author_id"], shown["removed"], shown["labels"]) == (
        "Good morning.",
        "dev-author",
        False,
        [],
    )
    author = forum["authors"]["dev-author"]
    assert (author["suspended"], author["strikes"], author["warnings"], author["inbox"]) == (False, 0, 0, [])


def test_the_demo_forum_is_shown_on_this_machine_alone(desk: TestClient) -> None:
    assert desk.get("/demo/forum", headers={"Host": "guardian.example"}).status_code == 404
    assert desk.get("/demo/forum", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 404


@pytest.mark.parametrize("path", [*PAGES, "/cases", "/healthz", "/nothing"])
def test_every_answer_is_safe_to_show(desk: TestClient, path: str) -> None:
    headers = desk.get(path, headers=as_("dev-author")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_no_cache_keeps_what_people_wrote(desk: TestClient) -> None:
    case_id = post(desk)
    for path in (
        f"/status/{case_id}",
        f"/cases/{case_id}",
        "/cases",
        f"/cases/{case_id}/events",
        "/events",
        "/metrics",
    ):
        assert desk.get(path, headers=as_("dev-moderator")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:3000", "http://127.0.0.1:8000.evil.example"]
)
def test_other_origins_read_nothing(desk: TestClient, listed: TestClient, origin: str) -> None:
    for client in (desk, listed):
        answer = client.get("/cases", headers={**as_("dev-author"), "Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        assert (
            "access-control-allow-origin"
            not in client.options("/start", headers={"Origin": origin, **PREFLIGHT}).headers
        )


@pytest.mark.parametrize("origin", ["null", "https://console.example"])
def test_listed_origins_and_pages_from_disk_are_let_in(listed: TestClient, origin: str) -> None:
    preflight = listed.options("/start", headers={"Origin": origin, **PREFLIGHT})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin)
    answer = listed.get("/cases", headers={**as_("dev-author"), "Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    shown = answer.headers["access-control-expose-headers"].lower()
    assert all(name in shown for name in ("etag", "location", "retry-after", "idempotent-replayed"))
    refused = listed.get("/cases", headers={"Origin": origin})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)


def test_pages_from_disk_are_not_let_in_where_tokens_are_real(module_database: str, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text("[]")
    with desk_on(module_database, tokens=tokens) as (client, _):
        assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": "null"}).headers


def test_machines_see_whether_it_lives_and_what_it_lacks(desk: TestClient) -> None:
    assert desk.get("/healthz").json() == {"alive": True}
    lacking = desk.get("/readyz")
    assert (lacking.status_code, lacking.json()["missing"]) == (503, ["worker", "relay"])
    assert lacking.headers["retry-after"]


def test_machines_see_when_all_is_there_and_the_numbers(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    post(desk)
    with runtime.store.transaction() as tx:
        workers.beat(tx, "worker-1", serves=[SERVED], relay=True)
    assert desk.get("/readyz").json() == {"ready": True, "workers": 1, "relays": 1}
    numbers = desk.get("/metrics").text
    for line in (
        'hitl_commands_waiting{kind="start"} 1.0',
        "hitl_workers 1.0",
        "hitl_database_up 1.0",
        'hitl_http_requests_total{code="202",method="POST",route="/start"} 1.0',
    ):
        assert line in numbers.splitlines(), line


def test_readiness_names_what_a_bare_database_lacks(empty_database_url: str) -> None:
    with desk_on(empty_database_url) as (desk, _):
        answer = desk.get("/readyz")
    assert answer.status_code == 503
    assert any("0001_cases" in name for name in answer.json()["missing"])
