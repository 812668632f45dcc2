"""The token file: read whole, written in one step, by one writer at a time, readable by its owner alone."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from hitl.directory import Directory
from hitl.errors import Unavailable


class Entry(TypedDict):
    """One token's row."""

    sha256: str
    person: str
    roles: list[str]
    tenant: str


def entries(path: Path) -> list[Entry]:
    """Its rows, none when there is no file; Invalid says what is wrong with it."""
    if not path.exists():
        return []
    Directory(path).everyone()
    found: list[Entry] = json.loads(path.read_text(encoding="utf-8"))
    return [{**row, "tenant": row.get("tenant", "default")} for row in found]


@contextmanager
def changed(path: Path) -> Iterator[list[Entry]]:
    """The rows, written back when the block ends well. Its directory is locked meanwhile: no lock file is left."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise Unavailable(f"The token file {path} cannot be written: {error.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = entries(path)
        yield rows
        _write(path, rows)
    finally:
        os.close(lock)


def _write(path: Path, rows: list[Entry]) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        _keep_owner(path, fresh)
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(f"The token file {path} cannot be written: {error.strerror}.") from None


def _keep_owner(path: Path, fresh: Path) -> None:
    """Root may write for the account that Guardian runs as, which must still be able to read it."""
    if os.geteuid() == 0 and path.exists():
        found = path.stat()
        os.chown(fresh, found.st_uid, found.st_gid)
