"""One owner per embedded database: a lock that the kernel lets go of when its owner dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

import psutil

from hitl.errors import Unavailable

LINGER_SECONDS = 5.0  # a child caught between fork and exec holds its dead owner's lock for some milliseconds


class Lock:
    """A held lock. The file stays and names its last owner; only the kernel's lock on it counts."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, home: Path, data_dir: Path) -> Self:
        """Take the lock of `home`, or say (Unavailable) which process has it."""
        try:
            descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError:
            raise Unavailable(
                f"{home} belongs to another account; run as that one, or choose another HITL_DATA_DIR."
            ) from None
        deadline = time.monotonic() + LINGER_SECONDS
        while not _locked(descriptor):
            owner = os.pread(descriptor, 32, 0).decode().strip()
            if _lives(owner) or time.monotonic() > deadline:
                os.close(descriptor)
                raise Unavailable(
                    f"The embedded database of {data_dir} is in use by process {owner or 'unknown'}; stop that one, "
                    "use its database (`hitl database-url`), or choose another HITL_DATA_DIR."
                )
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(owner: str) -> bool:
    try:
        return psutil.Process(int(owner)).status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.Error):
        return False
