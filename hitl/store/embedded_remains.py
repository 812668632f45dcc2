"""What a crash leaves of a Postgres: processes that outlived it, and a pid file that bars the next start."""

import contextlib
import signal
import time
from pathlib import Path

import psutil


def clear_remains(data: Path, seconds: float) -> None:
    """End every Postgres process of this cluster that nobody owns any more; only the directory's owner may call it.

    A postmaster gets a clean shutdown, and up to `seconds` for it. A backend that lost its postmaster is killed: its
    work was never confirmed, and while it lives the shared memory is taken.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():  # the last one ended in good order, and its backends before it
        return
    family = _family(data)
    _end([p for p in family if p.pid == _postmaster(pid_file)], signal.SIGINT, seconds)
    _end(family, signal.SIGKILL, 10.0)
    pid_file.unlink(missing_ok=True)  # left by a dead one; a zombie nobody reaps still looks alive


def _postmaster(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _family(data: Path) -> list[psutil.Process]:
    """Processes whose working directory is the cluster: Postgres moves there, and its children stay there."""
    here = str(data.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres" and process.cwd() == here:
                found.append(process)
    return found


def _end(processes: list[psutil.Process], sign: signal.Signals, seconds: float) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(sign)
    deadline = time.monotonic() + seconds
    while any(_lives(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
