"""Threads that do what they are told, in order, and end when they are let go."""

import threading
import weakref
from threading import Event

import pytest

from api.hands import Hands


def _alive(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def test_jobs_are_done_in_order_by_no_more_threads_than_said() -> None:
    hands, done, ended = Hands(1, "one-by-one"), list[int](), Event()
    for number in range(5):
        hands.do(lambda number=number: done.append(number))  # type: ignore[misc]
    hands.do(ended.set)
    assert ended.wait(10.0)
    assert done == [0, 1, 2, 3, 4]
    assert len(_alive("one-by-one")) == 1
    hands.close()


def test_as_many_jobs_as_threads_are_done_at_once() -> None:
    hands, meet = Hands(3, "at-once"), threading.Barrier(4)
    for _ in range(3):
        hands.do(lambda: meet.wait(10.0))
    meet.wait(10.0)
    hands.close()


def test_who_is_let_go_does_what_was_asked_and_ends() -> None:
    hands, go_on, done = Hands(2, "let-go"), Event(), Event()
    hands.do(go_on.wait)
    hands.do(go_on.wait)
    hands.do(done.set)
    threads = _alive("let-go")
    hands.close()
    with pytest.raises(RuntimeError, match="nobody is left"):
        hands.do(done.set)
    go_on.set()
    for thread in threads:
        thread.join(10.0)
    assert done.is_set()
    assert not _alive("let-go")


def test_an_idle_thread_holds_nothing_of_its_last_job() -> None:
    class Held:
        """Something large."""

    hands, gone = Hands(1, "idle"), Event()
    held = Held()
    weakref.finalize(held, gone.set)
    hands.do(lambda held=held: None)  # type: ignore[misc]
    del held
    assert gone.wait(10.0)
    hands.close()
