"""Bad input is told apart, clearly, and changes nothing; it never becomes a 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.body import MAX_BODY
from tests.api.conftest import as_

UNKNOWN = "019aa51c-7d7e-7c9a-9d6f-0d6a3f2b9c11"
REVIEW = "019aa51c-80f2-7b1e-8b52-6c1d1f1f7a02"
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "/start": ("dev-author", {"content": "Fine."}),
    "/resume": ("dev-moderator", {"case_id": UNKNOWN, "review_id": REVIEW, "decision": "reject"}),
    "/rollback": ("dev-author", {"case_id": UNKNOWN, "reason": "Please look again."}),
    f"/actions/{UNKNOWN}/settle": ("dev-supervisor", {"outcome": "leave", "reason": "It is fine."}),
}
ROUTES = sorted(GOOD)
JSON = {"Content-Type": "application/json"}


def send(desk: TestClient, route: str, raw: bytes | Iterator[bytes], headers: dict[str, str] = JSON) -> Any:
    """Post raw bytes as somebody who may; the problem that came back."""
    answer = desk.post(route, content=raw, headers={**as_(GOOD[route][0]), **headers})
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["status"] == answer.status_code
    return answer.json()


def refused(desk: TestClient, route: str, **changes: Any) -> Any:
    """The 422 for a good body with these changes."""
    found = send(desk, route, json.dumps({**GOOD[route][1], **changes}).encode())
    assert found["status"] == 422, found
    return found


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"  \n", JSON, 400),
        (b"{", JSON, 400),
        (b'{"content": "\xff\xfe"}', JSON, 400),
        (b"\xef\xbb\xbf{}", JSON, 400),
        (b'{"a": NaN}', JSON, 400),
        (b'{"a": -Infinity}', JSON, 400),
        (b'{"a": ' + b"9" * 5000 + b"}", JSON, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, JSON, 400),
        (b"[" * 200_000, JSON, 400),
        (b"[]", JSON, 422),
        (b"null", JSON, 422),
        (b'"text"', JSON, 422),
        (b"{}", JSON, 422),
        (b"{}", {}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415),
        (b'{"content": "' + b"a" * MAX_BODY + b'"}', JSON, 413),
        (b"a" * (40 * MAX_BODY), JSON, 413),
    ],
    ids=lambda v: repr(v)[:24],
)
def test_a_body_that_is_no_json_object_is_told_apart(
    desk: TestClient, route: str, raw: bytes, headers: dict[str, str], status: int
) -> None:
    assert send(desk, route, raw, headers)["status"] == status


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_over_the_limit_is_refused_when_no_length_was_announced(desk: TestClient, route: str) -> None:
    assert send(desk, route, (b"a" * 65_536 for _ in range(5)))["status"] == 413


@pytest.mark.parametrize("route", ROUTES)
def test_unknown_fields_are_named(desk: TestClient, route: str) -> None:
    found = refused(desk, route, contnet="x")
    assert found["errors"] == [{"field": "contnet", "detail": "there is no such field"}]
    assert "contnet" in found["detail"]


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "\udc00"])
@pytest.mark.parametrize("route", ROUTES)
def test_text_that_no_database_holds_is_refused_by_name_wherever_it_is(desk: TestClient, route: str, bad: str) -> None:
    for field, value in GOOD[route][1].items():
        if isinstance(value, str):
            assert refused(desk, route, **{field: bad})["errors"][0]["field"] == field
    assert refused(desk, route, **{bad: 1})["errors"][0]["field"].startswith("a" if bad[0] == "a" else "\ufffd")


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"a": {"b": ["\x00"]}}, "context.a.b.0"),
        ({"a\x00": 1}, "context.a\ufffd"),
        ({"n": 2**64}, "context.n"),
        ({"n": 1e400}, "context.n"),
        ({"n": "x" * 17_000}, "context"),
        ([], "context"),
        ("text", "context"),
    ],
    ids=repr,
)
def test_a_context_that_cannot_be_kept_is_refused_by_name(desk: TestClient, context: Any, field: str) -> None:
    raw = json.dumps({"content": "Fine.", "context": context}).replace("Infinity", "1e400").encode()
    found = send(desk, "/start", raw)
    assert (found["status"], found["errors"][0]["field"]) == (422, field)


def test_context_may_be_as_deep_as_promised_and_no_deeper(desk: TestClient) -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"a": nested(levels - 1)} if levels else {}

    body = {"content": "Fine.", "context": nested(30)}
    assert desk.post("/start", json=body, headers=as_("dev-author")).status_code == 202
    assert "deeper" in refused(desk, "/start", context=nested(31))["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", "a" * 20_001),
        ("content", 7),
        ("content", None),
        ("content", ["a"]),
        ("content_id", ""),
        ("content_id", "a" * 201),
        ("content_id", 7),
        ("author_id", "a" * 201),
        ("priority", -1),
        ("priority", 10),
        ("priority", True),
        ("priority", "5"),
        ("priority", 5.5),
        ("priority", None),
        ("priority", 10**30),
        ("policy", "no-such-policy"),
        ("graph", "no-such-graph"),
        ("graph", 5),
    ],
)
def test_start_names_what_it_cannot_take(desk: TestClient, field: str, value: Any) -> None:
    assert refused(desk, "/start", **{field: value})["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("decision", "remove", "decision"),
        ("decision", None, "decision"),
        ("reason", "a" * 2001, "reason"),
        ("policies", ["p"] * 21, "policies"),
        ("policies", "harassment", "policies"),
        ("policies", [7], "policies.0"),
        ("actions", [{"kind": "remove_content"}] * 21, "actions"),
        ("actions", [{}], "actions.0.kind"),
        ("actions", [{"kind": "remove_content", "by": "me"}], "actions.0.by"),
        ("actions", [{"kind": "remove_content", "on": "author"}], "actions"),
        ("actions", [{"kind": "remove_content", "params": []}], "actions.0.params"),
        ("review_id", 7, "review_id"),
    ],
)
def test_resume_names_what_it_cannot_take(desk: TestClient, field: str, value: Any, named: str) -> None:
    assert refused(desk, "/resume", **{field: value})["errors"][0]["field"] == named


@pytest.mark.parametrize("content", ["\u202egnitirw desrever", "😀" * 20_000, "\u200b", "a\r\nb", "<script>", "\ufffe"])
def test_odd_text_is_taken_as_it_is(desk: TestClient, content: str) -> None:
    answer = desk.post("/start", json={"content": content}, headers=as_("dev-author"))
    assert answer.status_code == 202
    case = answer.json()["case_id"]
    assert desk.get(f"/cases/{case}", headers=as_("dev-author")).json()["content"] == content


@pytest.mark.parametrize("case_id", ["x", "1", "%20", "null", "019aa51c7d7e7c9a9d6f0d6a3f2b9c11", "a" * 3000, UNKNOWN])
@pytest.mark.parametrize("path", ["/status/{}", "/cases/{}", "/cases/{}/events"])
def test_what_is_no_case_is_unknown(desk: TestClient, path: str, case_id: str) -> None:
    answer = desk.get(path.format(case_id), headers=as_("dev-moderator"))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("path", ["/status/%00", "/cases/a%00", "/cases/%00/events"])
def test_nul_in_an_id_is_named(desk: TestClient, path: str) -> None:
    answer = desk.get(path, headers=as_("dev-moderator"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "case_id")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("status=asleep", "status"),
        ("status=%00", "status"),
        ("cursor=%00", "cursor"),
        ("cursor=%ff", "cursor"),
        ("cursor=7", "cursor"),
    ],
)
def test_lists_name_what_they_cannot_take(desk: TestClient, query: str, field: str) -> None:
    answer = desk.get(f"/cases?{query}", headers=as_("dev-moderator"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.2", "1.2.3", "%00", "99999999999999999999", "1..9223372036854775808"])
def test_a_stream_names_a_cursor_that_is_none(desk: TestClient, cursor: str) -> None:
    answer = desk.get(f"/events?cursor={cursor}", headers=as_("dev-moderator"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf", "x", ""])
def test_a_wait_out_of_range_is_named(desk: TestClient, wait: str) -> None:
    answer = desk.get(f"/status/{UNKNOWN}?wait={wait}", headers=as_("dev-author"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "wait")
