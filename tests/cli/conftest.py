"""Running commands in this process, with settings of the test's own and none of the machine's."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hitl.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("case", "list", HITL_DATABASE_URL=…)`, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("HITL_"):
            monkeypatch.delenv(name)

    def invoke(*arguments: str, **settings: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"HITL_LOG_FORMAT": "none", **settings})

    return invoke
