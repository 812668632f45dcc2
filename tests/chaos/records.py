"""Files of JSON lines that survive a kill: a line is on the disk before anything else happens."""

import json
import os
import threading
from pathlib import Path
from typing import Any


class Records:
    """An append-only file, safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._lock = threading.Lock()

    def add(self, line: dict[str, Any], *, safe: bool = True) -> None:
        """Append a line; `safe`: return only when it is on the disk."""
        with self._lock:
            self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            self._file.flush()
        if safe:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Testimony:
    """Which actions a witness has applied by now; reads only what has been written since it was last asked."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self._applied: set[str] = set()

    def applied(self) -> set[str]:
        """Their ids."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, end, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + len(end)
        for line in map(json.loads, whole.splitlines()):
            if line["did"] == "applied":
                self._applied.add(line["action_id"])
        return self._applied


def read(path: Path) -> list[dict[str, Any]]:
    """Every whole line; the last one may have been cut off by a kill."""
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    return [json.loads(line) for line in lines[:-1]]
