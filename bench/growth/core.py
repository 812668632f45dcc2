"""The whole core in one process over one database: nothing runs unless it is delivered."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

from bench.journey import CONTENT
from hitl import runtime
from hitl.directory import DEV
from hitl.domain.commands import Command
from hitl.graphs import registry
from hitl.operations import show
from hitl.operations.backlog import Backlog
from hitl.operations.decide import DecideRequest, decide
from hitl.operations.rollback import rollback
from hitl.operations.start import StartRequest, start
from hitl.settings import Settings
from hitl.store import outbox

AUTHOR, MODERATOR, SUPERVISOR = DEV["dev-author"], DEV["dev-moderator"], DEV["dev-supervisor"]
WORKER = "bench"
REMOVE = [{"kind": "remove_content"}]
Span = Callable[[str], AbstractContextManager[object]]
Due = tuple[int, str]  # a command's id and its kind


def _untimed(_: str) -> AbstractContextManager[object]:
    return nullcontext()


class Core:
    """Every verb of a whole case, each in the transactions that the desk and a worker would take."""

    def __init__(self, url: str, *, analyzer: str = "stub:0") -> None:
        settings = Settings(analyzer=analyzer, data_dir=Path("unused"), log_format="none")
        self.parts = runtime.build(settings, url=url, connections=1)  # one connection sees, and plans, everything
        self.store = self.parts.store
        self._numbers = count(1)
        with self.store.transaction() as tx:
            registry.register(tx)

    def close(self) -> None:
        """Let go of the database."""
        self.parts.close()

    def start(self, label: str = "new", author: str | None = None) -> str:
        """POST /start, by a backend for an author; the case's id."""
        name = f"{label}-{next(self._numbers)}"
        content = (CONTENT * 4).replace("{}", name)
        request = StartRequest(content, content_id=name, author_id=author or f"author-{name}")
        with self.store.transaction() as tx:
            return str(start(tx, AUTHOR, request, backlog=Backlog(50_000))["case_id"])

    def take(self) -> list[Due]:
        """What the relay hands to the broker now."""
        with self.store.transaction() as tx:
            due, _ = outbox.take(tx, window=64, relay=WORKER, serves=self.parts.runner.serves)
        return due

    def claim(self, due: Due, *, late: bool = False) -> Command:
        """A worker's claim; `late`: its look at what its run will claim."""
        command_id, kind = due
        command = self.parts.runner.begin(command_id, WORKER, kind=kind, late=late)
        assert command is not None, "nothing to claim"
        return command

    def run(self, command: Command) -> None:
        """A worker's run, to the settling."""
        result = self.parts.runner.run(command)
        assert result == "done", result

    def deliver(self, span: Span = _untimed, name: str = "run") -> None:
        """Take, look at and run whatever is due."""
        with span("relay: take"):
            taken = self.take()
        for due in taken:
            with span("claim"):
                command = self.claim(due, late=True)
            with span(name):
                self.run(command)

    def status(self, case_id: str) -> dict[str, Any]:
        """GET /status, for a moderator."""
        with self.store.statement() as tx:
            return show.status(tx, MODERATOR, case_id)

    def decide(self, case_id: str, review_id: str, decision: Any, *, again: bool = False) -> None:
        """POST /resume: `edit` removes the post, `reject` keeps it; `again` is the second round."""
        actions = REMOVE if decision == "edit" else None
        request = DecideRequest(case_id, review_id, decision, actions=actions, reason="It insults a gardener.")
        with self.store.transaction() as tx:
            decide(tx, SUPERVISOR if again else MODERATOR, request)

    def rollback(self, case_id: str) -> None:
        """POST /rollback, by who started the case."""
        with self.store.transaction() as tx:
            rollback(tx, AUTHOR, case_id, "It was a joke between friends.")

    def paused(self, label: str = "new", span: Span = _untimed) -> str:
        """A: a case that waits for people."""
        with span("start"):
            case_id = self.start(label)
        self.deliver(span, "run: analyze, pause")
        return case_id

    def acted(self, label: str = "new", span: Span = _untimed, decision: str = "edit") -> str:
        """A and B: a case that people decided, carried out."""
        case_id = self.paused(label, span)
        self._answer(case_id, span, decision)
        self.deliver(span, "run: act, complete")
        return case_id

    def whole(self, label: str = "new", span: Span = _untimed) -> str:
        """A to D: removed, appealed, put back, kept."""
        case_id = self.acted(label, span)
        with span("rollback"):
            self.rollback(case_id)
        self.deliver(span, "run: reverse, pause")
        self._answer(case_id, span, "reject", again=True)
        self.deliver(span, "run: complete")
        return case_id

    def _answer(self, case_id: str, span: Span, decision: str, *, again: bool = False) -> None:
        with span("status"):
            review_id = self.status(case_id)["review"]["review_id"]
        with span("decide"):
            self.decide(case_id, review_id, decision, again=again)
