"""What the disk does meanwhile: a small write with a flush of its own, again and again, that nobody waits for.

Whoever keeps what it acknowledges waits for the disk, so a single slow answer may be the disk's and not a system's.
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
    """Writes, while it is entered, to a file that exists beforehand; remembers the slowest flush."""

    def __init__(self, folder: Path = RUNS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"disk-{os.getpid()}"
        self._slowest = 0.0
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        self._path.unlink()

    def slowest(self) -> float:
        """The longest that a flush has taken, in ms."""
        return round(self._slowest * 1000, 1)

    def _write(self) -> None:
        with self._path.open("wb", buffering=0) as file:
            file.write(BLOCK)
            os.fsync(file.fileno())
            while not self._enough.wait(PERIOD):
                began = time.perf_counter()
                os.pwrite(file.fileno(), BLOCK, 0)
                os.fdatasync(file.fileno())
                self._slowest = max(self._slowest, time.perf_counter() - began)
