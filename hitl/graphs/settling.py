"""The end of a run: its checkpoint and the rows that follow from it, in one commit."""

from collections.abc import Sequence
from dataclasses import asdict

from hitl import failpoints
from hitl.domain.events import Fact
from hitl.domain.people import Person
from hitl.graphs.run import Run
from hitl.operations import runs
from hitl.operations.runs import Head
from hitl.store.checkpoints import FencedSaver
from hitl.store.postgres import Tx
from hitl.store.proof import MovedOn


def settle(run: Run, head: Head, saver: FencedSaver, people: Sequence[Person]) -> None:
    """Write where the graph stands, what the run has left to write, and what follows; Fenced without a lease."""
    if not _alone(run, head, saver, people):
        _in_a_transaction(run, head, saver, people)
    run.caught_up()
    failpoints.hit("after_commit:checkpoint")


def _alone(run: Run, head: Head, saver: FencedSaver, people: Sequence[Person]) -> bool:
    if not saver.rides:
        return False

    def first(tx: Tx) -> list[Fact]:
        facts = run.ride_along(tx)
        saver.write(tx, asdict(head))
        return facts

    try:
        with run.store.statement() as tx:
            return runs.settle_alone(tx, run.command, head, people, known=run.case, left=run.left, first=first)
    except MovedOn:
        return False  # who else has been there is found out with the case locked


def _in_a_transaction(run: Run, head: Head, saver: FencedSaver, people: Sequence[Person]) -> None:
    def first(tx: Tx) -> list[Fact]:
        facts = run.catch_up(tx)
        saver.write(tx, asdict(head))
        return facts

    run.claim()
    with run.store.transaction("settle") as tx:
        settled = runs.settle(tx, run.command, head, people, first=first)
    if not settled:
        raise RuntimeError("the graph stopped without pausing or finishing")
