"""Which Python the scripts take: the one that is named, when it is new enough."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASKED = '. scripts/setup; python_ready; echo "$python"'


def asked(python: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", "-c", ASKED, "scripts/setup"]
    return subprocess.run(command, cwd=ROOT, env={"PYTHON": python}, capture_output=True, text=True, check=False)


def test_the_python_that_is_named_is_taken() -> None:
    assert asked(sys._base_executable).stdout.strip() == sys._base_executable  # type: ignore[attr-defined]


def test_one_that_is_too_old_is_refused_by_name(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" != --version ] || echo Python 3.9.2\n[ "$1" = --version ]\n')
    old.chmod(0o755)
    refused = asked(str(old))
    assert refused.returncode == 1
    assert f"Guardian needs Python 3.11 or newer; {old} is Python 3.9.2." in refused.stderr


def test_without_a_name_it_is_one_that_is_new_enough_and_can_make_a_venv() -> None:
    chosen = asked("").stdout.strip()
    probe = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    assert subprocess.run([chosen, "-c", probe], check=False).returncode == 0
