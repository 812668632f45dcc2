"""A line that an event loop waits at: what is one statement is done there, and everything else is left to threads."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import pytest

from hitl import failpoints
from hitl.errors import Unavailable
from hitl.operations.backlog import Backlog
from hitl.operations.decide import DecideRequest, decide_alone
from hitl.operations.rollback import rollback_alone
from hitl.operations.start import Arrival, StartRequest
from hitl.store import policies
from hitl.store.at_hand import AtHand, Elsewhere, Quick
from hitl.store.postgres import Store, Tx
from hitl.store.riders import Write
from tests.graphs import recalled
from tests.graphs.house import ADMIN, AUTHOR, MODERATOR, House

ONE = Write("select 1 as one")
SLOW = Write("select pg_sleep(1)")


def on_a_loop(store: Store, work: Callable[[AtHand], Awaitable[Any]]) -> Any:
    """What the work returns, on a loop that has a line at hand."""

    async def run() -> Any:
        at_hand = AtHand(store)
        at_hand.open()
        try:
            await ready(at_hand)
            return await work(at_hand)
        finally:
            await at_hand.close()

    return asyncio.run(run())


async def ready(at_hand: AtHand) -> None:
    """Ask until there is a line."""
    for _ in range(200):
        try:
            await at_hand.first(ONE, soon())
        except Elsewhere:
            await asyncio.sleep(0.01)
        else:
            return
    raise AssertionError("no line was opened")


def soon(seconds: float = 2.0) -> float:
    """A deadline."""
    return monotonic() + seconds


def test_the_first_is_told_to_go_elsewhere_and_the_next_finds_a_line(house: House) -> None:
    async def work(at_hand: AtHand) -> Any:
        other = AtHand(house.store)
        other.open()
        with pytest.raises(Elsewhere):
            await other.first(ONE, soon())
        await other.close()
        return await at_hand.first(Write("select %(n)s::int as n", {"n": 7}), soon())

    assert on_a_loop(house.store, work) == {"n": 7}


def test_a_line_that_cannot_be_set_up_whyever_is_missed_again_and_holds_nobody_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Quick) -> None:
        raise AttributeError("poll")

    async def work(_: AtHand) -> Any:
        other = AtHand(house.store)
        other.open()
        with monkeypatch.context() as patched:
            patched.setattr(Quick, "begin", broken)
            with pytest.raises(Elsewhere):
                await other.first(ONE, soon())
            await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        await ready(other)
        await other.close()

    on_a_loop(house.store, work)


def test_who_finds_the_line_in_use_does_not_wait(house: House) -> None:
    async def work(at_hand: AtHand) -> Any:
        began = monotonic()
        asked = [asyncio.create_task(at_hand.first(SLOW, soon())) for _ in range(3)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert monotonic() - began < 1.9
        return [type(end) for end in ended if isinstance(end, Exception)]

    assert set(on_a_loop(house.store, work)) == {Elsewhere}


def test_a_statement_that_is_not_answered_in_time_is_given_up_with_its_line(house: House) -> None:
    async def work(at_hand: AtHand) -> Any:
        with pytest.raises(Unavailable, match="did not answer in time"):
            await at_hand.first(SLOW, soon(0.1))
        await ready(at_hand)
        return await at_hand.first(ONE, soon())

    assert on_a_loop(house.store, work) == {"one": 1}


def test_a_line_that_was_hung_up_is_found_out_before_it_is_used(house: House) -> None:
    async def work(at_hand: AtHand) -> Any:
        found = await at_hand.first(Write("select pg_backend_pid() as pid"), soon())
        assert found
        house.sql(f"select pg_terminate_backend({found['pid']})")
        await asyncio.sleep(0.2)
        with pytest.raises(Elsewhere):
            await at_hand.first(ONE, soon())
        await ready(at_hand)
        return await at_hand.first(ONE, soon())

    assert on_a_loop(house.store, work) == {"one": 1}


def test_who_is_cancelled_leaves_no_line_in_the_midst_of_a_statement(house: House) -> None:
    async def work(at_hand: AtHand) -> Any:
        task = asyncio.create_task(at_hand.first(SLOW, soon()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ready(at_hand)
        return await at_hand.first(ONE, soon())

    assert on_a_loop(house.store, work) == {"one": 1}


def test_a_post_is_taken_on_by_one_statement_and_one_that_is_there_already_is_left_alone(house: House) -> None:
    backlog = Backlog(100)

    def arrival() -> Arrival:
        return Arrival(AUTHOR, StartRequest("A mild text.", content_id="mine"), backlog)

    async def work(at_hand: AtHand) -> Any:
        with pytest.raises(Elsewhere):  # how many wait has to be counted
            await at_hand.attempt(arrival().opened, soon())
        with house.store.statement() as tx:
            backlog.admit(tx)
        first = await at_hand.attempt(arrival().opened, soon())
        return first, await at_hand.attempt(arrival().opened, soon())

    first, second = on_a_loop(house.store, work)
    assert (first["status"], first["version"], second) == ("received", 1, None)
    assert [row["case_id"] for row in house.rows("select case_id::text from cases")] == [first["case_id"]]
    house.drain()
    assert house.show(first["case_id"])["status"] != "received"


def test_what_was_seen_is_decided_and_what_has_moved_on_since_is_not(house: House) -> None:
    case_id = house.waiting()
    seen = recalled.seen(house.store, case_id, ADMIN)
    asked = DecideRequest(case_id, seen.row["reviews"][0]["review_id"], "approve", reason="An insult.")

    async def work(at_hand: AtHand) -> Any:
        def attempt(tx: Tx) -> dict[str, Any] | None:
            return decide_alone(tx, MODERATOR, asked, seen)

        with pytest.raises(Elsewhere):  # the policies are not known yet
            await at_hand.attempt(attempt, soon())
        with pytest.raises(Elsewhere):  # nothing was seen
            await at_hand.attempt(lambda tx: rollback_alone(tx, AUTHOR, case_id, "because"), soon())
        with house.store.statement() as tx:
            policies.get(tx, seen.case.tenant_id, seen.case.policy, seen.case.policy_version)
        return await at_hand.attempt(attempt, soon()), await at_hand.attempt(attempt, soon())

    house.store.memory.clear()
    done, again = on_a_loop(house.store, work)
    assert (done["status"], again) == ("executing", None)
    assert house.told(case_id).count("review_decided") == 1
    house.drain()
    assert house.show(case_id)["status"] == "completed"


def test_a_failpoint_is_passed_by_a_thread(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(at_hand: AtHand) -> Any:
        monkeypatch.setattr(failpoints, "armed", lambda: True)
        with pytest.raises(Elsewhere):
            await at_hand.attempt(lambda tx: {"never": tx}, soon())

    on_a_loop(house.store, work)


def test_a_line_in_use_when_all_ends_is_hung_up_after_its_answer(house: House) -> None:
    async def work(at_hand: AtHand) -> Any:
        line = at_hand._free
        asked = asyncio.create_task(at_hand.first(Write("select pg_sleep(0.1), 1 as one"), soon()))
        await asyncio.sleep(0.02)
        assert line is not None
        assert not line.closed
        await at_hand.close()
        assert (await asked)["one"] == 1  # type: ignore[index]
        return line.closed, at_hand._free

    assert on_a_loop(house.store, work) == (True, None)


def test_before_it_is_opened_and_after_it_is_closed_there_is_no_line(house: House) -> None:
    async def work(_at_hand: AtHand) -> None:
        other = AtHand(house.store)
        for _ in range(3):
            with pytest.raises(Elsewhere):
                await other.first(ONE, soon())
            await asyncio.sleep(0.02)
        assert other._opening is None

    on_a_loop(house.store, work)


def test_a_write_that_would_be_lost_is_refused(house: House) -> None:
    def twice(tx: Tx) -> bool:
        return tx.end("select 1 as one", None, lambda _: None) and tx.end("select 2 as two", None, lambda _: None)

    def after(tx: Tx) -> bool:
        done = tx.end("select 1 as one", None, lambda _: None)
        tx.along("update cases set cleared = 1")
        return done

    async def work(at_hand: AtHand) -> None:
        with pytest.raises(RuntimeError, match="need a transaction"):
            await at_hand.attempt(twice, soon())
        with pytest.raises(RuntimeError, match="comes before"):
            await at_hand.attempt(after, soon())

    on_a_loop(house.store, work)
