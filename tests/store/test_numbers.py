"""What operators watch: counted from rows and events, each event once, and from indexes."""

import pytest

from hitl.store import numbers
from hitl.store.numbers import Totals
from hitl.telemetry.metrics import LATENCY_MS, Numbers
from tests.graphs.conftest import house, house_url
from tests.graphs.house import House, edit

__all__ = ["house", "house_url"]


def _numbers(of: House, totals: Totals) -> Numbers:
    assert totals.catch_up(of.store, 20)
    with of.store.transaction() as tx:
        return numbers.numbers(tx, totals)


def test_what_happened_is_summed_up_and_what_waits_is_counted(house: House) -> None:
    house.world.refused_kinds = {"remove_content"}
    house.acted("edit", actions=edit("remove_content", "warn_author"))
    house.waiting(content="another")
    house.start("a third")
    found = _numbers(house, Totals())
    assert found.decisions == {("edit",): 1}
    assert found.cases_ended == {("actioned",): 1}
    assert found.effects == {
        ("remove_content", "forward", "refused"): 1,
        ("warn_author", "forward", "applied"): 1,
    }
    assert (found.commands_waiting, found.reviews_waiting) == ({("start",): 1}, {("1", "open"): 1})
    assert found.actions_unsettled == {("remove_content", "refused"): 1}
    assert found.commands_oldest_seconds > 0
    assert found.reviews_oldest_seconds > 0


def test_latencies_are_a_histogram(house: House) -> None:
    for n in range(3):
        house.waiting(content=f"text {n}")
    house.sql("update events set data = data || '{\"latency_ms\": 10}' where type = 'analyzed'")
    house.sql("update events set data = data || '{\"latency_ms\": 40000}' where type = 'analyzed' and case_id ="
              " (select case_id from events limit 1)")  # fmt: skip
    found = _numbers(house, Totals()).analyzers["fake@1"]
    assert (found.count, found.sum_ms) == (3, 40_020)
    assert found.at_most == (0, *[2] * (len(LATENCY_MS) - 1))


def test_each_event_counts_once_however_often_one_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    totals = Totals()
    for n in range(3):
        house.acted(content=f"text {n}")
        for _ in range(2):
            assert _numbers(house, totals).decisions == {("approve",): n + 1}
    monkeypatch.setattr(numbers, "CHUNK", 2)
    assert _numbers(house, Totals()).decisions == {("approve",): 3}


def test_failed_and_parked_cases_are_counted(house: House) -> None:
    case_id = house.start()
    house.sql("update cases set status = 'failed', error = '{}' where case_id = %s", (case_id,))
    assert _numbers(house, Totals()).cases_stopped == {("failed",): 1}
