"""One run of one command: look, invoke, settle. Resumes only by interrupt id, only when paused there."""

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
from hitl.errors import Fenced, TargetBusy, Unavailable
from hitl.graphs import on_the_spot, settling
from hitl.graphs.judge import Postponed
from hitl.graphs.ledger import EffectStopped, PlatformTrouble
from hitl.graphs.registry import VERSIONS, GraphVersion
from hitl.graphs.run import Run
from hitl.graphs.work import Judge, Ledger, Work
from hitl.operations import ledger, openings, runs
from hitl.operations.runs import Head
from hitl.store import claims
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
        on_the_spot.install()

    @property
    def serves(self) -> list[str]:
        """The graph versions, `name@version`, that can be run here."""
        return list(VERSIONS)

    @property
    def _whole(self) -> list[str]:
        """Those of which nothing is written before their actions or their end."""
        return [label for label, version in VERSIONS.items() if version.durability == "exit"]

    def begin(
        self, command_id: int, owner: str, *, alone: bool = True, kind: str | None = None, late: bool = False
    ) -> Command | None:
        """Claim a command, of this kind most likely, for this process; Suspect when it has to run alone.

        None when there is nothing to do. `late`: what is handed out for the first time may be claimed by its first
        write; not so what asks an analyzer that takes its time, or pays for it: one worker alone does that.
        """
        quick = self._judge.quick
        begins = None if quick else openings.started(owner)
        failpoints.hit("before_commit:claim")
        if late and (quick or kind != "start") and not failpoints.awaited("after_commit:claim"):
            with self._store.statement() as tx:
                command = claims.late(tx, command_id, owner=owner, serves=self._whole, kind=kind)
            if command is not None:
                return command
        with self._store.statement() as tx:
            command = claims.at_once(tx, command_id, owner=owner, serves=self.serves, begins=begins, kind=kind)
            tx.name = "claim" if command else None
        if command is not None:
            return command
        with self._store.transaction("claim") as tx:
            return runs.begin(tx, command_id, owner=owner, serves=self.serves, alone=alone, quick=quick)

    def run(self, command: Command, claimed: Callable[[Command], None] | None = None) -> str:
        """Carry a command out that has begun; says in a word how it went. Raises only what a bug raises.

        `claimed` hears of a late one, unless that is its end. "overtaken": nothing was claimed; it may be begun anew.
        """
        version = VERSIONS.get(f"{command.graph}@{command.graph_version}")
        run = Run(self._store, command, eager=version is not None and version.durability != "exit", told=claimed)
        try:
            if command.kind == "settle":
                self._settle_actions(run)
            else:
                assert version is not None, "only what is served here is claimed"
                self._advance(run, version)
            return "done"
        except Fenced:
            return _fenced(run)
        except Unavailable:
            return "database-gone"  # the lease runs out, and another run carries on
        except Exception as trouble:  # noqa: BLE001 (whatever a graph raises ends in a row, not in a crash)
            return _broke(run, trouble)

    def _advance(self, run: Run, version: GraphVersion) -> None:
        saver, graph = self._compiled(version)
        if version.durability == "exit":
            saver.carry(run.command)
        else:
            saver.command = run.command
        try:
            config = self._config(run.command, version)
            head = _seen(run.command) or _head(graph, config)
            given = self._given(run.command, head)
            if given is not _NOTHING:
                failpoints.hit("before_invoke")
                head = self._invoke(graph, given, config, run, version)
                failpoints.hit("after_invoke")
            settling.settle(run, head, saver, self._people())
        finally:
            saver.command = None

    def _invoke(self, graph: Compiled, given: Any, config: RunnableConfig, run: Run, version: GraphVersion) -> Head:
        """Run the graph until it pauses or finishes; the answer is where its checkpoint now stands."""
        output = graph.invoke(
            given,
            config,
            context=Work(run, self._ledger, self._judge),
            durability=version.durability,
            output_keys=[k for k in ("round",) if k in graph.channels] or None,
            version="v2",
        )
        return Head(
            paused={i.id: i.value for i in output.interrupts},
            finished=not output.interrupts,
            round=output.value.get("round", 0),
        )

    def _given(self, command: Command, head: Head) -> Any:
        """What to invoke the graph with: an input, a resume, None to go on where a run broke off, or nothing."""
        if command.kind == "start":
            if head.fresh:
                return {"case_id": command.case_id, "round": 1, "todo": "analyze"}
            return _NOTHING if head.paused or head.finished else None
        if command.kind == "rollback":
            round_ = command.seen.round
            if head.round != round_:
                return {"case_id": command.case_id, "round": round_, "todo": "rollback"}
            return _NOTHING if head.paused or head.finished else None
        return _resume(command, head)

    def _settle_actions(self, run: Run) -> None:
        self._ledger.settle(run)
        with self._store.transaction() as tx:
            runs.settled_actions(tx, run.command, first=run.catch_up)

    def _config(self, command: Command, version: GraphVersion) -> RunnableConfig:
        asked = {"configurable": {"thread_id": command.case_id}, "max_concurrency": version.width}
        return RunnableConfig(**{**self._trace(command), **asked})  # type: ignore[typeddict-item]

    def _compiled(self, version: GraphVersion) -> tuple[FencedSaver, Compiled]:
        if not hasattr(self._own, "saver"):
            self._own.saver = FencedSaver(self._store.pool)
            self._own.graphs = {}
        if version.label not in self._own.graphs:
            self._own.graphs[version.label] = version.build().compile(checkpointer=self._own.saver)
        return self._own.saver, self._own.graphs[version.label]


class _Nothing:
    """Not even None, which would make LangGraph go on."""


_NOTHING = _Nothing()


def _seen(command: Command) -> Head | None:
    """Where the graph stands, as the claim saw it; None when only LangGraph can say."""
    if command.seen.head is None:
        return Head(fresh=True)
    return Head(**command.seen.state) if command.seen.state else None


def _head(graph: Compiled, config: RunnableConfig) -> Head:
    state = graph.get_state(config)
    return Head(
        paused={i.id: i.value for i in state.interrupts},
        finished=not state.next,
        round=state.values.get("round", 0),
    )


def _resume(command: Command, head: Head) -> Any:
    if not head.paused:
        return _NOTHING if head.finished else None
    decided = command.seen.answer
    if decided is None or decided["interrupt_id"] not in head.paused:
        return _NOTHING  # answered already: the case is paused somewhere else by now
    answer = {"decision_id": decided["decision_id"], "decision": decided["decision"]}
    return Resume(resume={decided["interrupt_id"]: answer})


def _broke(run: Run, trouble: Exception) -> str:
    """Postpone, try again, or fail: in one transaction, which a lost lease makes void."""
    try:
        run.claim()
        trouble = _written(run) or trouble
        with run.store.transaction() as tx:
            return _follow(tx, run.command, trouble)
    except (Fenced, Unavailable):
        return _fenced(run)


def _fenced(run: Run) -> str:
    return "overtaken" if run.command.late else "fenced"


def _written(run: Run) -> Exception | None:
    """Write down what was done before the trouble; the worse trouble, if that cannot be kept."""
    try:
        run.write_now()
    except (Fenced, Unavailable):
        raise
    except Exception as worse:  # noqa: BLE001 (a row that Postgres cannot hold must not hold up the case for ever)
        return worse
    return None


def _follow(tx: Any, command: Command, trouble: Exception) -> str:
    if isinstance(trouble, Postponed):
        runs.postpone(tx, command, trouble.seconds)
        return "postponed"
    if isinstance(trouble, TargetBusy):
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
