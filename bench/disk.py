"""What the disk does meanwhile: a small write with a flush of its own, again and again, that nobody waits for.

Whoever keeps what it acknowledges waits for the disk, so a single slow answer may be the disk's and not a system's. It
may also be that the client's thread had to wait for a core.
"""

import os
import threading
import time
from pathlib import Path
from typing import Self

from bench.places import RUNS

PERIOD = 0.1
BLOCK = bytes(8192)


class Disk:
    """Writes to a file of its own while it is entered, and remembers the slowest flush."""

    def __init__(self, folder: Path = RUNS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"disk-{os.getpid()}"
        self._slowest: float | None = None
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._path.write_bytes(BLOCK)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def slowest(self) -> float | None:
        """The longest that a flush has taken, in ms; None where none could be made."""
        return None if self._slowest is None else round(self._slowest * 1000, 1)

    def _write(self) -> None:
        with self._path.open("r+b", buffering=0) as file:
            os.fsync(file.fileno())
            while not self._enough.wait(PERIOD):
                began = time.perf_counter()
                os.pwrite(file.fileno(), BLOCK, 0)
                os.fdatasync(file.fileno())
                self._slowest = max(self._slowest or 0.0, time.perf_counter() - began)
