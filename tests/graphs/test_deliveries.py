"""Deliveries that are doubled, late or out of order change nothing: a resume answers its own interrupt, once."""

import itertools
from collections.abc import Callable

import pytest

from tests.graphs.house import AUTHOR, MODERATOR, SUPERVISOR, Crash, House


def _force(house: House, command_id: int) -> None:
    """Worse than any broker: a command that is long finished is due once more."""
    house.sql(
        "update commands set state = 'ready', finished_at = null, owner = null, lease_until = null"
        " where command_id = %s",
        (command_id,),
    )


def test_every_command_delivered_twice_changes_nothing_the_second_time(house: House) -> None:
    case_id = house.start()
    steps: list[Callable[[], object]] = [
        lambda: house.decide(case_id, by=MODERATOR),
        lambda: house.rollback(case_id, by=AUTHOR),
        lambda: house.decide(case_id, "approve", by=SUPERVISOR),
    ]
    for step in steps:
        (command_id,) = house.due()
        assert house.deliver(command_id) == "done"
        before = house.dump()
        assert [house.deliver(command_id, w) for w in ("w1", "w2")] == [None, None]
        assert house.dump() == before
        step()
    house.drain()
    assert house.world.did() == ["remove_content", "warn_author", "notify_author"] * 2
    assert len(house.world.did("reverse")) == 3


@pytest.mark.parametrize("kind", ["start", "resume", "rollback"])
def test_an_old_command_does_not_answer_the_next_review(house: House, kind: str) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    done, events = list(house.world.done), house.events(case_id)
    review = house.show(case_id)["review"]
    _force(house, house.command(case_id, kind)["command_id"])
    assert house.drain() == ["done"]
    assert house.show(case_id)["review"] == review
    assert (review["status"], review["round"]) == ("open", 2)
    assert (house.world.done, house.events(case_id)) == (done, events)


@pytest.mark.parametrize("order", list(itertools.permutations(["start", "resume", "rollback"])))
def test_old_commands_in_any_order_change_nothing_at_the_end(house: House, order: tuple[str, ...]) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    house.drain()
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    done, events = list(house.world.done), house.events(case_id)
    for kind in order:
        _force(house, house.rows("select min(command_id) as c from commands where kind = %s", (kind,))[0]["c"])
        house.drain()
    assert (house.world.done, house.events(case_id)) == (done, events)
    assert house.show(case_id)["outcome"] == "kept"


def test_a_late_command_of_another_case_leaves_this_one_alone(house: House) -> None:
    first, second = house.waiting(), house.waiting()
    house.decide(first)
    before = house.events(second)
    house.drain()
    assert house.events(second) == before
    assert house.status(second) == "waiting_review"


def test_a_command_that_does_not_exist_is_nothing(house: House) -> None:
    assert house.deliver(4_711) is None


@pytest.mark.parametrize(("usage", "calls"), [({"total_tokens": 9}, 1), ({}, 2)], ids=["paid", "unpaid"])
def test_a_run_that_ended_before_it_was_settled_is_run_again_and_pays_once(
    house: House, usage: dict[str, int], calls: int
) -> None:
    house.analyzer.usage = usage
    case_id = house.start()
    (command_id,) = house.due()
    house.on_settle = house.crash
    house.crashing(command_id)
    assert (house.status(case_id), house.show(case_id)["review"]) == ("analyzing", None)
    house.on_settle = None
    assert house.deliver(command_id, "w2") == "done"
    assert house.status(case_id) == "waiting_review"
    assert house.analyzer.calls == calls


@pytest.mark.parametrize("crashes", [1, 2, 4])
def test_a_run_that_dies_again_and_again_ends_as_if_it_never_had(house: House, crashes: int) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    (command_id,) = house.due()
    house.world.after_apply = house.crash
    for _ in range(crashes):
        house.crashing(command_id)
    house.world.after_apply = None
    assert house.deliver(command_id) == "done"
    assert house.world.did() == ["remove_content", "warn_author", "notify_author"]
    assert house.show(case_id)["outcome"] == "actioned"


def test_a_run_that_never_comes_to_its_end_fails_with_its_cause(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    (command_id,) = house.due()
    house.world.before_apply = house.crash
    for _ in range(5):
        house.crashing(command_id)
    assert house.deliver(command_id) is None
    shown = house.show(case_id)
    assert (shown["status"], shown["error"]["cause"]) == ("failed", "attempts-used-up")
    assert shown["needs_attention"]
    assert house.actions(case_id)["remove_content"] == "unknown"


def test_the_crash_of_these_tests_is_a_crash(house: House) -> None:
    house.start()
    house.analyzer.on_analyze = house.crash
    before = house.dump()
    with pytest.raises(Crash):
        house.runner().run(house.claim(house.due()[0]))
    assert house.dump()["checkpoints"] == before["checkpoints"] == []
