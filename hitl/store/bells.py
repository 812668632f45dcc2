"""Wake-ups on one machine: a named pipe for each process that listens. They spare Postgres a NOTIFY for each commit.

A line that finds a pipe full, or nobody at its end, is lost; who wrote it is told.
"""

import errno
import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

READ_BYTES = 65_536
LONGEST = 4096  # bytes of a line that Linux writes whole or not at all, whoever else writes
SETTLED = 100_000_000  # ns after which a directory's time tells it from any later state


def beside(url: str) -> Path | None:
    """Where the pipes of an embedded Postgres' database are: by its socket; None for any other Postgres."""
    parts = urlsplit(url)
    socket = Path(parse_qs(parts.query).get("host", [""])[0])
    pipes = socket.parent / "bells"
    ours = os.R_OK | os.W_OK | os.X_OK  # not so where another account has the database
    found = socket.is_absolute() and hasattr(os, "mkfifo") and pipes.is_dir() and os.access(pipes, ours)
    return pipes / parts.path.strip("/") if found else None


class Pipe:
    """One listener's end: lines that were written to it since it was opened."""

    def __init__(self, directory: Path, channel: str) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._path = directory / f"{channel}.{secrets.token_hex(8)}"
        making = directory / f".{self._path.name}"  # found by nobody before somebody listens
        os.mkfifo(making, 0o600)
        self._end = os.open(making, os.O_RDWR | os.O_NONBLOCK)  # for writing too: so it never comes to its end
        making.rename(self._path)
        self._rest = b""

    @property
    def name(self) -> str:
        """What it is called in its directory."""
        return self._path.name

    def fileno(self) -> int:
        """To wait at."""
        return self._end

    def lines(self) -> list[str]:
        """What has come."""
        with suppress(BlockingIOError):
            *lines, self._rest = (self._rest + os.read(self._end, READ_BYTES)).split(b"\n")
            return [line.decode(errors="replace") for line in lines]
        return []

    def close(self) -> None:
        """Listen no more."""
        self._path.unlink(missing_ok=True)
        os.close(self._end)


class Bells:
    """The writing ends of all pipes in a directory, whoever comes and goes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen = 0  # when the directory was changed last, as we know it
        self._ends: dict[str, int] = {}
        self._turn = threading.Lock()

    def ring(self, channel: str, line: str, *, but: str | None = None) -> bool:
        """Write a line to each pipe of a channel; never waits or fails. Whether there was one, and each took it.

        `but`: the name of one whose listener is told in another way.
        """
        with self._turn:
            try:
                self._look()
                ends = [(n, end) for n, end in self._ends.items() if n.startswith(f"{channel}.") and n != but]
                took = [self._write(name, end, line.encode() + b"\n") for name, end in ends]
            except OSError:  # no file is left to be opened, say
                self._seen = 0
                return False
            alive = [taken for taken in took if taken is not None]
            return bool(alive or but) and all(alive)

    def close(self) -> None:
        """Let go of all."""
        with self._turn:
            for name in list(self._ends):
                self._drop(name)

    def _look(self) -> None:
        try:
            changed = self._directory.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._seen:
            return
        names = {path.name for path in self._directory.iterdir() if not path.name.startswith(".")}
        for name in self._ends.keys() - names:
            self._drop(name)
        for name in names - self._ends.keys():
            try:
                self._ends[name] = os.open(self._directory / name, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno not in (errno.ENXIO, errno.ENOENT):
                    raise
                (self._directory / name).unlink(missing_ok=True)  # who listened there was killed
        self._seen = changed if time.time_ns() - changed > SETTLED else 0

    def _write(self, name: str, end: int, line: bytes) -> bool | None:
        """Whether the pipe took it; None: nobody is at its end any more."""
        try:
            os.write(end, line)
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._drop(name)
            (self._directory / name).unlink(missing_ok=True)
            return None
        return True

    def _drop(self, name: str) -> None:
        os.close(self._ends.pop(name))
