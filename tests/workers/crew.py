"""Real worker processes over a test's own database; cases go in and out through operations, without a desk."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from hitl.directory import DEV
from hitl.errors import Unavailable
from hitl.operations import show
from hitl.operations.backlog import Backlog
from hitl.operations.decide import DecideRequest, decide
from hitl.operations.rollback import rollback
from hitl.operations.start import StartRequest, start
from hitl.store import commands
from hitl.store.postgres import Store
from tests.journeys.guardian import Program, kill

PATIENCE = 60.0  # seconds until a test gives up; generous, since the machine is shared
EMBEDDED = ("workers",)
RABBITMQ = ("dramatiq", "workers", "-p", "1", "-t", "4")
SILLY = "you are a silly goose"
AUTHOR, MODERATOR, SUPERVISOR = DEV["dev-author"], DEV["dev-moderator"], DEV["dev-supervisor"]
STATUSES = "select status, count(*)::int as n from cases group by status"


class Crew:
    """A database with worker processes; `broker_url` makes them work over RabbitMQ."""

    def __init__(self, url: str, folder: Path, broker_url: str | None = None, **settings: str) -> None:
        self.store = Store(url, size=4)
        self.folder = folder
        self._way = RABBITMQ if broker_url else EMBEDDED
        self._settings = {"HITL_DATABASE_URL": url, "HITL_ANALYZER": "stub:0", "HITL_WORKER_THREADS": "4"}
        self._settings |= {"HITL_LOG_FORMAT": "console", **({"HITL_BROKER_URL": broker_url} if broker_url else {})}
        self._settings |= settings
        self._programs: list[Program] = []
        self._families: list[psutil.Process] = []
        self._backlog = Backlog(1_000_000)

    def hire(self, **settings: str) -> Program:
        """Start a worker process; it is not waited for."""
        program = Program(self.folder, self._way, {**self._settings, **settings})
        self._programs.append(program)
        return program

    def hired(self, **settings: str) -> Program:
        """Start a worker process and wait until it has said hello."""
        before = set(self.alive())
        program = self.hire(**settings)
        self.await_(lambda: bool(set(self.alive()) - before), program)
        self._families += program.family()
        return program

    def alive(self) -> list[str]:
        """The worker ids in the register."""
        return [str(row["worker_id"]) for row in self.rows("select worker_id from workers")]

    def start(self, count: int = 1, text: str = SILLY, *, priority: int = 5) -> list[str]:
        """Post texts; the cases' ids."""
        return [self._start(text, f"author-{n}", priority) for n in range(count)]

    def _start(self, text: str, author: str, priority: int) -> str:
        request = StartRequest(text, author_id=author, priority=priority)
        with self.store.transaction() as tx:
            return str(start(tx, AUTHOR, request, backlog=self._backlog)["case_id"])

    def decide(self, case_id: str) -> None:
        """Approve the case's open review."""
        with self.store.transaction() as tx:
            review = show.status(tx, MODERATOR, case_id)["review"]["review_id"]
            decide(tx, MODERATOR, DecideRequest(case_id, review, "approve", reason="An insult."))

    def appeal(self, case_id: str) -> None:
        """Ask for a rollback as the author."""
        with self.store.transaction() as tx:
            rollback(tx, AUTHOR, case_id, "It was a joke between friends.")

    def status(self, case_id: str) -> dict[str, Any]:
        """What a moderator sees of the case."""
        with self.store.transaction() as tx:
            return show.status(tx, MODERATOR, case_id)

    def statuses(self) -> dict[str, int]:
        """How many cases stand where."""
        return {row["status"]: row["n"] for row in self.rows(STATUSES)}

    def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """What the database says."""
        with self.store.transaction() as tx:
            return tx.all(sql, params)

    def run(self, sql: str, *params: Any) -> int:
        """Change rows behind everybody's back; how many."""
        with self.store.transaction() as tx:
            return tx.execute(sql, params).rowcount

    def await_(self, there: Callable[[], bool], *programs: Program) -> None:
        """Wait until it is so, through outages of Postgres too; fails early when one of the programs has ended."""
        deadline = time.monotonic() + PATIENCE
        while not _is_so(there):
            ended = [p for p in programs if p.process.poll() is not None]
            assert not ended, self.story()
            assert time.monotonic() < deadline, self.story()
            time.sleep(0.05)

    def await_statuses(self, **wanted: int) -> None:
        """Wait until the cases stand like this."""
        self.await_(lambda: self.statuses() == wanted)

    def story(self) -> str:
        """What to read when something did not happen."""
        unfinished = self.rows("select * from commands where state not in ('done') order by command_id limit 5")
        said = "\n".join(path.read_text(errors="replace")[-3000:] for path in self.folder.glob("*.out"))
        return f"{self.statuses()}\n{unfinished}\n{said}"

    def decide_all(self) -> None:
        """Approve every open review."""
        for row in self.rows("select case_id from cases where status = 'waiting_review'"):
            self.decide(str(row["case_id"]))

    def commands(self, state: str) -> int:
        """How many commands stand there."""
        return int(self.rows("select count(*)::int as n from commands where state = %s", state)[0]["n"])

    def bury(self, pid: int) -> None:
        """What a supervisor does after it has reaped a process: its commands are due again at once."""
        with self.store.transaction() as tx:
            commands.release(tx, worker_id(pid))

    def run_out(self, owner: str = "") -> int:
        """The leases of all, or of one owner, have run out: instead of waiting for half a minute."""
        return self.run(
            """update commands set lease_until = now() - interval '1 second'
            where state = 'claimed' and (%s = '' or owner = %s)""",
            owner,
            owner,
        )

    def unheard(self) -> bool:
        """What was published more than two seconds ago counts as lost: instead of waiting for longer. Always False."""
        self.run(
            """update commands set published_at = published_at - interval '5 minutes'
            where state = 'published' and published_at < now() - interval '2 seconds'"""
        )
        return False

    def close(self) -> None:
        """Nothing keeps running."""
        living = [program for program in self._programs if program.process.poll() is None]
        kill([*self._families, *(process for program in living for process in program.family())])
        for program in living:
            program.process.wait()
        self.store.close()


