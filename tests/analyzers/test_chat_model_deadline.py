"""The time limit over a whole call, and what becomes of calls that nobody waits for any more."""

import contextvars
import threading

import pytest

from hitl.analyzers.chat_model.deadline import Deadline, TooManyAbandoned


def _broken() -> None:
    raise KeyError


def test_it_hands_on_what_the_work_returns_and_raises() -> None:
    deadline = Deadline(5)
    assert deadline.call(lambda: 7) == 7
    with pytest.raises(KeyError):
        deadline.call(_broken)


def test_the_work_sees_the_callers_context() -> None:
    case: contextvars.ContextVar[str] = contextvars.ContextVar("case")
    case.set("c-1")
    assert Deadline(5).call(case.get) == "c-1"


def test_abandoned_calls_are_counted_until_they_end() -> None:
    deadline, go_on, workers = Deadline(0.05, spare=1), threading.Event(), []

    def stuck() -> None:
        workers.append(threading.current_thread())
        go_on.wait()

    with pytest.raises(TimeoutError):
        deadline.call(stuck)
    with pytest.raises(TooManyAbandoned):
        deadline.call(lambda: 7)
    go_on.set()
    workers[0].join()
    with pytest.raises(KeyError):
        deadline.call(_broken)
