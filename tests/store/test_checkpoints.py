"""The fenced saver: LangGraph's contract is kept, a run without its lease writes nothing, reads start at the head."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import version
from inspect import signature
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate

from hitl.domain.commands import Command
from hitl.errors import Fenced
from hitl.store.checkpoints import FencedSaver
from tests.graphs.house import House

FUTURE = "fff00000-0000-6000-8000-000000000000"  # what a worker with a clock centuries ahead would write


class AsyncFencedSaver(FencedSaver):
    """The suite speaks async only; each call goes to a thread, as LangGraph does it for sync savers."""

    async def aput(self, *args: Any) -> RunnableConfig:
        return await asyncio.to_thread(self.put, *args)

    async def aput_writes(self, *args: Any, **more: Any) -> None:
        await asyncio.to_thread(lambda: self.put_writes(*args, **more))

    async def aget_tuple(self, config: RunnableConfig) -> Any:
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(self, config: RunnableConfig | None, **more: Any) -> AsyncIterator[Any]:
        for found in await asyncio.to_thread(lambda: list(self.list(config, **more))):
            yield found

    async def adelete_thread(self, thread_id: str) -> None:
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        await asyncio.to_thread(lambda: self.prune(thread_ids, strategy=strategy))


def test_the_saver_that_is_subclassed_is_the_one_that_was_read() -> None:
    assert version("langgraph-checkpoint-postgres") == "3.2.0", "read FencedSaver against the new one, then change this"


def test_langgraphs_own_conformance_suite_is_green(house: House) -> None:
    @checkpointer_test(name="FencedSaver")
    async def fenced() -> AsyncIterator[FencedSaver]:
        yield AsyncFencedSaver(house.store.pool, fenced=False)

    report = asyncio.run(validate(fenced))
    failures = {name: result.failures for name, result in report.results.items() if result.failures}
    assert not failures
    assert report.passed_all_base()
    assert report.results["put"].tests_passed > 5
    assert report.results["prune"].tests_passed > 2


@pytest.fixture
def run(house: House) -> Command:
    """A run that holds its lease."""
    house.start()
    return house.claim(house.due()[0])


@pytest.fixture
def saver(house: House, run: Command) -> FencedSaver:
    found = FencedSaver(house.store.pool)
    found.command = run
    return found


def _checkpoint(id_: str | None = None) -> Checkpoint:
    fresh = empty_checkpoint()
    return {**fresh, "id": id_} if id_ else fresh


def _config(run: Command, checkpoint_id: str | None = None) -> RunnableConfig:
    named = {"checkpoint_id": checkpoint_id} if checkpoint_id else {}
    return {"configurable": {"thread_id": run.case_id, "checkpoint_ns": "", **named}}


def _head(saver: FencedSaver, run: Command) -> str | None:
    found = saver.get_tuple(_config(run))
    return found.checkpoint["id"] if found else None


def _takeover(house: House, run: Command) -> None:
    house.expire(run.command_id)
    house.claim(run.command_id, "w2")


def _expiry(house: House, run: Command) -> None:
    house.expire(run.command_id)


def _finish(house: House, run: Command) -> None:
    house.runner().run(run)


def _superseding(house: House, run: Command) -> None:
    case = house.rows("select content_id from cases where case_id = %s", (run.case_id,))[0]
    house.start("another text", content_id=case["content_id"])


ENDS: list[Callable[[House, Command], None]] = [_takeover, _expiry, _finish, _superseding]


@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_lost_its_lease_writes_neither_checkpoints_nor_writes(
    house: House, saver: FencedSaver, run: Command, end: Callable[[House, Command], None]
) -> None:
    put = saver.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    end(house, run)
    before = house.dump()
    with pytest.raises(Fenced):
        saver.put(put, _checkpoint(), {"source": "loop", "step": 1}, {"round": "1"})
    with pytest.raises(Fenced):
        saver.put_writes(put, [("round", 1)], str(uuid4()))
    assert house.dump() == before


def test_a_saver_that_carries_no_run_writes_nothing(house: House, run: Command) -> None:
    idle = FencedSaver(house.store.pool)
    before = house.dump()
    with pytest.raises(Fenced):
        idle.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    with pytest.raises(Fenced):
        idle.put_writes(_config(run, FUTURE), [("round", 1)], str(uuid4()))
    assert house.dump() == before


def test_the_copies_that_langgraph_makes_of_a_saver_are_fenced_with_it(house: House, run: Command) -> None:
    saver = FencedSaver(house.store.pool)
    clone = saver.with_allowlist([("builtins", "complex")])
    assert clone is not saver
    with pytest.raises(Fenced):
        clone.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    saver.command = run
    clone.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    _takeover(house, run)
    with pytest.raises(Fenced):
        clone.put(_config(run), _checkpoint(), {"source": "loop", "step": 1}, {})


def test_the_checkpoint_of_a_fast_clock_does_not_stay_the_newest(saver: FencedSaver, run: Command) -> None:
    ahead = saver.put(_config(run), _checkpoint(FUTURE), {"source": "loop", "step": 0}, {})
    now = _checkpoint()
    saver.put(ahead, now, {"source": "loop", "step": 1}, {})
    assert now["id"] < FUTURE
    assert _head(saver, run) == now["id"]


def test_a_fast_clocks_checkpoint_of_a_run_that_was_fenced_off_is_never_the_head(
    house: House, saver: FencedSaver, run: Command
) -> None:
    first = saver.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    _takeover(house, run)
    with pytest.raises(Fenced):
        saver.put(first, _checkpoint(FUTURE), {"source": "loop", "step": 1}, {})
    assert _head(saver, run) == first["configurable"]["checkpoint_id"]
    assert saver.get_tuple(_config(run, FUTURE)) is None


def test_reads_start_at_the_head_and_not_at_the_greatest_id(house: House, saver: FencedSaver, run: Command) -> None:
    first = saver.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    stray = FencedSaver(house.store.pool, fenced=False)  # however a stray row came there
    stray.put(first, _checkpoint(FUTURE), {"source": "loop", "step": 1}, {})
    head = first["configurable"]["checkpoint_id"]
    house.sql("update checkpoint_heads set checkpoint_id = %s where thread_id = %s", (head, run.case_id))
    assert _head(saver, run) == head
    named = saver.get_tuple(_config(run, FUTURE))
    assert named is not None, "what a config names is still found"


def test_pruning_keeps_the_head_even_when_a_greater_id_lies_beside_it(
    house: House, saver: FencedSaver, run: Command
) -> None:
    ahead = saver.put(_config(run), _checkpoint(FUTURE), {"source": "loop", "step": 0}, {})
    now = _checkpoint()
    saver.put(ahead, now, {"source": "loop", "step": 1}, {})
    saver.prune([run.case_id])
    assert _head(saver, run) == now["id"]
    assert [c.checkpoint["id"] for c in saver.list(_config(run))] == [now["id"]]


def test_a_late_write_of_the_last_run_is_not_taken_for_the_next_ones(house: House, run: Command) -> None:
    other = house.start("something else")
    saver = FencedSaver(house.store.pool)
    saver.command = house.claim(house.command(other)["command_id"])
    with pytest.raises(Fenced):
        saver.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})


def test_the_copy_for_a_graph_is_made_once_and_differs_from_anothers(house: House) -> None:
    saver = FencedSaver(house.store.pool)
    numbers, dates = [("builtins", "complex")], [("builtins", "slice")]
    clone = saver.with_allowlist(numbers)
    assert saver.with_allowlist(numbers) is clone
    assert saver.with_allowlist(dates) is not clone
    assert clone.with_allowlist(dates) not in (clone, saver.with_allowlist(dates)), "a copy of it allows both"


def test_langgraph_sees_the_signature_that_the_savers_methods_have(house: House) -> None:
    class Older(FencedSaver):
        def put_writes(self, config: RunnableConfig, writes: Any, task_id: str) -> None:  # type: ignore[override]
            """As before LangGraph had paths."""

    assert list(signature(FencedSaver(house.store.pool).put_writes).parameters) == [
        "config",
        "writes",
        "task_id",
        "task_path",
    ]
    assert "task_path" not in signature(Older(house.store.pool).put_writes).parameters


def test_what_may_share_a_row_or_is_of_a_graph_within_does_not_ride_along(house: House, run: Command) -> None:
    saver = FencedSaver(house.store.pool)
    rides = [saver.rides]
    saver.command = run
    rides.append(saver.rides)  # it writes at once
    saver.carry(run)
    put = saver.put(_config(run), _checkpoint(), {"source": "loop", "step": 0}, {})
    saver.put_writes(put, [("round", 1)], str(uuid4()))
    rides.append(saver.rides)
    saver.put_writes(put, [("round", 2)], str(uuid4()))
    rides.append(saver.rides)
    saver.carry(run)
    within: RunnableConfig = {"configurable": {"thread_id": run.case_id, "checkpoint_ns": "inner"}}
    saver.put(within, _checkpoint(), {"source": "loop", "step": 0}, {})
    rides.append(saver.rides)
    assert rides == [False, False, True, False, False]
