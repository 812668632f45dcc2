"""No thread for a graph that does one thing at a time; threads for one that does more."""

import threading
from concurrent.futures import Future

import pytest
from langchain_core.runnables import RunnableConfig

from hitl.errors import Fenced
from hitl.graphs.on_the_spot import executor_for
from tests.graphs.house import House


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that begin during the test."""
    names: list[str] = []
    start = threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noted)
    return names


def test_a_case_goes_its_whole_way_without_a_thread_of_langgraphs(house: House, begun: list[str]) -> None:
    case_id = house.waiting()
    house.decide(case_id, "approve")
    assert house.drain() == ["done"]
    assert house.status(case_id) == "completed"
    assert not [name for name in begun if "Executor" in name]


@pytest.mark.parametrize(("width", "here"), [(1, True), (2, False), (None, False)])
def test_only_a_graph_that_does_one_thing_at_a_time_does_it_on_the_spot(width: int | None, here: bool) -> None:
    with executor_for(RunnableConfig(max_concurrency=width) if width else None) as executor:
        assert (executor.submit(threading.get_ident).result() == threading.get_ident()) is here


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for() -> None:
    def fenced() -> None:
        raise Fenced()

    with executor_for(RunnableConfig(max_concurrency=1)) as executor:
        done: Future[None] = executor.submit(fenced)
    with pytest.raises(Fenced):
        done.result()
