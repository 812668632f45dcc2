"""Programs to be killed: started quickly, watched, buried as `hitl up` buries its children, and started again."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

import psutil

from hitl.errors import GuardianError
from hitl.store import commands, leash, workers
from hitl.store.postgres import Store
from tests.journeys.guardian import ROOT, environment

Burial = Literal["release", "expire", "wait"]
START_SECONDS = 120.0
RESTART_PAUSE = 0.1


class Process:
    """A program in a session of its own, forked by the nursery."""

    def __init__(self, name: str, pid: int) -> None:
        self.name, self.pid = name, pid
        self.code: int | None = None
        self.dead = threading.Event()

    def send(self, sign: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to it, or to everything in its session's group."""
        if not self.dead.is_set():
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self.pid, sign)

    def kill(self) -> None:
        """Kill it with all that it started, and wait until it is reaped."""
        self.send(signal.SIGKILL, group=True)
        if not self.dead.wait(START_SECONDS):
            raise RuntimeError(f"{self.name} ({self.pid}) outlives a SIGKILL")


class Nursery:
    """Starts programs within milliseconds; everything that it started is gone when it is."""

    def __init__(
        self, folder: Path, died: Callable[[Process], None] = lambda _: None, settings: Mapping[str, str] | None = None
    ) -> None:
        held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        self._folder, self._died = folder, died
        with (folder / "nursery.out").open("ab") as errors:
            self._process = subprocess.Popen(
                [*held, sys.executable, "-m", "tests.chaos.nursery"],
                cwd=ROOT,
                env=environment(settings or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._turn = threading.Lock()
        self._born: queue.Queue[Process | None] = queue.Queue()
        self._living: dict[int, Process] = {}
        self._names: dict[int, str] = {}
        self._reader = threading.Thread(target=self._listen, name="nursery", daemon=True)
        self._reader.start()

    def start(self, name: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Process:
        """Run `python -m ARGUMENTS` in a directory and with an output file of its name's own."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        with self._turn:
            order = {"id": len(self._names), "arguments": list(arguments), "folder": str(folder)}
            order |= {"environment": environment(settings), "out": str(self.output(name))}
            self._names[len(self._names)] = name
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            born = self._born.get(timeout=START_SECONDS)
        if born is None:
            raise RuntimeError(f"The nursery is gone:\n{self.output('nursery').read_text(errors='replace')}")
        return born

    def output(self, name: str) -> Path:
        """Where a program's words are kept."""
        return self._folder / f"{name}.out"

    def close(self) -> None:
        """Kill everything."""
        for process in list(self._living.values()):
            process.send(signal.SIGKILL, group=True)
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word: dict[str, int] = json.loads(line)
            if "dead" in word:
                process = self._living.pop(word["dead"])
                process.code = word["code"]
                process.dead.set()
                self._died(process)
            elif "born" in word:
                born = Process(self._names[word["born"]], word["pid"])
                self._living[born.pid] = born
                self._born.put(born)
        self._born.put(None)


class Member:
    """One program of a fleet; `held` keeps it down once it is dead."""

    def __init__(self, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
        self.arguments, self.settings = arguments, settings
        self.held = False
        self.starts = 0
        self.process: Process | None = None


class Fleet:
    """Keeps programs running: whoever dies is buried and started again, by a thread of its own.

    `settings` are the environment that all of them are forked in, for what a process must have from its first moment.
    """

    def __init__(
        self, folder: Path, bury: Callable[[Process], None] = lambda _: None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._deaths: queue.Queue[Process | None] = queue.Queue()
        self._nursery = Nursery(folder, self._deaths.put, settings)
        self._bury = bury
        self._changed = threading.Condition()
        self._turn = threading.Lock()  # nobody is born once the end has begun
        self.members: dict[str, Member] = {}
        self._tender = threading.Thread(target=self._tend, name="fleet", daemon=True)
        self._tender.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Process:
        """Start a program, and keep it running."""
        self.members[name] = member = Member(arguments, dict(settings))
        return self._start(name, member)

    def rearm(self, name: str, settings: Mapping[str, str]) -> Process:
        """Kill a program; it comes back with other settings."""
        member = self.members[name]
        member.settings, before = dict(settings), member.starts
        if member.process:
            member.process.kill()
        with self._changed:
            if not self._changed.wait_for(lambda: member.starts > before, START_SECONDS):
                raise RuntimeError(f"{name} did not come back")
        assert member.process is not None
        return member.process

    def hold(self, name: str) -> None:
        """End a program in good order, and keep it down."""
        member = self.members[name]
        member.held = True
        if member.process:
            member.process.send(signal.SIGTERM)
            if not member.process.dead.wait(START_SECONDS):
                raise RuntimeError(f"{name} does not end")

    def release(self, name: str) -> Process:
        """Start a program again that was held."""
        member = self.members[name]
        member.held = False
        return self._start(name, member)

    def said(self, name: str) -> str:
        """What a program has printed so far."""
        return self._nursery.output(name).read_text(errors="replace")

    def close(self) -> None:
        """Kill everything, and start nothing any more."""
        with self._turn:
            for member in self.members.values():
                member.held = True
        self._nursery.close()
        self._deaths.put(None)
        self._tender.join()

    def _start(self, name: str, member: Member) -> Process:
        process = self._nursery.start(name, member.arguments, member.settings)
        with self._changed:
            member.process = process
            member.starts += 1
            self._changed.notify_all()
        return process

    def _tend(self) -> None:
        while (dead := self._deaths.get()) is not None:
            member = self.members[dead.name]
            if member.held:
                continue
            self._bury(dead)
            time.sleep(RESTART_PAUSE)
            with self._turn:
                if not member.held:
                    self._start(dead.name, member)


class Undertaker:
    """Does for dead workers what a supervisor does: their commands are due at once, or their leases are over.

    `release` is what `hitl up` does when it has reaped a child; `expire` moves the lease's end into the past, so that
    upkeep finds an orphan without anybody waiting 30 s; `wait` does nothing: the lease runs out in its own time.
    """

    def __init__(self, database_url: str, burial: Burial) -> None:
        self._store, self._burial = Store(database_url, size=2), burial

    def bury(self, _: Process) -> None:
        """Look after everything that is held by a process of this machine that does not live any more."""
        with suppress(GuardianError), self._store.transaction() as tx:
            rows = tx.all("select distinct owner from commands where state in ('published', 'claimed')")
            for owner in [row["owner"] for row in rows if row["owner"] and not _lives(row["owner"])]:
                if self._burial == "release":
                    commands.release(tx, owner)
                    workers.leave(tx, owner)
                elif self._burial == "expire":
                    tx.execute(
                        "update commands set lease_until = now() - interval '1 second'"
                        " where state = 'claimed' and owner = %s",
                        (owner,),
                    )

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()


def _lives(owner: str) -> bool:
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
