"""A running Guardian for journeys over HTTP: started as a user would start it, and gone without a trace afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from hitl.store import leash
from tests.services.folders import throwaway
from tests.services.ports import free_port
from tests.services.postgres import Databases
from tests.services.rabbitmq import PrivateRabbitMQ

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120.0
STOP_SECONDS = 60.0


class Program:
    """A program on a leash, in a directory of its own, with an environment of its own."""

    def __init__(self, folder: Path, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
        self.output = folder / f"{arguments[0]}.out"
        held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [*held, sys.executable, "-P", "-m", *arguments],
                cwd=folder,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """It and everything that it started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, *, well: Sequence[int] = (0,)) -> None:
        """SIGTERM; fails when it ends with another exit code than these, or leaves anything running."""
        family = self.family() if self.process.poll() is None else []
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        finally:
            left = kill(family)
        assert code in well, f"It ended with {code}:\n{self.said[-3000:]}"
        assert not left, f"It left this running: {left}"

    def kill9(self) -> None:
        """Kill it as a crash would, and wait until everything that it started has followed."""
        family = self.family()
        self.process.kill()
        self.process.wait()
        left = psutil.wait_procs(family, timeout=STOP_SECONDS)[1]
        assert not left, f"It left this running: {left}"


def kill(family: Sequence[psutil.Process]) -> list[str]:
    """End what is left of a family; says what that was."""
    left = [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    named = [str(process) for process in left]
    for process in left:
        process.kill()
    return named


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but the way to Python and the project; plus these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PG_BIN") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "HITL_LOG_FORMAT": "none", **settings}


def await_ready(url: str, *programs: Program) -> None:
    """Wait until /readyz says so; fails early when one of the programs has ended."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            said = httpx.get(f"{url}/readyz", timeout=5.0)
            if said.status_code == 200:
                return
            why = said.text
        except httpx.TransportError as error:
            why = repr(error)
        ended = [p for p in programs if p.process.poll() is not None]
        if ended or time.monotonic() > deadline:
            raise RuntimeError(f"Not ready: {why}\n" + "\n".join(p.said[-3000:] for p in programs))
        time.sleep(0.1)


@contextmanager
def embedded_guardian(folder: Path, port: int, **settings: str) -> Iterator[Program]:
    """`hitl up` with its data in `folder`, ready; stopped afterwards unless somebody has killed it."""
    own = {"HITL_PORT": str(port), "HITL_DATA_DIR": str(folder / "data")}
    program = Program(folder, ["hitl.cli", "up"], {**own, **settings})
    try:
        await_ready(f"http://127.0.0.1:{port}", program)
        yield program
        if program.process.poll() is None:
            program.stop()
    finally:
        if program.process.poll() is None:
            kill(program.family())
            program.process.wait()


@contextmanager
def distributed_guardian(database: str, broker: str, port: int, **settings: str) -> Iterator[str]:
    """One desk and one `dramatiq workers`, as on two machines; yields the address."""
    own = {"HITL_DATABASE_URL": database, "HITL_BROKER_URL": broker, **settings}
    desk = ["uvicorn", "api.main:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    desk += ["--http", "api.joined:Protocol"]
    url = f"http://127.0.0.1:{port}"
    with throwaway("desk") as one, throwaway("workers") as other:
        programs = [Program(one, desk, own), Program(other, ["dramatiq", "workers", "-p", "1", "-t", "4"], own)]
        families: list[psutil.Process] = []
        try:
            await_ready(url, *programs)
            yield url
            families = [process for program in programs for process in program.family()]
            for program in programs:
                program.stop(well=(0, -signal.SIGTERM))  # uvicorn ends in good order, then by the signal itself
        finally:
            kill(families or [p for program in programs if program.process.poll() is None for p in program.family()])
            for program in programs:
                program.process.wait()


@pytest.fixture(scope="session")
def guardian_url() -> Iterator[str]:
    """The address of the session's `hitl up`: everything embedded, the local analyzer, development tokens."""
    port = free_port()
    with throwaway("guardian") as folder, embedded_guardian(folder, port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def guardian_rabbit_url(databases: Databases, rabbitmq_node: PrivateRabbitMQ) -> Iterator[str]:
    """The address of the session's distributed Guardian: uvicorn and `dramatiq workers` over RabbitMQ."""
    rabbitmq_node.start()
    with databases.fresh() as database, distributed_guardian(database, rabbitmq_node.fresh_url(), free_port()) as url:
        yield url
