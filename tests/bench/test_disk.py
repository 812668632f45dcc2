"""What the disk does meanwhile."""

import os
import threading
import time
from pathlib import Path

import pytest

from bench import disk


def test_a_flush_that_hung_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()

    def slow(_: int) -> None:
        time.sleep(0.06)
        hung.set()

    monkeypatch.setattr(disk, "PERIOD", 0.0)
    monkeypatch.setattr(os, "fdatasync", slow)
    with disk.Disk(tmp_path) as watched:
        assert hung.wait(10)
    assert (watched.slowest() or 0.0) >= 60
    assert not list(tmp_path.iterdir())
