"""`python -m pytest bench/micro`: what each hot operation takes, so that a regression is seen.

`--benchmark-autosave` keeps a run, `--benchmark-compare` compares the next one with it. Times hang on the machine and
on what else runs there: compare runs of one quiet machine. HTTP's part is `test_http.py`, the desk's CPU `http.py`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from bench.growth.core import AUTHOR, MODERATOR, Core, Due
from hitl.analyzers.local import LocalAnalyzer
from hitl.analyzers.port import Analyzer
from hitl.domain.commands import Command
from hitl.domain.verdicts import Post
from hitl.operations import runs, show
from hitl.operations.rollback import rollback
from hitl.operations.runs import Head
from hitl.store import policies

ROUNDS = 50
SHORT = "What a silly hat you wore to the garden party; even the scarecrow looked away."


def measure(benchmark: Any, act: Callable[..., Any], setup: Callable[[], Any]) -> None:
    """Measure `act` on what `setup` makes anew each time."""
    benchmark.pedantic(act, setup=lambda: ((setup(),), {}), rounds=ROUNDS, warmup_rounds=2)


def _started(core: Core) -> Due:
    core.start()
    return core.take()[0]


def _decided(core: Core, decision: str) -> str:
    case_id = core.paused()
    core.decide(case_id, _review(core, case_id), decision)
    return case_id


def _review(core: Core, case_id: str) -> str:
    return str(core.status(case_id)["review"]["review_id"])


def _begun(core: Core) -> Command:
    return core.claim(core.take()[0], late=True)


def test_start(benchmark: Any, core: Core) -> None:
    benchmark.pedantic(core.start, rounds=ROUNDS, warmup_rounds=2)


def test_relay_takes_one(benchmark: Any, core: Core) -> None:
    measure(benchmark, lambda _: core.take(), core.start)


def test_relay_takes_nothing(benchmark: Any, core: Core) -> None:
    benchmark(core.take)


def test_claim(benchmark: Any, core: Core) -> None:
    measure(benchmark, core.claim, lambda: _started(core))


def test_look_of_a_run_that_claims_later(benchmark: Any, core: Core) -> None:
    measure(benchmark, lambda due: core.claim(due, late=True), lambda: _started(core))


def test_run_that_pauses(benchmark: Any, core: Core) -> None:
    measure(benchmark, core.run, lambda: core.claim(_started(core), late=True))


def test_settle(benchmark: Any, core: Core) -> None:
    """The transaction that ends a run: here one that had nothing left to write, of a case whose review is open."""

    def finished() -> Command:
        _decided(core, "reject")
        return core.claim(core.take()[0])

    def settle(command: Command) -> None:
        with core.store.transaction() as tx:
            assert runs.settle(tx, command, Head(finished=True, round=1), [])

    measure(benchmark, settle, finished)


def test_decide(benchmark: Any, core: Core) -> None:
    def waiting() -> tuple[str, str]:
        case_id = core.paused()
        return case_id, _review(core, case_id)

    def decide(waiting: tuple[str, str]) -> None:
        core.decide(*waiting, "edit")

    measure(benchmark, decide, waiting)


def test_run_that_carries_out_one_action(benchmark: Any, core: Core) -> None:
    def decided() -> Command:
        _decided(core, "edit")
        return _begun(core)

    measure(benchmark, core.run, decided)


def test_rollback(benchmark: Any, core: Core) -> None:
    def appeal(case_id: str) -> None:
        with core.store.transaction() as tx:
            rollback(tx, AUTHOR, case_id, "It was a joke between friends.")

    measure(benchmark, appeal, core.acted)


def test_run_that_reverses_one_action(benchmark: Any, core: Core) -> None:
    def appealed() -> Command:
        core.rollback(core.acted())
        return _begun(core)

    measure(benchmark, core.run, appealed)


def test_status(benchmark: Any, core: Core) -> None:
    case_id = core.whole()
    benchmark(core.status, case_id)


def test_status_by_its_mark(benchmark: Any, core: Core) -> None:
    case_id = core.whole()

    def mark() -> None:
        with core.store.statement() as tx:
            show.mark(tx, MODERATOR, case_id)

    benchmark(mark)


def test_queue_page(benchmark: Any, core: Core) -> None:
    for _ in range(50):
        core.paused()

    def page() -> None:
        with core.store.statement() as tx:
            assert len(show.page(tx, MODERATOR, status="waiting_review", limit=50, cursor=None)["cases"]) == 50

    benchmark(page)


@pytest.fixture(scope="session")
def local() -> Analyzer:
    return LocalAnalyzer()


def test_local_analyzer_on_a_short_post(benchmark: Any, core: Core, local: Analyzer) -> None:
    with core.store.transaction() as tx:
        newest = tx.all(policies.NEWEST, {"policy": "default", "tenant_id": "default"})[0]["version"]
        policy_set = policies.get(tx, "default", "default", newest)
    benchmark(local.analyze, Post(SHORT), policy_set)
