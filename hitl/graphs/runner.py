"""One run of one command: claim, settle, invoke, settle. Resumes only by interrupt id, only when paused there."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command as Resume

from hitl import failpoints
from hitl.domain.commands import Command
from hitl.domain.people import Person
from hitl.errors import Fenced, Unavailable
from hitl.graphs.judge import Postponed
from hitl.graphs.ledger import EffectStopped, PlatformTrouble
from hitl.graphs.registry import VERSIONS
from hitl.graphs.work import Judge, Ledger, Work
from hitl.operations import ledger, runs
from hitl.operations.runs import Head
from hitl.store import cases, reviews
from hitl.store.checkpoints import FencedSaver
from hitl.store.postgres import Store

log = structlog.get_logger(__name__)
BUSY_SECONDS = 0.25  # until a target that another case is acting on is tried again
Compiled = CompiledStateGraph[Any, Work, Any, Any]


class Runner:
    """Runs commands. Shared by a process's worker threads, each of which has its own saver and compiled graphs."""

    def __init__(
        self,
        store: Store,
        ledger_: Ledger,
        judge: Judge,
        people: Callable[[], Sequence[Person]],
        trace: Callable[[Command], dict[str, Any]],
    ) -> None:
        self._store = store
        self._ledger = ledger_
        self._judge = judge
        self._people = people
        self._trace = trace
        self._own = threading.local()

    @property
    def serves(self) -> list[str]:
        """The graph versions, `name@version`, that can be run here."""
        return list(VERSIONS)

    def begin(self, command_id: int, owner: str, *, alone: bool = True) -> Command | None:
        """Claim a command for this process; None when there is nothing to do, Suspect when it has to run alone."""
        with self._store.transaction("claim") as tx:
            return runs.begin(tx, command_id, owner=owner, serves=self.serves, alone=alone)

    def run(self, command: Command) -> str:
        """Carry a claimed command out; says in a word how it went. Raises only what a bug raises."""
        try:
            self._advance(command)
            return "done"
        except Fenced:
            return "fenced"
        except Unavailable:
            return "database-gone"  # the lease runs out, and another run carries on
        except Exception as trouble:  # noqa: BLE001 (whatever a graph raises ends in a row, not in a crash)
            return self._broke(command, trouble)

    def _advance(self, command: Command) -> None:
        if command.kind == "settle":
            self._settle_actions(command)
            return
        saver, graph = self._compiled(command)
        saver.command = command
        try:
            config = self._config(command)
            # Nothing of a start can be there before its first claim; everything else looks at the checkpoint first.
            head = Head(fresh=True) if command.kind == "start" and command.epoch == 1 else _head(graph, config)
            given = self._given(command, head)
            if given is not _NOTHING:
                failpoints.hit("before_invoke")
                head = self._invoke(graph, given, config, command)
                failpoints.hit("after_invoke")
            self._settle(command, head)
        finally:
            saver.command = None

    def _invoke(self, graph: Compiled, given: Any, config: RunnableConfig, command: Command) -> Head:
        """Run the graph until it pauses or finishes; the answer is where its checkpoint now stands."""
        output = graph.invoke(
            given,
            config,
            context=Work(command, self._ledger, self._judge),
            durability=VERSIONS[f"{command.graph}@{command.graph_version}"].durability,
            version="v2",
        )
        return Head(paused={i.id: i.value for i in output.interrupts}, finished=not output.interrupts)

    def _given(self, command: Command, head: Head) -> Any:
        """What to invoke the graph with: an input, a resume, None to go on where a run broke off, or nothing."""
        if command.kind == "start":
            if head.fresh:
                return {"case_id": command.case_id, "round": 1, "todo": "analyze"}
            return _NOTHING if head.paused or head.finished else None
        if command.kind == "rollback":
            with self._store.transaction() as tx:
                round_ = cases.get(tx, command.case_id).round
            if head.round != round_:
                return {"case_id": command.case_id, "round": round_, "todo": "rollback"}
            return _NOTHING if head.paused or head.finished else None
        return self._resume(command, head)

    def _resume(self, command: Command, head: Head) -> Any:
        if not head.paused:
            return _NOTHING if head.finished else None
        with self._store.transaction() as tx:
            decision = reviews.decision(tx, command.ref or "")
        if decision is None or decision["interrupt_id"] not in head.paused:
            return _NOTHING  # answered already: the case is paused somewhere else by now
        answer = {"decision_id": decision["decision_id"], "decision": decision["decision"]}
        return Resume(resume={decision["interrupt_id"]: answer})

    def _settle(self, command: Command, head: Head) -> None:
        with self._store.transaction("settle") as tx:
            settled = runs.settle(tx, command, head, self._people())
        if not settled:
            raise RuntimeError("the graph stopped without pausing or finishing")

    def _settle_actions(self, command: Command) -> None:
        self._ledger.reverse(command)
        with self._store.transaction() as tx:
            runs.settled_actions(tx, command)

    def _broke(self, command: Command, trouble: Exception) -> str:
        """Postpone, try again, or fail: in one transaction, which a lost lease makes void."""
        try:
            with self._store.transaction() as tx:
                return _follow(tx, command, trouble)
        except (Fenced, Unavailable):
            return "fenced"

    def _config(self, command: Command) -> RunnableConfig:
        return RunnableConfig(**{**self._trace(command), "configurable": {"thread_id": command.case_id}})  # type: ignore[typeddict-item]

    def _compiled(self, command: Command) -> tuple[FencedSaver, Compiled]:
        if not hasattr(self._own, "saver"):
            self._own.saver = FencedSaver(self._store.pool)
            self._own.graphs = {}
        label = f"{command.graph}@{command.graph_version}"
        if label not in self._own.graphs:
            self._own.graphs[label] = VERSIONS[label].build().compile(checkpointer=self._own.saver)
        return self._own.saver, self._own.graphs[label]


class _Nothing:
    """Not even None, which would make LangGraph go on."""


_NOTHING = _Nothing()


def _head(graph: Compiled, config: RunnableConfig) -> Head:
    state = graph.get_state(config)
    if state.created_at is None:
        return Head(fresh=True)
    return Head(
        paused={i.id: i.value for i in state.interrupts},
        finished=not state.next,
        round=state.values.get("round", 0),
    )


def _follow(tx: Any, command: Command, trouble: Exception) -> str:
    if isinstance(trouble, Postponed):
        runs.postpone(tx, command, trouble.seconds)
        return "postponed"
    if isinstance(trouble, ledger.TargetBusy):
        runs.wait_for_target(tx, command, BUSY_SECONDS)
        return "target-busy"
    if isinstance(trouble, ledger.TooEarly):
        runs.wait_for_target(tx, command, trouble.facts["seconds"])
        return "too-early"
    if isinstance(trouble, EffectStopped):
        runs.fail(tx, command, "effect-unknown", "An action's outcome is unknown; a person must settle it.")
        return "effect-unknown"
    if isinstance(trouble, ledger.DigestMismatch):
        runs.fail(tx, command, "digest-mismatch", trouble.detail)
        return "digest-mismatch"
    cause = "platform-unreachable" if isinstance(trouble, PlatformTrouble) else "run-broke"
    log.warning("run broke off", cause=cause, error=type(trouble).__name__, attempt=command.attempts)
    detail = str(trouble)[:300] if isinstance(trouble, PlatformTrouble) else f"The run raised {type(trouble).__name__}."
    return "again" if runs.again_later(tx, command, cause, detail) else cause
