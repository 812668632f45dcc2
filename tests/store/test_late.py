"""A run claims with its first write: until then nothing is written, and whoever writes first has claimed."""

import threading
from contextlib import nullcontext
from dataclasses import replace

import pytest

from hitl.domain.commands import Command
from hitl.errors import Fenced
from hitl.graphs.registry import VERSIONS
from hitl.graphs.run import Run
from hitl.operations import runs
from hitl.store import claims
from tests.graphs import brought
from tests.graphs.appeals import held_appeal
from tests.graphs.house import MODERATOR, House, edit
from workers.leases import Leases


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


def test_who_looked_before_a_settling_began_waits_for_it_though_it_looks_again(house: House) -> None:
    """What is undone for a decision on an appeal is looked for again by its run, which has claimed nothing yet."""
    case_id, command_id = held_appeal(house)
    command = house.runner().begin(command_id, "w1", kind="resume", late=True)
    assert command
    assert command.late
    house.settle(house.action(case_id, "remove_content")["action_id"], "overwrite")
    settling = house.claim(house.command(case_id, "settle")["command_id"], "w2")
    before = house.dump()
    assert house.runner().run(command) == "overtaken"
    assert house.dump() == before
    assert house.runner("w2").run(settling) == "done"
    assert house.insist() == ["done"]
    assert (house.status(case_id), house.world.overlap) == ("completed", 1)


def test_who_hands_back_what_another_has_claimed_takes_nothing_away(house: House) -> None:
    case_id, command_id = _case(house, "resume")
    late = _late(house, command_id)
    assert late
    claimed = house.claim(command_id, "w2")
    assert claimed.epoch == late.epoch
    with house.store.transaction() as tx:
        runs.hand_back(tx, late)
    assert (house.command(case_id)["state"], house.command(case_id)["owner"]) == ("claimed", "w2")


def test_a_lease_is_kept_though_another_run_of_its_command_ends_here(house: House) -> None:
    _, command_id = _case(house, "resume")
    late = _late(house, command_id)
    assert late
    leases = Leases(house.store, "w1")
    with leases.holding(house.claim(command_id)):
        with leases.holding(late):
            pass
        assert [held.command_id for held in leases.held()] == [command_id]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("kind", ["resume", "rollback"])
def test_a_platform_that_takes_its_time_is_asked_behind_a_claim(house: House, kind: str, *, quick: bool) -> None:
    case_id, command_id = _case(house, kind)
    house.world.quick = quick
    seen: list[str] = []

    def look() -> None:
        seen.append(house.command(case_id)["state"])

    told: list[Command] = []
    house.world.on_read = look
    command = house.runner().begin(command_id, "w1", kind=kind, late=True)
    assert command
    assert house.runner().run(command, claimed=told.append) == "done"
    assert set(seen) == {"ready" if quick else "claimed"}
    assert told == [replace(command, late=False)], "whoever handed it out hears of it, once"


def test_a_graph_that_stores_each_of_its_steps_is_claimed_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, command_id = _case(house, "resume")
    stepwise = {label: replace(version, durability="sync") for label, version in VERSIONS.items()}
    monkeypatch.setattr("hitl.graphs.runner.VERSIONS", stepwise)
    command = house.runner().begin(command_id, "w1", kind="resume", late=True)
    assert command
    assert not command.late
