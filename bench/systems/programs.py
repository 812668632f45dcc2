"""Programs under load: on a leash, ready before they are used, killed with everything that they started."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from hitl.store import leash

START_SECONDS = 120.0
Ready = Callable[[], bool]


@dataclass(frozen=True)
class Order:
    """What to start, where, with which settings, and how one sees that it is ready."""

    name: str
    argv: Sequence[str]
    folder: Path
    settings: Mapping[str, str]
    ready: Ready


class Program:
    """One started program; `start` again after a `kill9`."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._output = order.folder / f"{order.name}.out"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is ready."""
        held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        with self._output.open("ab") as out:
            self._process = subprocess.Popen(
                [*held, *self.order.argv],
                cwd=self.order.folder,
                env=environment(self.order.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.order.ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.order.name} does not start:\n{self._last_words()}")
            time.sleep(0.02)

    def kill9(self) -> None:
        """SIGKILL for it and all that it started."""
        if self._process:
            kill_tree(self._process.pid)
            self._bury()

    def stop(self) -> None:
        """SIGTERM; SIGKILL for what is left of it."""
        if not self._process:
            return
        tree = _tree(self._process.pid)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(15.0)
        _kill(tree)
        self._bury()

    def _bury(self) -> None:
        """Reap it, and end what has outlived its parent in its session."""
        assert self._process is not None
        self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None

    def _last_words(self) -> str:
        return self._output.read_text(errors="replace")[-3000:]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but the way to programs; plus these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PG_BIN") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", **settings}


def kill_tree(pid: int) -> None:
    """SIGKILL for a process and all its descendants, all at once as far as one can."""
    _kill(_tree(pid))


def answers(port: int, path: str) -> Ready:
    """Whether a GET there is answered with a 200."""

    def ready() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


def _tree(pid: int) -> list[psutil.Process]:
    try:
        own = psutil.Process(pid)
        return [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(list(processes), timeout=30.0)
