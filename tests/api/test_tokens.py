"""Who is let in: real tokens anywhere, development tokens between this machine and itself alone."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.main import create_app
from hitl.directory import Directory, digest
from hitl.errors import Invalid
from hitl.runtime import Runtime, build
from tests.api.conftest import as_, desk_on, settings

ANYWHERE = "0.0.0.0"
READS = ["/cases", "/events", "/status/x", "/cases/x", "/cases/x/events"]
POSTS = ["/start", "/resume", "/rollback", "/actions/x/settle"]
FORWARDED = [
    {"Forwarded": "for=10.0.0.1"},
    {"X-Forwarded-For": "10.0.0.1"},
    {"X-Forwarded-Host": "guardian.example"},
    {"X-Forwarded-Proto": "https"},
    {"X-Real-IP": "10.0.0.1"},
    {"Via": "1.1 proxy"},
]


@pytest.fixture(scope="module")
def runtime(module_database: str) -> Iterator[Runtime]:
    made = build(settings(), url=module_database)
    yield made
    made.close()


def status_for(runtime: Runtime, host: str, headers: dict[str, str], client: str = "127.0.0.1") -> int:
    """What GET /cases answers dev-moderator on that host, from that client."""
    caller = TestClient(create_app(runtime), base_url=f"http://{host}", client=(client, 50000))
    answer = caller.get("/cases", headers={**as_("dev-moderator"), **headers})
    if answer.status_code == 401:
        assert "HITL_TOKENS" in answer.json()["detail"]
    return answer.status_code


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer nobody", "Basic ZGV2", "Bearer dev-author dev", "dev-author"]
)
def test_nobody_reads_without_a_token(desk: TestClient, path: str, token: str | None) -> None:
    answer = desk.get(path, headers={"Authorization": token} if token is not None else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", POSTS)
def test_a_missing_token_is_said_before_a_bad_body(desk: TestClient, path: str) -> None:
    assert desk.post(path, content=b"{").status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:9", "[::1]:8000"])
def test_development_tokens_work_here(runtime: Runtime, host: str) -> None:
    assert status_for(runtime, "127.0.0.1", {"Host": host}) == 200


@pytest.mark.parametrize(
    "host",
    ["guardian.example", "127.0.0.1.nip.io", "localhost.example", "localhost:x", "localhost@a", "[::2]", ANYWHERE, ""],
)
def test_development_tokens_do_not_work_under_another_name(runtime: Runtime, host: str) -> None:
    assert status_for(runtime, "127.0.0.1", {"Host": host}) == 401


@pytest.mark.parametrize("headers", FORWARDED, ids=repr)
def test_development_tokens_do_not_work_through_a_proxy(runtime: Runtime, headers: dict[str, str]) -> None:
    assert status_for(runtime, "127.0.0.1", headers) == 401


def test_development_tokens_do_not_work_from_or_on_another_address(runtime: Runtime) -> None:
    here = {"Host": "127.0.0.1"}
    assert status_for(runtime, "127.0.0.1", here, client="192.168.1.7") == 401
    assert status_for(runtime, "192.168.1.7", here) == 401
    assert status_for(runtime, "127.0.0.1", here, client="::ffff:127.0.0.1") == 200


def write(path: Path, *people: tuple[str, str, list[str]]) -> None:
    """Write a token file with a modification time of its own."""
    rows = [{"sha256": digest(t), "person": p, "roles": r, "tenant": "default"} for t, p, r in people]
    path.write_text(json.dumps(rows))
    os.utime(path, ns=(path.stat().st_mtime_ns + 1, path.stat().st_mtime_ns + 1))


def test_real_tokens_work_anywhere_and_development_tokens_no_longer(module_database: str, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    write(tokens, ("secret-1", "mia", ["moderator"]))
    with desk_on(module_database, tokens=tokens, host=ANYWHERE) as (desk, _):
        far = {"Host": "guardian.example", "X-Forwarded-For": "10.0.0.1"}
        assert desk.get("/cases", headers={**as_("secret-1"), **far}).status_code == 200
        assert desk.get("/cases", headers=as_("dev-admin")).status_code == 401
        assert desk.get("/demo/forum").status_code == 404
        write(tokens, ("secret-2", "mia", ["moderator"]))
        assert desk.get("/cases", headers=as_("secret-1")).status_code == 401
        assert desk.get("/cases", headers=as_("secret-2")).status_code == 200
        tokens.write_text("[")
        broken = desk.get("/cases", headers=as_("secret-2"))
        assert (broken.status_code, broken.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("{}", "list"),
        ('[{"sha256": "ab", "person": "mia", "roles": ["moderator"]}]', "Entry 1"),
        ('[{"sha256": 7}]', "Entry 1"),
        (json.dumps([{"sha256": "a" * 64, "person": "mia", "roles": ["king"]}]), "roles"),
        (json.dumps([{"sha256": "a" * 64, "person": "mia", "roles": []}]), "roles"),
    ],
)
def test_a_broken_token_file_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(Invalid, match=said):
        Directory(path).everyone()


def test_a_missing_token_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        Directory(tmp_path / "none.json").by_token("x")


def test_who_works_with_the_file_keeps_the_people_of_before_while_it_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    people = Directory(path)
    with pytest.raises(Invalid):
        people.known()
    path.write_text(json.dumps([{"sha256": digest("t"), "person": "maria", "roles": ["moderator"]}]))
    assert [p.id for p in people.known()] == ["maria"]
    path.write_text("[")
    assert [p.id for p in people.known()] == ["maria"]
    path.unlink()
    assert [p.id for p in people.known()] == ["maria"]
    path.write_text("[]")
    assert people.known() == []


def test_a_person_with_two_tokens_is_one_person(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    write(path, ("one", "mia", ["author"]), ("two", "mia", ["service"]))
    (mia,) = Directory(path).everyone()
    assert mia.roles == {"author", "service"}
