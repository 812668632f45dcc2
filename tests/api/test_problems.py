"""Every error is problem+json with the same members, a page that explains it, and no internals."""

import inspect
import io
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import docs
from api.errors import CODES
from hitl import errors
from hitl.runtime import Runtime
from hitl.telemetry import logs
from tests.api.carried import to_end, to_review
from tests.api.conftest import as_, post

UNKNOWN = "019aa51c-7d7e-7c9a-9d6f-0d6a3f2b9c11"
KINDS = [k for _, k in inspect.getmembers(errors, inspect.isclass) if issubclass(k, errors.GuardianError)]
SLUGS = sorted({k.slug for k in KINDS if issubclass(k, tuple(CODES))} | set(docs.OTHERS))


def decide(desk: TestClient, case_id: str, review_id: str, person: str = "dev-moderator", **changes: Any) -> Any:
    """Decide a review."""
    body = {"case_id": case_id, "review_id": review_id, "decision": "approve", "reason": "It insults.", **changes}
    return desk.post("/resume", json=body, headers=as_(person))


def roll_back(desk: TestClient, case_id: str, person: str = "dev-author") -> Any:
    """Appeal, or order a rollback."""
    return desk.post("/rollback", json={"case_id": case_id, "reason": "Please look again."}, headers=as_(person))


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """The problem that an answer is, checked for its members."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["status"], found["type"]) == (status, status, f"/problems/{slug}"), found
    assert found["title"]
    assert found["detail"]
    assert found["instance"].startswith("/")
    return found


@pytest.mark.parametrize("slug", SLUGS)
def test_every_problem_has_a_page_for_people(desk: TestClient, slug: str) -> None:
    page = desk.get(f"/problems/{slug}")
    assert page.status_code == 200
    assert "<h1>" in page.text


def test_an_unknown_problem_has_none(desk: TestClient) -> None:
    problem(desk.get("/problems/nonsense"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "//start", "/start/", "/status/", "/docs/../x", "/demo/x", "/docs/x.js"]
)
def test_an_unknown_address_is_a_problem(desk: TestClient, path: str) -> None:
    problem(desk.get(path, headers=as_("dev-admin")), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/start"), ("PUT", "/start"), ("DELETE", f"/cases/{UNKNOWN}"), ("POST", "/cases"), ("PATCH", "/status/x")],
)
def test_another_method_is_a_problem(desk: TestClient, method: str, path: str) -> None:
    answer = desk.request(method, path, headers=as_("dev-admin"))
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize("person", ["dev-author", "dev-author-2"])
def test_who_lacks_the_role_is_told_which_one(desk: TestClient, person: str) -> None:
    found = problem(decide(desk, UNKNOWN, UNKNOWN, person), 403, "forbidden")
    assert "moderator" in found["detail"]
    body = {"outcome": "leave", "reason": "Fine."}
    answer = desk.post(f"/actions/{UNKNOWN}/settle", json=body, headers=as_("dev-moderator"))
    assert "supervisor" in problem(answer, 403, "forbidden")["detail"]


def test_an_author_does_not_post_for_somebody_else(desk: TestClient) -> None:
    answer = desk.post("/start", json={"content": "Fine.", "author_id": "x"}, headers=as_("dev-author-2"))
    problem(answer, 403, "forbidden")


def test_unknown_things_are_unknown(desk: TestClient) -> None:
    problem(decide(desk, UNKNOWN, UNKNOWN), 404, "not-found")
    problem(decide(desk, "nonsense", UNKNOWN), 404, "not-found")
    problem(roll_back(desk, UNKNOWN), 404, "not-found")
    body = {"outcome": "leave", "reason": "Fine."}
    answer = desk.post(f"/actions/{UNKNOWN}/settle", json=body, headers=as_("dev-supervisor"))
    problem(answer, 404, "not-found")


def test_another_authors_case_is_unknown(desk: TestClient) -> None:
    case_id = post(desk)
    for path in ("/status/{}", "/cases/{}", "/cases/{}/events"):
        problem(desk.get(path.format(case_id), headers=as_("dev-author-2")), 404, "not-found")
    problem(roll_back(desk, case_id, "dev-author-2"), 404, "not-found")


def test_a_decided_review_says_who_and_when(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    case_id = post(desk)
    review_id = to_review(runtime, case_id)
    assert decide(desk, case_id, review_id).status_code == 202
    found = problem(decide(desk, case_id, review_id, "dev-moderator-2"), 409, "stale-review")
    assert found["decided_by"] == "dev-moderator"
    assert found["decided_at"].startswith("20")


def test_rollbacks_that_cannot_be_say_why(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    case_id = post(desk, content_id="post-1")
    problem(roll_back(desk, case_id), 409, "nothing-applied")
    review_id = to_review(runtime, case_id)
    decide(desk, case_id, review_id)
    problem(roll_back(desk, case_id), 409, "conflict")
    to_end(runtime, case_id)
    problem(roll_back(desk, case_id, "dev-moderator"), 403, "forbidden")
    assert roll_back(desk, case_id).status_code == 202
    problem(roll_back(desk, case_id), 409, "rollback-in-progress")


def test_who_decided_before_may_not_decide_again(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    mine = post(desk, "dev-author", author_id="dev-moderator")
    problem(decide(desk, mine, to_review(runtime, mine)), 403, "conflict-of-interest")


def test_a_full_house_says_when_to_come_back(own_desk: tuple[TestClient, Runtime]) -> None:
    desk, runtime = own_desk
    post(desk)
    runtime.backlog = type(runtime.backlog)(1)
    answer = desk.post("/start", json={"content": "One more."}, headers=as_("dev-author"))
    problem(answer, 503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0


class Breaks:
    """A store with a mistake in it, whose message quotes what it was given."""

    def transaction(self, name: str | None = None) -> None:
        """Break."""
        raise ZeroDivisionError(f"My secret words. {name}")

    statement = transaction


def test_a_mistake_of_ours_shows_no_internals(
    own_desk: tuple[TestClient, Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, runtime = own_desk
    written = io.StringIO()
    logs.configure("json", written)
    with monkeypatch.context() as broken:
        broken.setattr(runtime, "store", Breaks())
        answer = desk.post("/start", json={"content": "My secret words."}, headers=as_("dev-author"))
    found = problem(answer, 500, "bug")
    assert set(found) == {"type", "title", "status", "detail", "instance", "error_id"}
    logged = written.getvalue()
    assert found["error_id"] in logged
    assert "ZeroDivisionError" in logged
    assert "secret" not in logged + answer.text


def test_a_mistake_behind_a_route_of_fastapis_own_is_told_the_same_way(
    own_desk: tuple[TestClient, Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, runtime = own_desk
    with monkeypatch.context() as broken:
        broken.setattr(runtime, "store", Breaks())
        answer = desk.get("/cases", headers=as_("dev-moderator"))
    assert "error_id" in problem(answer, 500, "bug")
