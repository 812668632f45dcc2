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
    postmaster = _postmaster(data)
    if postmaster in _living(data):
        _send(postmaster, signal.SIGINT)
        _await_gone(data, postmaster, seconds)
    for orphan in _living(data):
        _send(orphan, signal.SIGKILL)
    _await_gone(data, None, 10.0)
    (data / "postmaster.pid").unlink(missing_ok=True)  # left by a dead one; a zombie nobody reaps still looks alive


def _postmaster(data: Path) -> int:
    try:
        return int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _send(pid: int, sign: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).send_signal(sign)


def _await_gone(data: Path, pid: int | None, seconds: float) -> None:
    """Wait until `pid` (None: all of the cluster) has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        living = _living(data)
        if not living or (pid is not None and pid not in living):
            return
        time.sleep(0.02)


def _living(data: Path) -> list[int]:
    """Processes whose working directory is the cluster: Postgres moves there, and its children stay there."""
    here = str(data.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres" and process.cwd() == here and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found
