"""Carries cases on as a worker would, by the same operations and without LangGraph: what the desk shows is rows."""

from hitl.domain.commands import Command
from hitl.domain.people import Person
from hitl.domain.verdicts import Finding, Span, Verdict
from hitl.operations import analysis, runs
from hitl.operations.runs import Head
from hitl.runtime import Runtime
from hitl.store import claims
from hitl.store.postgres import Tx


def to_review(runtime: Runtime, case_id: str) -> str:
    """Let the case be suspected and wait for people; the id of its review."""
    with runtime.store.transaction() as tx:
        row = tx.one("select command_id from commands where case_id = %s and state = 'ready'", (case_id,))
        assert row is not None
        command = runs.begin(tx, row["command_id"], owner="test", serves=_serves(tx, case_id))
        assert command is not None
        _suspect(tx, command)
        runs.settle(tx, command, Head(paused={f"interrupt-{command.command_id}": {}}), _people(runtime))
        found = tx.one("select review_id from reviews where case_id = %s order by opened_at desc limit 1", (case_id,))
    assert found is not None
    return str(found["review_id"])


def to_end(runtime: Runtime, case_id: str) -> None:
    """Let the case's command end in a finished graph, its planned actions applied."""
    with runtime.store.transaction() as tx:
        tx.execute(
            "update actions set status = 'applied', applied_at = now() where case_id = %s and status = 'planned'",
            (case_id,),
        )
        row = tx.one("select command_id from commands where case_id = %s and state = 'ready'", (case_id,))
        assert row is not None
        command = claims.claim(tx, row["command_id"], owner="test", serves=_serves(tx, case_id))
        assert command is not None
        runs.settle(tx, command, Head(finished=True), _people(runtime))


def _suspect(tx: Tx, command: Command) -> None:
    found = analysis.subject(tx, command.case_id)
    if found.kept is None:
        verdict = Verdict(True, (Finding("harassment", 2, 0.93, (Span(0, 4),)),), "Insulting words.", "test-1")
        analysis.left(found, verdict, sampled=False, latency_ms=3).write(tx)


def _serves(tx: Tx, case_id: str) -> list[str]:
    row = tx.one("select graph || '@' || graph_version as v from cases where case_id = %s", (case_id,))
    assert row is not None
    return [str(row["v"])]


def _people(runtime: Runtime) -> list[Person]:
    return runtime.people.everyone()
