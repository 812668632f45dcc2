"""What one system needs to run: its programs, and a Postgres and a RabbitMQ where it wants them, all its own."""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.places import ROOT, RUNS
from bench.systems.programs import Order, Program, Ready, kill_tree
from hitl.store.embedded import EmbeddedPostgres, running_url
from tests.services.ports import free_ports
from tests.services.rabbitmq import PrivateRabbitMQ

RESTART_SECONDS = 120.0


@dataclass(frozen=True)
class Setup:
    """What is asked of a system: the analyzer's milliseconds, which Guardian, how many of it, on which database."""

    milliseconds: int
    guardian: Path = ROOT
    workers: int = 1
    desks: int = 1
    database: str | None = None  # one that is there already; else one of its own


class Household:
    """Everything of one running system, in a directory that is gone afterwards."""

    def __init__(self, setup: Setup) -> None:
        RUNS.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(dir=RUNS))
        self.folder.chmod(0o711)
        self.setup, self.milliseconds = setup, setup.milliseconds
        self.ports = free_ports(setup.desks)
        self.port = self.ports[0]
        self.programs: list[Program] = []
        self.database = setup.database
        self._postgres: EmbeddedPostgres | None = None
        self._rabbitmq: PrivateRabbitMQ | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def postgres(self, settings: Mapping[str, str] | None = None) -> str:
        """Start a Postgres exactly as `hitl up` starts its own, but for these settings; its URL."""
        self._postgres = EmbeddedPostgres(self.folder, settings=settings)
        self.database = self._postgres.start()
        return self.database

    def rabbitmq(self) -> str:
        """Start a RabbitMQ; its URL."""
        place = self.folder / "rabbitmq"
        place.mkdir()
        self._rabbitmq = PrivateRabbitMQ(place)
        return self._rabbitmq.start()

    def run(self, name: str, argv: Sequence[str], settings: Mapping[str, str], ready: Ready) -> Program:
        """Start a program in a directory of its own (which may be there already) and wait until it is ready."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        program = Program(Order(name, argv, place, settings, ready))
        self.programs.append(program)
        program.start()
        return program

    def kill9(self) -> None:
        """SIGKILL for everything, Postgres and RabbitMQ included."""
        for program in self.programs:
            program.kill9()
        if self._rabbitmq:
            self._rabbitmq.kill9()
        if self._postgres and (pid := self._postgres.pid):
            kill_tree(pid)

    def restart(self) -> None:
        """Start everything again, in the same order, on what is on the disk."""
        if self._postgres:  # its keeper starts it again by itself
            self._await_postgres()
        if self._rabbitmq:
            self._rabbitmq.start()
        for program in self.programs:
            program.start()

    def close(self) -> None:
        """End everything and leave nothing."""
        for program in reversed(self.programs):
            program.stop()
        if self._rabbitmq:
            self._rabbitmq.close()
        if self._postgres:
            self._postgres.stop()
        for elsewhere in self.folder.glob("**/postgres/where"):
            shutil.rmtree(elsewhere.read_text().strip(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _await_postgres(self) -> None:
        deadline = time.monotonic() + RESTART_SECONDS
        while running_url(self.folder) is None:
            if time.monotonic() > deadline:
                raise RuntimeError("Postgres does not come back")
            time.sleep(0.02)
