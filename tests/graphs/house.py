"""The whole core in one process: a store, a runner, a fake world; each verb a line, each delivery by hand."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import orjson

from hitl.directory import DEV
from hitl.domain.cases import GRAPH_VERSIONS
from hitl.domain.commands import Command
from hitl.domain.people import Person
from hitl.graphs import registry
from hitl.graphs.judge import StoredJudge
from hitl.graphs.ledger import PlatformLedger
from hitl.graphs.runner import Runner
from hitl.operations import runs, show, upkeep
from hitl.operations.backlog import Backlog
from hitl.operations.decide import DecideRequest, decide, decide_alone
from hitl.operations.retry import retry
from hitl.operations.rollback import rollback, rollback_alone
from hitl.operations.settle import Outcome, settle_action
from hitl.operations.start import StartRequest, start
from hitl.platforms.port import Platform
from hitl.store.postgres import Jsonb, Store, Tx
from tests.graphs import brought, recalled
from tests.graphs.world import FakeAnalyzer, FakePlatform, Hook

AUTHOR, AUTHOR_2 = DEV["dev-author"], DEV["dev-author-2"]
MODERATOR, MODERATOR_2 = DEV["dev-moderator"], DEV["dev-moderator-2"]
SUPERVISOR, SUPERVISOR_2 = DEV["dev-supervisor"], DEV["dev-supervisor-2"]
ADMIN = DEV["dev-admin"]
CURRENT = GRAPH_VERSIONS["moderation"]
SERVED = f"moderation@{CURRENT}"
Check = Callable[[Store, Command], Command]
TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


class Crash(BaseException):
    """The process is gone: nothing catches this, and whatever it still tries is fenced off."""


class House:
    """One database, one world, as many workers as named; nothing runs unless a test delivers it."""

    def __init__(self, url: str, platform: Platform | None = None) -> None:
        self.url = url
        self.store = Store(url, size=12)
        self.world = FakePlatform()
        self.platform: Platform = platform or self.world
        self.analyzer = FakeAnalyzer()
        self.people: list[Person] = list(DEV.values())
        self.on_settle: Hook | None = None
        self.runners: dict[str, Runner] = {}
        with self.store.transaction() as tx:
            registry.register(tx)

    def close(self) -> None:
        self.store.close()

    def runner(self, worker: str = "w1") -> Runner:
        if worker not in self.runners:
            ledger, judge = PlatformLedger(self.store, lambda _: self.platform), StoredJudge(self.store, self.analyzer)
            self.runners[worker] = Runner(self.store, ledger, judge, self._present, lambda _: {})
        return self.runners[worker]

    def _present(self) -> Sequence[Person]:
        if self.on_settle:
            self.on_settle()
        return self.people

    # -- verbs ---------------------------------------------------------------------------------------------------------

    def start(self, content: str = "you are silly", *, by: Person = AUTHOR, **more: Any) -> str:
        with self.store.transaction() as tx:
            return str(start(tx, by, StartRequest(content, **more), backlog=Backlog(10_000))["case_id"])

    def decide(self, case_id: str, decision: Any = "approve", *, by: Person = MODERATOR, **more: Any) -> dict[str, Any]:
        review_id = more.pop("review_id", None) or self.show(case_id)["review"]["review_id"]
        more.setdefault("reason", "because")
        request = DecideRequest(case_id, review_id, decision, **more)
        with self.store.statement() as tx:
            if found := decide_alone(tx, by, request, recalled.seen(self.store, case_id, ADMIN)):  # as the desk does it
                return found
        with self.store.transaction() as tx:
            return decide(tx, by, request)

    def offer(self, decision: str) -> None:
        """What the graphs of others may offer in their reviews."""
        choice = {"decision": decision, "label": "Answer", "effects": []}
        self.sql("update reviews set choices = choices || %s where status = 'open'", (Jsonb([choice]),))

    def rollback(self, case_id: str, *, by: Person = AUTHOR) -> dict[str, Any]:
        with self.store.statement() as tx:
            if found := rollback_alone(tx, by, case_id, "I was joking", recalled.seen(self.store, case_id, ADMIN)):
                return found
        with self.store.transaction() as tx:
            return rollback(tx, by, case_id, "I was joking")

    def settle(self, action_id: str, outcome: Outcome, *, by: Person = SUPERVISOR) -> dict[str, Any]:
        with self.store.transaction() as tx:
            return settle_action(tx, by, action_id, outcome, "looked")

    def retry(self, case_id: str) -> dict[str, Any]:
        with self.store.transaction() as tx:
            return retry(tx, case_id, "dev-admin")

    # -- deliveries ----------------------------------------------------------------------------------------------------

    def due(self) -> list[int]:
        found = self.rows(
            "select command_id from commands where state in ('ready', 'published') and available_at <= now()"
            " order by priority desc, command_id"
        )
        return [r["command_id"] for r in found]

    def kind(self, command_id: int) -> str | None:
        found = self.rows("select kind from commands where command_id = %s", (command_id,))
        return found[0]["kind"] if found else None

    def deliver(
        self, command_id: int, worker: str = "w1", *, late: bool = True, check: Check = brought.checked
    ) -> str | None:
        command = self.runner(worker).begin(command_id, worker, kind=self.kind(command_id), late=late)
        result = self.runner(worker).run(check(self.store, command)) if command else None
        return self.deliver(command_id, worker, late=False, check=check) if result == "overtaken" else result

    def deliver_at_once(self) -> None:
        """Whatever is due, each to a worker of its own; others may touch a target between a claim and a second look."""
        deliver = partial(self.deliver, check=lambda _, command: command)
        threads = [threading.Thread(target=deliver, args=(c, f"w{c}")) for c in self.due()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def claim(self, command_id: int, worker: str = "w1") -> Command:
        command = self.runner(worker).begin(command_id, worker, kind=self.kind(command_id))
        assert command is not None, "nothing to claim"
        return brought.checked(self.store, command)

    def drain(self, worker: str = "w1") -> list[str]:
        """Deliver whatever is due, until nothing is; how each run went."""
        results = []
        while due := self.due():
            results += [r for r in (self.deliver(c, worker) for c in due) if r]
        return results

    def hurry(self) -> None:
        """Everything that waits for a moment to come is due now."""
        self.sql("update commands set available_at = now() where state in ('ready', 'published')")
        self.sql("update actions set called_at = called_at - interval '1 minute'")

    def insist(self) -> list[str]:
        """Deliver until nothing is left to come, however often that is postponed."""
        results: list[str] = []
        for _ in range(30):
            self.hurry()
            if not self.due():
                return results
            results += self.drain()
        raise AssertionError(f"never at rest: {results}")

    def expire(self, command_id: int | None = None) -> None:
        """The lease has run out."""
        self.sql(
            "update commands set lease_until = now() - interval '1 second' where state = 'claimed'"
            " and coalesce(command_id = %s, true)",
            (command_id,),
        )

    def crash(self) -> None:
        """What a kill -9 is to everybody else: the lease runs out, and the run writes nothing any more.

        One that had not claimed its command yet leaves nothing but a message that is sent once more.
        """
        self.expire()
        self.sql("update commands set publishes = publishes + 1 where state in ('ready', 'published')")
        raise Crash

    def crashing(self, command_id: int, worker: str = "w1") -> str | None:
        """Deliver to a worker that may die over it; how the run went, None when it did not come back."""
        with suppress(Crash):
            return self.deliver(command_id, worker)
        return None

    def adopt(self) -> None:
        """Upkeep looks for orphans, as it does in every process."""
        with self.store.transaction() as tx:
            found = upkeep.orphans(tx)
        for command_id in found:
            with self.store.transaction() as tx:
                upkeep.adopt(tx, command_id)

    # -- looking -------------------------------------------------------------------------------------------------------

    def show(self, case_id: str, person: Person = ADMIN) -> dict[str, Any]:
        with self.store.transaction() as tx:
            return show.status(tx, person, case_id)

    def whole(self, case_id: str, person: Person = ADMIN) -> dict[str, Any]:
        with self.store.transaction() as tx:
            return show.whole(tx, person, case_id)

    def status(self, case_id: str) -> str:
        return str(self.show(case_id)["status"])

    def actions(self, case_id: str, direction: str = "forward") -> dict[str, str]:
        """Kind to status, of the newest round that has it."""
        found = self.show(case_id)["actions"]
        return {a["kind"]: a["status"] for a in found if a["direction"] == direction}

    def action(self, case_id: str, kind: str, direction: str = "forward") -> dict[str, Any]:
        found = self.rows(
            "select * from actions where case_id = %s and kind = %s and direction = %s order by round desc",
            (case_id, kind, direction),
        )
        return found[0]

    def events(self, case_id: str) -> list[dict[str, Any]]:
        return self.rows("select * from events where case_id = %s order by seq", (case_id,))

    def told(self, case_id: str) -> list[str]:
        return [e["type"] for e in self.events(case_id)]

    def command(self, case_id: str, kind: str | None = None) -> dict[str, Any]:
        """The case's newest command."""
        return self.rows(
            "select * from commands where case_id = %s and kind = coalesce(%s, kind) order by command_id desc limit 1",
            (case_id, kind),
        )[0]

    def rows(self, sql: str, params: Any = None) -> list[dict[str, Any]]:
        with self.store.transaction() as tx:
            return tx.all(sql, params)

    def sql(self, sql: str, params: Any = None) -> None:
        with self.store.transaction() as tx:
            tx.execute(sql, params)

    def dump(self) -> dict[str, list[bytes]]:
        """Every row of every table: what a run that may not write must leave alone."""
        with self.store.transaction() as tx:
            return {r["tablename"]: _rows(tx, r["tablename"]) for r in tx.all(TABLES)}

    # -- ways to a state -----------------------------------------------------------------------------------------------

    def waiting(self, **more: Any) -> str:
        """A case that waits for people."""
        case_id = self.start(**more)
        self.drain()
        assert self.status(case_id) == "waiting_review", self.show(case_id)
        return case_id

    def acted(self, decision: str = "approve", *, by: Person = MODERATOR, **more: Any) -> str:
        """A case that people decided, carried out."""
        chosen = {k: more.pop(k) for k in ("actions", "policies") if k in more}
        case_id = self.waiting(**more)
        self.decide(case_id, decision, by=by, **chosen)
        self.drain()
        return case_id


def _rows(tx: Tx, table: str) -> list[bytes]:
    rows = tx.all(f"select to_jsonb(t)::text || t.ctid::text || t.xmin::text as row from {table} t")  # noqa: S608
    return sorted(orjson.dumps(r["row"]) for r in rows)


def edit(*kinds: str, **params: dict[str, Any]) -> list[dict[str, Any]]:
    """Actions for an edit, such as `edit("remove_content", suspend_author={"days": 3})`."""
    return [{"kind": k} for k in kinds] + [{"kind": k, "params": p} for k, p in params.items()]


__all__ = [
    "ADMIN",
    "AUTHOR",
    "AUTHOR_2",
    "CURRENT",
    "MODERATOR",
    "MODERATOR_2",
    "SERVED",
    "SUPERVISOR",
    "SUPERVISOR_2",
    "Crash",
    "House",
    "edit",
    "runs",
]
