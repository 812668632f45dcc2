"""Nothing in the project names the machine or the package index that it was made on."""

import re

from tests.house.sources import ROOT, kept, texts

LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-setup.lock")
PLACES = re.compile(
    r"(?<![\w.<>{}$])/(?:work|root|home/\w+|Users/\w+|opt/pypi\S*|opt/wheels)(?:/|\b)"
    r"|file:///(?!\S*demo\.html)|extra-index-url|find-links|https?://\S+/simple\b"
)
MENTIONS = {"/root", "/home"}  # as words: that a checkout may lie below /root


def test_no_file_names_a_place_of_one_machine() -> None:
    found = [
        f"{path}: {match.group()}"
        for path, text in texts()
        if path.parts[:2] != ("tests", "house")
        for match in PLACES.finditer(text)
        if match.group() not in MENTIONS
    ]
    assert not found


def test_locks_hold_neither_host_nor_path() -> None:
    found = [
        f"{name}: {line}"
        for name in LOCKS
        for line in (ROOT / name).read_text().splitlines()
        if "://" in line or "/" in line or "file:" in line
    ]
    assert not found


def test_every_locked_version_has_hashes() -> None:
    bare = [
        f"{name}: {pin}"
        for name in LOCKS
        for pin in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
        if "==" not in pin or "--hash=sha256:" not in pin
    ]
    assert not bare


def test_no_lock_that_names_hosts_is_kept() -> None:
    assert not {"uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"} & {path.name for path in kept()}
