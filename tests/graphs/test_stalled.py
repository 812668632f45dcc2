"""A worker that was stopped past its lease wakes up and writes nothing, at each of its write points.

The hooks stand where a process can be stopped: before the verdict is kept, before an action is put on its way, before
and after its call, and before the run is settled. A second worker takes over and finishes meanwhile.
"""

import threading
from collections.abc import Callable

import pytest

from hitl.platforms.port import Guarantee
from tests.graphs.house import SUPERVISOR, House
from tests.graphs.world import Hook

Point = Callable[[House, Hook | None], None]


def _verdict(house: House, hook: Hook | None) -> None:
    house.analyzer.on_analyze = hook


def _settling(house: House, hook: Hook | None) -> None:
    house.on_settle = hook


def _looking(house: House, hook: Hook | None) -> None:
    house.world.on_read = hook


def _calling(house: House, hook: Hook | None) -> None:
    house.world.before_apply = hook


def _recording(house: House, hook: Hook | None) -> None:
    house.world.after_apply = hook


def _stall(
    house: House, point: Point, command_id: int, *, late: bool = False
) -> tuple[str | None, dict[str, list[bytes]]]:
    """Worker 1 stalls at the point, worker 2 takes over and finishes; what 1 then says, and what 2 had left."""
    left: list[dict[str, list[bytes]]] = []

    def stall() -> None:
        point(house, None)
        house.expire(command_id)
        other = threading.Thread(target=lambda: house.deliver(command_id, "w2"))
        other.start()
        other.join()
        left.append(house.dump())

    point(house, stall)
    said = house.deliver(command_id, "w1", late=late)
    assert left, "the point was never reached"
    return said, left[0]


@pytest.mark.parametrize("point", [_verdict, _settling])
def test_a_stalled_start_writes_nothing(house: House, point: Point) -> None:
    case_id = house.start()
    said, left = _stall(house, point, house.due()[0])
    assert (said, house.dump()) == ("fenced", left)
    assert house.status(case_id) == "waiting_review"
    assert house.told(case_id) == ["case_received", "analysis_started", "analyzed", "review_opened"]


def test_a_quick_start_that_nobody_has_claimed_yet_writes_nothing_either(house: House) -> None:
    house.analyzer.quick = True
    case_id = house.start()
    said, left = _stall(house, _settling, house.due()[0], late=True)
    assert (said, house.dump()) == (None, left), "it finds that there is nothing left to claim"
    assert house.command(case_id)["attempts"] == 1
    assert house.told(case_id) == ["case_received", "analysis_started", "analyzed", "review_opened"]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("point", [_looking, _calling, _recording, _settling])
@pytest.mark.parametrize("guarantee", ["key", "query", "none"])
def test_a_stalled_resume_writes_nothing(house: House, point: Point, guarantee: Guarantee, *, late: bool) -> None:
    house.world.guarantee = guarantee
    case_id = house.waiting()
    house.decide(case_id)
    said, left = _stall(house, point, house.due()[0], late=late)
    assert (said, house.dump()) == (None if late and point is _looking else "fenced", left)
    house.insist()  # where the platform can only be asked, what it does not know yet is not sent again at once
    broke_off = guarantee == "none" and point in (_calling, _recording)
    assert house.status(case_id) == ("failed" if broke_off else "completed")
    kinds = ["remove_content", "warn_author", "notify_author"]
    assert house.world.did() == (kinds[:1] if broke_off else kinds)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("point", [_looking, _calling, _recording, _settling])
def test_a_stalled_rollback_writes_nothing(house: House, point: Point, *, late: bool) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    said, left = _stall(house, point, house.due()[0], late=late)
    assert (said, house.dump()) == (None if late and point is _looking else "fenced", left)
    assert house.status(case_id) == "waiting_review"
    assert sorted(house.world.did("reverse")) == ["notify_author", "remove_content", "warn_author"]


def test_a_stalled_resume_whose_case_went_on_to_the_next_round_writes_nothing(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    command_id = house.due()[0]

    def stall() -> None:
        house.world.after_apply = None
        house.expire(command_id)
        other = threading.Thread(target=lambda: _finish_and_appeal(house, command_id, case_id))
        other.start()
        other.join()

    house.world.after_apply = stall
    assert house.deliver(command_id, "w1") == "fenced"
    review = house.show(case_id)["review"]
    assert (review["status"], review["round"]) == ("open", 2)
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    assert house.show(case_id)["outcome"] == "kept"


def _finish_and_appeal(house: House, command_id: int, case_id: str) -> None:
    house.deliver(command_id, "w2")
    house.rollback(case_id)
    house.drain("w2")


def test_a_run_whose_lease_ran_out_stops_even_when_nobody_took_over(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    house.world.before_apply = house.expire
    assert house.deliver(house.due()[0]) == "fenced"
    assert house.actions(case_id)["remove_content"] == "sending"
    house.world.before_apply = None
    house.adopt()
    assert house.insist() == ["done"]
    assert house.world.did() == ["remove_content", "warn_author", "notify_author"]


def test_a_live_lease_turns_a_second_delivery_away_uncounted(house: House) -> None:
    house.start()
    run = house.claim(house.due()[0])
    assert house.deliver(run.command_id, "w2") is None
    assert house.command(run.case_id)["attempts"] == 1
    assert house.runner().run(run) == "done"


def test_a_run_that_stalled_may_not_put_its_command_back(house: House) -> None:
    case_id = house.start()
    run = house.claim(house.due()[0])
    house.expire()
    later = house.claim(run.command_id, "w2")
    before = house.dump()
    house.analyzer.always = RuntimeError("broken")
    assert house.runner().run(run) == "fenced"
    assert house.dump() == before
    assert house.runner("w2").run(later) == "done"
    assert house.show(case_id)["verdict"]["unavailable"]


def test_a_stray_checkpoint_from_a_fast_clock_hides_no_review(house: House) -> None:
    case_id = house.waiting()
    house.sql(
        """insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint,
                                    metadata)
        select thread_id, checkpoint_ns, 'fff00000-0000-6000-8000-000000000000', checkpoint_id, type,
               jsonb_set(checkpoint, '{id}', '"fff00000-0000-6000-8000-000000000000"'), metadata from checkpoints"""
    )
    house.decide(case_id)
    assert house.drain() == ["done"]
    house.rollback(case_id)
    assert house.drain() == ["done"]
    assert (house.status(case_id), house.show(case_id)["round"]) == ("waiting_review", 2)
