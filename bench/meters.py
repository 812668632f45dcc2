"""What a run costs: CPU of every server process, the machine's other work, and what Postgres wrote."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

WAL = (
    "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn,"
    " (select coalesce(sum(fsyncs), 0) from pg_stat_io where object = 'wal'),"
    " (select coalesce(sum(xact_commit), 0) from pg_stat_database)"
)
SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers")
TICK = os.sysconf("SC_CLK_TCK")
QUIET = 0.05  # share of the machine


@dataclass(frozen=True)
class Reading:
    """All meters at one moment; seconds, bytes and counts since some beginning."""

    at: float
    servers: dict[str, float]
    client: float
    machine_busy: float
    machine_stolen: float
    wal: tuple[int, int, int] | None


@dataclass(frozen=True)
class Cost:
    """What went by between two readings; `others` and `stolen` are shares of the whole machine."""

    seconds: float
    servers: dict[str, float]
    client: float
    others: float
    stolen: float
    wal_bytes: int | None = None
    wal_flushes: int | None = None
    commits: int | None = None

    @property
    def server_cpu(self) -> float:
        """CPU seconds of all server processes."""
        return sum(self.servers.values())


@dataclass
class Meters:
    """The meters of one running system; everything that this process has started counts as a server."""

    database: str | None = None
    _postgres: "psycopg.Connection[tuple[int, int, int]] | None" = field(default=None, init=False)

    def read(self) -> Reading:
        """Read them all."""
        busy, stolen = _machine()
        times = os.times()
        return Reading(time.perf_counter(), _servers(), times.user + times.system, busy, stolen, self._wal())

    def between(self, begin: Reading, end: Reading) -> Cost:
        """The cost of what happened between two readings."""
        names = begin.servers.keys() | end.servers.keys()
        servers = {name: end.servers.get(name, 0.0) - begin.servers.get(name, 0.0) for name in names}
        client, seconds = end.client - begin.client, end.at - begin.at
        capacity = seconds * (os.cpu_count() or 1)
        others = end.machine_busy - begin.machine_busy - client - sum(servers.values())
        stolen = end.machine_stolen - begin.machine_stolen
        wal: tuple[int, ...] | tuple[None, None, None] = (None, None, None)
        if begin.wal and end.wal:
            wal = tuple(late - early for early, late in zip(begin.wal, end.wal, strict=True))
        return Cost(seconds, servers, client, max(0.0, others / capacity), stolen / capacity, *wal)

    def settings(self) -> dict[str, str]:
        """The settings of Postgres that durability and cost hang on."""
        if not self.database:
            return {}
        with psycopg.connect(self.database, autocommit=True) as connection:
            return {name: str(_one(connection, name)) for name in SETTINGS}

    def close(self) -> None:
        """Let go of the database."""
        if self._postgres:
            self._postgres.close()

    def _wal(self) -> tuple[int, int, int] | None:
        if not self.database:
            return None
        if not self._postgres:
            self._postgres = psycopg.connect(self.database, autocommit=True)
        row = self._postgres.execute(WAL).fetchone()
        assert row is not None
        return int(row[0]), int(row[1]), int(row[2])


def memory() -> dict[str, float]:
    """The proportional set size of every server process, by name, in MiB."""
    found: dict[str, float] = defaultdict(float)
    for process in _processes():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found[_name(process)] += process.memory_full_info().pss / 2**20
    return dict(found)


def kernel() -> dict[str, float]:
    """CPU seconds that the kernel has spent on every server process, by name."""
    found: dict[str, float] = defaultdict(float)
    for process in _processes():
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[_name(process)] += times.system + times.children_system
    return dict(found)


def pids(names: Iterable[str]) -> dict[str, int]:
    """The process ids of these server processes, one of each name; KeyError where one is missing."""
    running = {}
    for process in _processes():
        with suppress(psutil.NoSuchProcess):
            running[_name(process)] = process.pid
    return {name: running[name] for name in names}


async def quiet(patience: float) -> float:
    """Wait until others leave the machine alone for a second, at most so long; the share of it that they have."""
    until = time.monotonic() + patience
    while True:
        busy, stolen = _machine()
        await asyncio.sleep(1.0)
        later, more = _machine()
        share = (later - busy + more - stolen) / (os.cpu_count() or 1)
        if share < QUIET or time.monotonic() > until:
            return share


def sync_seconds(folder: Path, times: int = 200) -> float:
    """The median time of an 8 kB write with fdatasync, on the disk that everything is kept on."""
    folder.mkdir(parents=True, exist_ok=True)
    path, taken = folder / "sync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return sorted(taken)[times // 2]


def _one(connection: "psycopg.Connection[tuple[int, ...]]", setting: str) -> object:
    row = connection.execute("select current_setting(%s)", (setting,)).fetchone()
    return row[0] if row else None


def _machine() -> tuple[float, float]:
    """Busy and stolen CPU seconds of the whole machine."""
    fields = [int(word) / TICK for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, stolen = fields[:8]
    return user + nice + system + irq + softirq, stolen


def _servers() -> dict[str, float]:
    """CPU seconds by name; those of a process that is gone are its parent's, and at last our own children's."""
    times = os.times()
    found: dict[str, float] = defaultdict(float, {"gone": times.children_user + times.children_system})
    for process in _processes():
        with suppress(psutil.NoSuchProcess):
            found[_name(process)] += sum(process.cpu_times()[:4])
    return dict(found)


def _processes() -> Iterator[psutil.Process]:
    yield from psutil.Process().children(recursive=True)


def _name(process: psutil.Process) -> str:
    """A name that tells a reader what it is."""
    name = process.name()
    if not name.startswith("python"):
        return "rabbitmq" if name in {"beam.smp", "erl_child_setup", "epmd", "inet_gethost", "sh"} else name
    words = process.cmdline()
    if any("multiprocessing" in word for word in words):
        return f"{_name(parent)}, child" if (parent := process.parent()) else name
    if "-m" in words:
        return " ".join(words[words.index("-m") + 1 :][:2])
    return Path(next((word for word in words[1:] if not word.startswith("-")), name)).name
