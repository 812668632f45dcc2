"""The shipped weights are the ones that were measured, and what was measured is good enough."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from hitl.analyzers.local import kit
from hitl.analyzers.port import AnalyzerUnavailable

WEIGHTS = files("hitl.analyzers.local") / "weights"
MANIFEST = json.loads((WEIGHTS / "manifest.json").read_text())


@pytest.mark.parametrize("name", sorted(MANIFEST["files"]))
def test_the_manifest_describes_the_file(name: str) -> None:
    content = (WEIGHTS / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == MANIFEST["files"][name]["sha256"]


def test_all_files_together_stay_small() -> None:
    assert sum(facts["bytes"] for facts in MANIFEST["files"].values()) <= 2_000_000


def test_posts_that_it_was_not_trained_on_are_ranked_well() -> None:
    measured = MANIFEST["metrics"]["openai_held_out"]
    assert measured["auprc"] >= 0.77
    assert measured["auroc"] >= 0.88


def test_few_clean_posts_go_to_people() -> None:
    for source, measured in MANIFEST["metrics"]["clean"].items():
        assert measured["to_people"] <= 0.09, source
        assert measured["because_of_language"] <= 0.01, source


def test_every_source_has_a_license() -> None:
    assert all(source["license"] for source in MANIFEST["sources"])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The weights in a folder of the test's own."""
    for name in (*MANIFEST["files"], "manifest.json"):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    return tmp_path


def test_a_copy_loads(copied: Path) -> None:
    assert kit.load(copied).manifest["name"] == "local@1"


def test_a_missing_file_is_named(copied: Path) -> None:
    (copied / "prior.npz").unlink()
    with pytest.raises(AnalyzerUnavailable, match=r"prior\.npz is missing"):
        kit.load(copied)


def test_a_changed_file_is_named(copied: Path) -> None:
    (copied / "words.json").write_text("{}")
    with pytest.raises(AnalyzerUnavailable, match=r"words\.json is not the one"):
        kit.load(copied)
