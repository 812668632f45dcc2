"""What a claim has brought along is not looked for again, and counts only while the case is as it was."""

from collections.abc import Callable
from typing import Any

import pytest

from hitl.domain.events import WORKER, Fact
from hitl.store import cases
from hitl.store.lines import Line
from tests.graphs.appeals import held_appeal
from tests.graphs.house import MODERATOR, SUPERVISOR, House, edit
from tests.graphs.watched import Watched


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """How many statements something takes."""
    statements: list[str] = []
    execute = Line.execute

    def counted(line: Line, query: Any, *given: Any, **more: Any) -> Any:
        statements.append(query)
        return execute(line, query, *given, **more)

    def count(work: Callable[[], object]) -> int:
        statements.clear()
        work()
        return len(statements)

    monkeypatch.setattr(Line, "execute", counted)
    return count


def test_a_run_is_its_claim_its_calls_and_its_settling(house: House, asked: Callable[..., int]) -> None:
    house.analyzer.quick = True
    house.waiting()  # the statements are planned, and the policies known
    case_id = house.start()
    assert _run(house, asked) == 2
    house.decide(case_id, "edit", actions=edit("remove_content"))
    assert _run(house, asked) == 4, "what takes the target and what writes the before-image are one packet"
    house.rollback(case_id)
    assert _run(house, asked) == 4
    house.decide(case_id, "reject", by=SUPERVISOR)
    assert _run(house, asked) == 2
    assert house.show(case_id)["outcome"] == "kept"


def _run(house: House, asked: Callable[..., int]) -> int:
    (command_id,) = house.due()
    kind = house.kind(command_id)

    def run() -> None:
        command = house.runner().begin(command_id, "w1", kind=kind)
        assert command is not None
        assert house.runner().run(command) == "done"

    return asked(run)


@pytest.mark.parametrize("kind", ["resume", "rollback"])
def test_what_happens_to_the_case_meanwhile_is_not_written_over(house: House, watched: Watched, kind: str) -> None:
    case_id = house.waiting() if kind == "resume" else house.acted("edit", actions=edit("remove_content"))
    if kind == "resume":
        house.decide(case_id, "edit", actions=edit("remove_content"), by=MODERATOR)
    else:
        house.rollback(case_id)
    watched.took_transactions()

    def noted() -> None:
        house.on_settle = None
        with house.store.transaction() as tx:
            cases.record(tx, cases.lock(tx, case_id), [Fact("case_escalated", WORKER, {})])

    house.on_settle = noted
    assert house.drain() == ["done"]
    assert watched.took_transactions(), "the case has moved on behind what the claim saw"
    events = house.events(case_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events].count("case_escalated") == 1
    ends = {"resume": ("completed", "actioned"), "rollback": ("waiting_review", None)}
    shown = house.show(case_id)
    assert (shown["status"], shown["outcome"]) == ends[kind]


def test_what_was_tried_before_is_known_as_it_is_now(house: House, watched: Watched) -> None:
    """A second attempt stands on what its own claim saw."""
    case_id = house.waiting()
    house.decide(case_id, "edit", actions=edit("remove_content"))
    house.world.after_apply = house.crash
    (command_id,) = house.due()
    assert house.crashing(command_id) is None
    house.world.after_apply = None
    watched.took_transactions()
    assert house.deliver(command_id) == "done"
    assert house.actions(case_id) == {"remove_content": "applied"}
    assert (house.show(case_id)["outcome"], len(house.world.done)) == ("actioned", 1)


def test_what_a_person_settles_behind_the_claim_makes_the_outcome(house: House) -> None:
    """A reversal that is looked for finds the case as it is; what the claim brought along is older than that."""
    case_id, command_id = held_appeal(house)
    command = house.claim(command_id)
    house.settle(house.action(case_id, "remove_content")["action_id"], "happened")
    assert house.runner().run(command) == "done"
    assert house.actions(case_id) == {"remove_content": "reversed", "suspend_author": "reversed"}
    assert house.show(case_id)["outcome"] == "kept"
