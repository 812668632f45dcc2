"""One owner per embedded database: a lock that the kernel lets go of when its owner dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from hitl.errors import Unavailable


class Lock:
    """A held lock. The file stays and names its last owner; only the kernel's lock on it counts."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, home: Path, data_dir: Path) -> Self:
        """Take the lock of `home`, or say (Unavailable) which process has it."""
        path = home / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError:
            raise Unavailable(
                f"{home} belongs to another account; run as that one, or choose another HITL_DATA_DIR."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode().strip() or "unknown"
            os.close(descriptor)
            raise Unavailable(
                f"The embedded database of {data_dir} is in use by process {owner}; stop that one, "
                "use its database (`hitl database-url`), or choose another HITL_DATA_DIR."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)
