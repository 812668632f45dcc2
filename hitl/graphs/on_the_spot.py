"""Where a graph may do one thing at a time, LangGraph does it in the thread that runs the graph.

It would start a thread for each run, to store its checkpoint in: a twelfth of a worker's CPU. Nothing that it offers
avoids that, so the look-up of its executor is replaced. Were that called otherwise one day, there would be threads.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import get_executor_for_config
from langgraph.pregel import _executor


class OnTheSpot(Executor):
    """Does at once what is submitted, and tells how it went where it is asked."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Done when this returns."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 (as in a thread: raised where the result is asked for)
            done.set_exception(error)
        return done


@contextmanager
def executor_for(config: RunnableConfig | None) -> Iterator[Executor]:
    """What a run of a graph does its work with."""
    if config and config.get("max_concurrency") == 1:
        yield OnTheSpot()
        return
    with get_executor_for_config(config) as threads:
        yield threads


def install() -> None:
    """Make LangGraph ask here."""
    _executor.get_executor_for_config = executor_for  # type: ignore[attr-defined]
