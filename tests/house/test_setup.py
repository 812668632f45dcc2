"""Which Python the scripts take; nothing is installed here."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SYSTEM = "/usr/bin/python3"
ASKED = '. scripts/setup; packages() { fail "asked for $*"; }; python_ready; echo "$python"'
PROBE = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"


def asked(python: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", "-c", ASKED, "scripts/setup"]
    own = {"PATH": os.environ.get("PATH", os.defpath), "PYTHON": python}
    return subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)


def stub(path: Path, says: str) -> str:
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return str(path)


def test_the_python_that_is_named_is_taken() -> None:
    assert asked(sys.executable).stdout.strip() == sys.executable


def test_one_that_is_too_old_is_refused_by_name(tmp_path: Path) -> None:
    old = stub(tmp_path / "python", '[ "$1" = --version ] && echo Python 3.9.2')
    refused = asked(old)
    assert refused.returncode == 1
    assert f"Guardian needs Python 3.11 or newer; {old} is Python 3.9.2." in refused.stderr


def test_one_that_is_not_there_or_makes_no_venv_is_no_matter_of_packages(tmp_path: Path) -> None:
    nowhere = "PYTHON names /nowhere/python, which is not there (a path must be absolute).\n"
    assert asked("/nowhere/python").stderr == nowhere
    bare = stub(tmp_path / "python", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    assert asked(bare).stderr == f"PYTHON names {bare}, which cannot make a venv: its ensurepip is missing.\n"


def test_without_a_name_it_is_the_operating_systems_where_that_will_do() -> None:
    usable = Path(SYSTEM).exists() and subprocess.run([SYSTEM, "-c", PROBE], check=False).returncode == 0
    assert asked("").stdout.strip() == (SYSTEM if usable else "python3")
