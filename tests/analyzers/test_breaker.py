"""The circuit breaker, on a clock that the test moves."""

import pytest

from hitl.analyzers.breaker import CircuitBreaker, Outcome


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, seconds=30, clock=clock)


def _ticket(breaker: CircuitBreaker) -> int:
    ticket = breaker.admit()
    assert ticket is not None
    return ticket


def _state(breaker: CircuitBreaker) -> str:
    return breaker.state


def _fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.report(_ticket(breaker), "failed")


def test_it_opens_after_enough_failures_in_a_row(breaker: CircuitBreaker) -> None:
    _fail(breaker, 2)
    assert _state(breaker) == "closed"
    _fail(breaker, 1)
    assert _state(breaker) == "open"
    assert breaker.admit() is None


def test_an_answer_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    _fail(breaker, 2)
    breaker.report(_ticket(breaker), "answered")
    _fail(breaker, 2)
    assert _state(breaker) == "closed"


def test_what_is_unclear_counts_neither_way(breaker: CircuitBreaker) -> None:
    _fail(breaker, 2)
    breaker.report(_ticket(breaker), "unclear")
    assert _state(breaker) == "closed"
    _fail(breaker, 1)
    assert _state(breaker) == "open"


def test_after_the_period_one_probe_at_a_time_may_try(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now = 29.9
    assert breaker.admit() is None
    clock.now = 30.0
    assert _state(breaker) == "half_open"
    probe = _ticket(breaker)
    assert breaker.admit() is None
    breaker.report(probe, "answered")
    assert _state(breaker) == "closed"


def test_a_probe_that_fails_opens_it_for_another_period(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now = 30.0
    _fail(breaker, 1)
    clock.now = 59.9
    assert breaker.admit() is None
    clock.now = 60.0
    assert breaker.admit() is not None


def test_a_probe_that_learns_nothing_makes_way_for_the_next(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now = 30.0
    breaker.report(_ticket(breaker), "unclear")
    assert _state(breaker) == "half_open"
    assert breaker.admit() is not None


@pytest.mark.parametrize("outcome", ["answered", "failed"])
def test_calls_from_before_it_opened_change_nothing(breaker: CircuitBreaker, clock: Clock, outcome: Outcome) -> None:
    late = [_ticket(breaker) for _ in range(2)]
    _fail(breaker, 3)
    breaker.report(late[0], outcome)
    assert _state(breaker) == "open"
    clock.now = 30.0
    _ticket(breaker)
    breaker.report(late[1], outcome)
    assert breaker.admit() is None
