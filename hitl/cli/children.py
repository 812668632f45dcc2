"""Programs kept running: on a leash, so that they die with us however we die, and started again when they fall."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

import hitl
from hitl.store import leash

log = structlog.get_logger(__name__)
STEADY_SECONDS = 30.0  # who lived that long has not failed at starting
PAUSES = (0.0, 1.0, 1.0, 2.0, 5.0, 10.0)
TICK_SECONDS = 0.1  # while they start or end
WATCH_SECONDS = 1.0  # while they run, unless a signal comes first; no child's end is waited for


class Child:
    """One program; `buried` is called with its process id after it died and was reaped."""

    def __init__(self, name: str, arguments: Sequence[str], buried: Callable[[int], None] | None = None) -> None:
        self.name = name
        self.falls = 0  # in a row
        self._arguments = arguments
        self._buried = buried
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._due = 0.0

    @property
    def pid(self) -> int | None:
        """Its process id; None while it is down."""
        return self._process.pid if self._process else None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it. The calling thread must live as long as the child: the leash is tied to it."""
        held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        self._process = subprocess.Popen(
            [*held, sys.executable, "-P", "-m", *self._arguments],
            env={**environment, "PYTHONPATH": importable(environment)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to pass on, in order
        )
        self._began = time.monotonic()

    def tend(self, environment: Mapping[str, str]) -> None:
        """Notice its death, and start it again when its pause is over."""
        if self._process:
            code = self._process.poll()
            if code is not None:
                self._fallen(self._process.pid, code)
        if self._process is None and time.monotonic() >= self._due:
            self.start(environment)

    def send(self, sign: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(sign)

    def gone(self) -> bool:
        """Whether it has ended; reaps it."""
        if self._process and self._process.poll() is not None:
            self._bury(self._process.pid)
        return self._process is None

    def _fallen(self, pid: int, code: int) -> None:
        self.falls = 1 if time.monotonic() - self._began > STEADY_SECONDS else self.falls + 1
        pause = PAUSES[min(self.falls, len(PAUSES)) - 1]
        self._due = time.monotonic() + pause
        log.warning("a child died and is started again", child=self.name, pid=pid, exit_code=code, pause=pause)
        self._bury(pid)

    def _bury(self, pid: int) -> None:
        self._process = None
        if self._buried:
            self._buried(pid)


def end(children: Sequence[Child], seconds: float, hurry: Callable[[], bool]) -> None:
    """SIGTERM to all; SIGKILL to those that still live after `seconds`, or as soon as `hurry` says so."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.send(signal.SIGTERM)
    while living := [child for child in children if not child.gone()]:
        if hurry() or time.monotonic() > deadline:
            for child in living:
                child.send(signal.SIGKILL)
        time.sleep(TICK_SECONDS / 2)


def importable(environment: Mapping[str, str]) -> str:
    """Where Guardian's packages are found first; a folder named `api` that we are started in is not meant."""
    here = str(Path(hitl.__file__).resolve().parents[1])
    before = environment.get("PYTHONPATH")
    return f"{here}{os.pathsep}{before}" if before else here
