"""`hitl token`: what it writes is what the directory reads."""

import json
import stat
from pathlib import Path

from hitl.directory import Directory
from tests.cli.conftest import Run


def test_a_token_is_shown_once_and_kept_as_a_hash(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "people" / "tokens.json"
    made = run("token", "create", "maria", "--role", "moderator", "--role", "service", HITL_TOKENS=str(file))
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    person = Directory(file).by_token(token)
    assert person is not None
    assert (person.id, person.roles, person.tenant) == ("maria", frozenset({"moderator", "service"}), "default")
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(json.loads(file.read_text())[0]) == ["person", "roles", "sha256", "tenant"]
    assert list(file.parent.iterdir()) == [file]


def test_a_token_taken_back_is_unknown_at_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    kept, gone = (
        run("token", "create", name, "--role", "author", "--file", str(file)).stdout.strip() for name in ("ana", "ben")
    )
    people = Directory(file)
    assert people.by_token(gone)
    assert run("token", "revoke", "ben", "--file", str(file)).exit_code == 0
    assert people.by_token(gone) is None
    assert people.by_token(kept)
    listed = run("token", "list", "--file", str(file)).stdout
    assert "ana" in listed
    assert "ben" not in listed


def test_one_of_several_tokens_is_taken_back_by_its_beginning(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "tokens.json")
    old, new = (run("token", "create", "ana", "--role", "author", "--file", file).stdout.strip() for _ in range(2))
    beginning = json.loads(Path(file).read_text())[0]["sha256"][:12]
    assert run("token", "revoke", beginning, "--file", file).exit_code == 0
    assert Directory(Path(file)).by_token(old) is None
    assert Directory(Path(file)).by_token(new)


def test_what_cannot_be_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    unknown = run("token", "create", "ana", "--role", "king", "--file", str(file))
    assert unknown.exit_code == 2
    assert "no role 'king'" in unknown.stderr
    assert not file.exists()
    assert run("token", "revoke", "nobody", "--file", str(file)).exit_code == 1
    file.write_text("{}")
    broken = run("token", "create", "ana", "--role", "author", "--file", str(file))
    assert broken.exit_code == 2
    assert "must hold a list" in broken.stderr
    assert file.read_text() == "{}"
