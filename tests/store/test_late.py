"""A run claims with its first write: until then nothing is written, and whoever writes first has claimed."""

import threading
from contextlib import nullcontext
from dataclasses import replace

import pytest

from hitl.domain.commands import Command
from hitl.errors import Fenced
from hitl.graphs.run import Run
from hitl.store import claims
from tests.graphs import brought
from tests.graphs.house import MODERATOR, House, edit


def _late(house: House, command_id: int, owner: str = "w1") -> Command | None:
    with house.store.statement() as tx:
        kind, serves = house.kind(command_id), house.runner().serves
        return claims.late(tx, command_id, owner=owner, serves=serves, kind=kind)


def _case(house: House, kind: str) -> tuple[str, int]:
    """A case that has this to do next, and that command."""
    if kind == "start":
        case_id = house.start()
    elif kind == "resume":
        case_id = house.waiting()
        house.decide(case_id, "edit", actions=edit("remove_content"), by=MODERATOR)
    else:
        case_id = house.acted("edit", actions=edit("remove_content"))
        house.rollback(case_id)
    (command_id,) = house.due()
    return case_id, command_id


@pytest.mark.parametrize("kind", ["start", "resume", "rollback"])
def test_it_sees_and_makes_of_it_what_a_claim_does_and_writes_nothing(house: House, kind: str) -> None:
    _, command_id = _case(house, kind)
    before = house.dump()
    late = _late(house, command_id)
    assert house.dump() == before
    assert late is not None
    assert late.late
    with house.store.statement() as tx:
        claimed = claims.at_once(
            tx, command_id, owner="w1", serves=house.runner().serves, begins=None, kind=house.kind(command_id)
        )
    assert replace(late, late=False) == claimed
    brought.checked(house.store, late)


@pytest.mark.parametrize(
    "unusual",
    [
        "update commands set attempts = 1",
        "update commands set lost = 1",
        "update commands set publishes = 2",
        "update commands set state = 'claimed', owner = 'w2', lease_until = now() where finished_at is null",
        "update commands set available_at = now() + interval '1 minute'",
        "update commands set graph_version = 'other'",
        "update commands set state = 'done', finished_at = now()",
        "update cases set status = 'needs_migration', parked_from = 'executing'",
    ],
)
@pytest.mark.parametrize("kind", ["start", "resume", "rollback"])
def test_what_may_have_been_begun_before_is_claimed_at_once(house: House, kind: str, unusual: str) -> None:
    _, command_id = _case(house, kind)
    house.sql(unusual)
    assert _late(house, command_id) is None


def test_a_settling_and_what_is_due_beside_one_are_claimed_at_once(house: House) -> None:
    _case(house, "resume")
    house.sql(
        "insert into commands (case_id, kind, graph, graph_version) select case_id, 'settle', 'g', '1' from cases"
    )
    assert [_late(house, command_id) for command_id in house.due()] == [None, None]


@pytest.mark.parametrize("settled", [False, True])
def test_one_run_of_two_that_have_seen_the_same_claims(house: House, *, settled: bool) -> None:
    """Neither has claimed; one writes first, or a person settles something of the case in between."""
    case_id, command_id = _case(house, "resume")
    first, second = _late(house, command_id), _late(house, command_id, "w2")
    assert first
    assert second
    if settled:
        house.sql("update cases set version = version + 1")
    with pytest.raises(Fenced) if settled else nullcontext():
        Run(house.store, first).claim()
    with pytest.raises(Fenced):
        Run(house.store, second).claim()
    row = house.command(case_id)
    found = (row["state"], row["owner"], row["epoch"], row["attempts"])
    assert found == (("ready", None, 0, 0) if settled else ("claimed", "w1", 1, 1))


def test_many_that_have_seen_the_same_carry_it_out_once(house: House) -> None:
    case_id, command_id = _case(house, "resume")
    seen = [_late(house, command_id, f"w{n}") for n in range(6)]
    start, ends = threading.Barrier(6), list[str]()

    def run(command: Command) -> None:
        start.wait()
        ends.append(house.runner(str(command.owner)).run(command))

    threads = [threading.Thread(target=run, args=[command]) for command in seen if command]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["done", *["overtaken"] * 5]
    assert house.world.did() == ["remove_content"]
    assert house.told(case_id).count("action_sent") == house.told(case_id).count("case_completed") == 1


def test_a_bug_before_the_first_write_is_counted(house: House) -> None:
    """A graph that raises has begun, and is tried no more often than another."""
    case_id, command_id = _case(house, "resume")
    house.world.on_read = _broken
    house.deliver(command_id)
    row = house.command(case_id)
    assert (row["state"], row["attempts"]) == ("ready", 1)
    house.world.on_read = None
    assert house.insist() == ["done"]


def _broken() -> None:
    raise RuntimeError("broken")
