"""What may happen between the look at a target and the sending: whichever way is taken, it is sent as it should be."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from hitl.store.postgres import Store
from tests.graphs.house import SUPERVISOR, House, edit
from tests.graphs.troubled import while_it_looks

POST = "post:p"


def _decided(house: House, n: int = 1) -> tuple[str, int]:
    """A decision about the one post that all share, that is still to be carried out."""
    case_id = house.waiting(content=f"text {n}", content_id="p")
    house.decide(case_id, "edit", actions=edit("remove_content"))
    return case_id, house.command(case_id)["command_id"]


def _together(gate: threading.Barrier) -> Callable[[], None]:
    """Both have looked before one of them goes on."""

    def wait() -> None:
        with suppress(threading.BrokenBarrierError):
            gate.wait(0.5)

    return wait


class _Counting(Store):
    """Counts the transactions that are more than a statement."""

    begun = 0

    def transaction(self, name: str | None = None) -> Any:
        self.begun += 1
        return super().transaction(name)


def test_an_action_is_sent_without_a_transaction_around_it(house: House) -> None:
    house.store.close()
    house.store = counting = _Counting(house.url, size=12)
    begun: list[int] = []
    house.world.before_apply = lambda: begun.append(counting.begun)
    case_id, command_id = _decided(house)
    command, counting.begun = house.claim(command_id), 0
    assert house.runner().run(command) == "done"
    house.rollback(case_id, by=SUPERVISOR)
    command, counting.begun = house.claim(house.command(case_id)["command_id"]), 0
    assert house.runner().run(command) == "done"
    assert begun == [0, 0]  # until the call was made
    assert house.actions(case_id) == {"remove_content": "reversed"}


def test_a_lease_lost_while_it_looked_sends_nothing_and_calls_nobody(house: House) -> None:
    case_id, command_id = _decided(house)
    while_it_looks(house, house.expire)
    assert house.deliver(command_id, late=False) == "fenced"
    assert (house.world.calls, house.told(case_id)[-1]) == ([], "review_decided")
    assert house.rows("select status, called, sent_at from actions") == [
        {"status": "planned", "called": False, "sent_at": None}
    ]
    house.adopt()
    house.insist()
    assert (house.world.did(), house.actions(case_id)) == (["remove_content"], {"remove_content": "applied"})


def test_a_case_that_moved_on_while_it_looked_is_sent_the_long_way(house: House) -> None:
    case_id, command_id = _decided(house)
    while_it_looks(house, lambda: house.sql("update cases set version = version + 7"))
    assert house.deliver(command_id) == "done"
    assert (len(house.world.calls), house.actions(case_id)) == (1, {"remove_content": "applied"})
    events = house.events(case_id)
    assert [event["type"] for event in events].count("action_sent") == 1
    assert house.show(case_id)["version"] == events[-1]["seq"] == len(events) + 7


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_comes_second_to_a_target_waits_and_finds_what_the_first_has_done(house: House, when: str) -> None:
    """The first is the end of an older removal, so that what it leaves is what the second finds."""
    older = house.acted("edit", content="text 0", content_id="p", actions=edit("remove_content"))
    case_id, command_id = _decided(house)
    house.rollback(older, by=SUPERVISOR)
    first = house.command(older)["command_id"]
    order: list[str] = []

    def ends() -> None:
        house.world.before_apply, house.world.after_apply = None, None
        order.append(str(house.deliver(command_id, "w2")))

    if when == "before":
        house.world.before_apply = ends
    else:
        house.world.after_apply = ends
    assert house.deliver(first) == "done"
    assert order == ["target-busy"]  # whichever side of the effect it is: the first is still on its way
    house.insist()
    assert house.world.overlap == 1
    assert house.world.did("reverse") == ["remove_content"]
    assert house.action(case_id, "remove_content")["before"] is None
    assert house.world.shows(POST) == {"remove_content": {"removed": True}}
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    assert house.world.shows(POST) == {}


@pytest.mark.parametrize("rounds", [3])
def test_of_those_who_set_out_for_a_target_at_once_each_finds_what_came_before(house: House, rounds: int) -> None:
    for n in range(rounds):
        first, _ = _decided(house, 2 * n)
        second, _ = _decided(house, 2 * n + 1)
        house.world.on_read = _together(threading.Barrier(2))
        house.deliver_at_once()
        house.world.on_read = None
        house.insist()
        assert house.world.overlap == 1
        assert house.actions(first) == house.actions(second) == {"remove_content": "applied"}
        for case_id in (first, second):
            assert house.action(case_id, "remove_content")["before"] is None
            house.rollback(case_id, by=SUPERVISOR)
            house.insist()
        assert house.world.shows(POST) == {}