@contextmanager
def crew(url: str, folder: Path, broker_url: str | None = None, **settings: str) -> Iterator[Crew]:
    """A crew that is gone afterwards."""
    found = Crew(url, folder, broker_url, **settings)
    try:
        yield found
    finally:
        found.close()


def _is_so(there: Callable[[], bool]) -> bool:
    try:
        return there()
    except Unavailable:
        return False


def worker_id(pid: int) -> str:
    """What a worker process calls itself."""
    return f"{socket.gethostname()}:{pid}"


def working(program: Program) -> int:
    """The process that does the work: of `dramatiq workers` not the master but its child."""
    children = psutil.Process(program.process.pid).children()
    workers = [child.pid for child in children if "resource_tracker" not in " ".join(child.cmdline())]
    return workers[0] if workers else program.process.pid


def kill9(*pids: int) -> None:
    """Kill processes as the kernel would when memory runs out."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def effects(crew_: Crew) -> dict[tuple[str, str, str], int]:
    """How often the forum did what: (action, kind, direction) to a number."""
    rows = crew_.rows("select action_id, kind, direction, count(*)::int as n from forum_actions group by 1, 2, 3")
    return {(row["action_id"], row["kind"], row["direction"]): row["n"] for row in rows}


def assert_once(crew_: Crew) -> None:
    """Each applied action was done once, nothing was done that is not in the ledger, and no history has a gap."""
    done = effects(crew_)
    assert set(done.values()) <= {1}, done
    applied = crew_.rows("select action_id from actions where applied_at is not null and reference is not null")
    assert {str(row["action_id"]) for row in applied} == {action for action, _, _ in done}
    gaps = crew_.rows(
        """select case_id from events join cases using (case_id) group by case_id, cases.version
        having count(*) <> max(seq) or max(seq) <> cases.version"""
    )
    assert not gaps
    twice = crew_.rows(
        """select data ->> 'action_id' as a, type from events where type in ('action_applied', 'action_reversed')
        group by 1, 2 having count(*) > 1"""
    )
    assert not twice
