"""Everything that a nemesis needs to have something to break: two desks, three workers, and what they lean on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx
import psutil
import psycopg

from hitl.domain.commands import LEASE_SECONDS, RENEW_SECONDS
from hitl.store import leash
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.embedded_address import answers
from hitl.store.migrate import migrate
from tests.chaos.clocks import AHEAD, BEHIND, wrong
from tests.chaos.processes import Burial, Fleet, Process, Undertaker
from tests.chaos.proxy import Proxy
from tests.chaos.witness import Temper
from tests.journeys.guardian import ROOT, environment
from tests.services.folders import throwaway
from tests.services.ports import free_port, free_ports, listening
from tests.services.postgres import private_postgres
from tests.services.rabbitmq import PrivateRabbitMQ, private_rabbitmq

Broker = Literal["embedded", "rabbitmq"]
DESKS = ("desk-1", "desk-2")
WORKERS = ("worker-1", "worker-2", "worker-3")
PROXIED = ("desk-1", "worker-1", "relay")  # the others have good lines, so that the two halves can disagree
CLOCKS = {"worker-2": AHEAD, "worker-3": BEHIND}
READY_SECONDS = 180.0
LATE_SECONDS = 8.0  # a renewal that is later than that does not come at all
THREADS = "4"
# The master waits so long for a child to come up, also for one that was killed over it: 30 s unless told otherwise.
DRAMATIQ = ["dramatiq", "workers", "-p", "1", "-t", THREADS, "--worker-fork-timeout", "1000"]


@dataclass
class Stage:
    """What is running; `url` is the database as only judges see it, past every proxy."""

    broker: Broker
    folder: Path
    postgres: EmbeddedPostgres
    rabbitmq: PrivateRabbitMQ | None
    fleets: dict[str, Fleet]  # by name of their members; those of a fleet share a clock
    proxies: dict[str, Proxy]
    desks: list[str]
    testimony: Path
    keeper: ThreadPoolExecutor  # whatever it starts lives as long as it does: a leash is tied to its thread
    clocks: Mapping[str, str]  # of those whose clock is wrong, by name
    graves: set[int] = field(default_factory=set)  # process groups that may have left ghosts

    @property
    def url(self) -> str:
        """The database."""
        return self.postgres.tcp_url

    def process(self, name: str) -> Process | None:
        """Who goes by that name now."""
        return self.fleets[name].members[name].process

    def works(self, name: str) -> bool:
        """Whether a worker is up and has said hello; on a slow machine nobody else is worth killing."""
        process = self.process(name)
        if process is None or process.dead.is_set():
            return False
        with suppress(psycopg.Error), psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
            ids = [row[0] for row in connection.execute("select worker_id from workers")]
            return any(_group_of(int(worker_id.rpartition(":")[2])) == process.pid for worker_id in ids)
        return False

    def kill(self, name: str, *, master_only: bool = False) -> bool:
        """SIGKILL to a program and to all that it started, or to it alone; False when it was down already."""
        process = self.process(name)
        if process is None or process.dead.is_set():
            return False
        self.graves.add(process.pid)
        process.send(signal.SIGKILL, group=not master_only)
        return True

    def halt(self, name: str, sign: signal.Signals) -> int | None:
        """SIGSTOP to a program and all that it started; its process id, to be sent SIGCONT."""
        process = self.process(name)
        if process is None or process.dead.is_set():
            return None
        process.send(sign, group=True)
        return process.pid

    def leases_run_out(self, group: int | None = None) -> None:
        """Put time forward for leases: all that a process group holds, or all that nobody has renewed when due."""
        found = [p.pid for p in psutil.process_iter() if _group_of(p.pid) == group] if group else []
        owners = [f"{socket.gethostname()}:{pid}" for pid in found]
        with suppress(psycopg.Error), psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(
                """update commands set lease_until = now() - interval '1 second' where state = 'claimed'
                and (owner = any(%s) or (%s and lease_until < now() + make_interval(secs => %s)))""",
                (owners, group is None, LEASE_SECONDS - RENEW_SECONDS - LATE_SECONDS),
            )

    def crash_postgres(self, seconds: float) -> None:
        """`pg_ctl -m immediate`, nothing for a while, and a start that recovers."""
        with self.postgres._turn:  # its keeper starts nothing meanwhile
            if self.postgres.pid:
                os.kill(self.postgres.pid, signal.SIGQUIT)
            time.sleep(seconds)
        _until(lambda: answers(self.url), "Postgres does not come back")

    def crash_rabbitmq(self, seconds: float) -> None:
        """`kill -9`, nothing for a while, and a start."""
        assert self.rabbitmq is not None, "only over RabbitMQ"
        node = self.rabbitmq
        node.kill9()
        time.sleep(seconds)
        self.keeper.submit(node.start).result()

    def ghosts(self) -> int:
        """End what dead masters have left behind; how many those were."""
        found = 0
        for group in self.graves:
            members = [
                p for p in psutil.process_iter() if _group_of(p.pid) == group and p.status() != psutil.STATUS_ZOMBIE
            ]
            found += len(members)
            for member in members:
                with suppress(psutil.Error):
                    member.kill()
        return found

    def said(self) -> str:
        """The last words of everybody, for when something did not happen."""
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-1500:]}" for p in self.folder.glob("*.out"))


@contextmanager
def set_up(
    broker: Broker, temper: Temper, *, hurry: bool = False, clocks: Mapping[str, str] = CLOCKS, **settings: str
) -> Iterator[Stage]:
    """A stage with everybody on it, ready; gone afterwards. `hurry`: the leases of the dead are over at once."""
    with ExitStack() as stack:
        folder = stack.enter_context(throwaway("chaos"))
        postgres = stack.enter_context(private_postgres())
        keeper = stack.enter_context(ThreadPoolExecutor(1, "keeper"))
        rabbitmq = stack.enter_context(private_rabbitmq()) if broker == "rabbitmq" else None
        if rabbitmq:
            keeper.submit(rabbitmq.start).result()
        migrate(postgres.url)
        testimony = folder / "testimony.jsonl"
        witness = _witness(stack, testimony, temper)
        ports = {"postgres": postgres_port(postgres), "witness": witness}
        if rabbitmq:
            ports["rabbitmq"] = rabbitmq.port
        proxies = {name: stack.enter_context(Proxy(("127.0.0.1", port))) for name, port in ports.items()}
        burial: Burial = "release" if broker == "embedded" else "expire" if hurry else "wait"
        undertaker = Undertaker(postgres.url, burial)
        stack.callback(undertaker.close)
        right = stack.enter_context(Fleet(folder, undertaker.bury))
        fleets = dict.fromkeys((*DESKS, *WORKERS, "relay"), right)
        for name, offset in clocks.items():
            fleets[name] = stack.enter_context(Fleet(folder, undertaker.bury, wrong(offset)))
        stage = Stage(broker, folder, postgres, rabbitmq, fleets, proxies, [], testimony, keeper, clocks)
        stack.callback(stage.ghosts)
        _cast(stage, {"HITL_ANALYZER": "stub:5", **settings})
        yield stage


def postgres_port(postgres: EmbeddedPostgres) -> int:
    """Where it listens."""
    return int(psycopg.conninfo.conninfo_to_dict(postgres.tcp_url)["port"] or 0)


def _cast(stage: Stage, settings: Mapping[str, str]) -> None:
    """Start everybody, and wait until both desks say that they are ready."""
    for name, port in zip(DESKS, free_ports(len(DESKS)), strict=True):
        where = ["--host", "127.0.0.1", "--port", str(port)]
        quiet = ["--no-access-log", "--log-level", "warning", "--http", "api.joined:Protocol"]
        stage.fleets[name].add(name, ["uvicorn", "api.main:app", *where, *quiet], _lines(stage, name, settings))
        stage.desks.append(f"http://127.0.0.1:{port}")
    program = DRAMATIQ if stage.rabbitmq else ["workers"]
    for name in WORKERS:
        stage.fleets[name].add(name, program, _lines(stage, name, settings))
    if stage.rabbitmq:
        stage.fleets["relay"].add("relay", ["workers.relay_process"], _lines(stage, "relay", settings))
    for desk in stage.desks:
        _until(lambda desk=desk: ready(desk), "a desk is not ready", stage)  # type: ignore[misc]
    if stage.rabbitmq:
        stage.rabbitmq.await_rooted("cases")


def _lines(stage: Stage, name: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Where a program finds the others: through the proxies, or past them."""
    proxied = name in PROXIED
    url, witness = stage.url, stage.proxies["witness"].target[1]
    if proxied:
        url = url.replace(f":{postgres_port(stage.postgres)}/", f":{stage.proxies['postgres'].port}/")
        witness = stage.proxies["witness"].port
    found = {"HITL_DATABASE_URL": url, "HITL_PLATFORM_URL": f"http://127.0.0.1:{witness}", **settings}
    found |= {"HITL_WORKER_THREADS": THREADS, **(wrong(stage.clocks[name]) if name in stage.clocks else {})}
    if stage.rabbitmq:
        port = stage.proxies["rabbitmq"].port if proxied else stage.rabbitmq.port
        found["HITL_BROKER_URL"] = f"amqp://guest:guest@127.0.0.1:{port}/%2F"
    return found


def _witness(stack: ExitStack, testimony: Path, temper: Temper) -> int:
    """The one that is never killed; its port."""
    port = free_port()
    rates = [f"--{name}={getattr(temper, name)}" for name in ("seed", "stall", "drop", "error")]
    given = ["--port", str(port), "--file", str(testimony), *rates, f"--stall-seconds={temper.stall_seconds}"]
    held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
    process = subprocess.Popen(
        [*held, sys.executable, "-m", "tests.chaos.witness", *given],
        cwd=ROOT,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    _until(lambda: listening(port), "the witness does not listen")
    return port


def ready(desk: str) -> bool:
    """Whether a desk says that it is ready."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{desk}/readyz", timeout=5.0).status_code == 200
    return False


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def _until(there: Callable[[], bool], otherwise: str, stage: Stage | None = None) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not there():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise}\n{stage.said() if stage else ''}")
        time.sleep(0.1)
