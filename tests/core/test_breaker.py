from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.breaker import Breaker, RetryBudget


def opened(target: int = 50, now: float = 100.0) -> Breaker:
    breaker = Breaker()
    while not breaker.failed(now, target):
        pass
    return breaker


def failures_that_open(target: int) -> int:
    breaker, count = Breaker(), 1
    while not breaker.failed(0.0, target):
        count += 1
    return count


def test_it_opens_after_a_row_of_failures() -> None:
    breaker = Breaker()
    assert [breaker.failed(1.0, 50) for _ in range(8)] == [False] * 7 + [True]
    assert breaker.open


@pytest.mark.parametrize(("in_flight", "row"), [(1, 3), (2, 4), (3, 6), (4, 8), (500, 8)])
def test_fewer_open_it_where_few_are_in_flight(in_flight: int, row: int) -> None:
    assert failures_that_open(in_flight) == row


def test_scattered_failures_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(100):
        assert not any(breaker.failed(1.0, 50) for _ in range(7))
        assert not breaker.answered()
    assert not breaker.open


def test_while_closed_nobody_waits() -> None:
    breaker = Breaker()
    breaker.departed(3.0)
    assert breaker.delay(3.0) == 0.0


def test_while_open_one_leaves_now_and_then_and_at_least_every_two_seconds() -> None:
    breaker, now, pauses = opened(now=100.0), 100.0, []
    for _ in range(10):
        pauses.append(breaker.delay(now))
        now += pauses[-1]
        assert breaker.delay(now) == 0.0
        breaker.departed(now)
        assert breaker.delay(now) > 0.0
        assert not breaker.failed(now, 50)
    assert pauses[0] == 0.5
    assert pauses == sorted(pauses)
    assert pauses[-1] == 2.0


def test_any_answer_closes_it_and_the_next_outage_begins_anew() -> None:
    breaker = opened()
    for _ in range(5):
        breaker.departed(200.0)
    assert breaker.answered()
    assert not breaker.open
    assert breaker.delay(200.0) == 0.0
    assert not breaker.answered()
    assert sum(breaker.failed(300.0, 50) for _ in range(8)) == 1
    assert breaker.delay(300.0) == 0.5


def drained(now: float = 0.0) -> RetryBudget:
    budget = RetryBudget(now)
    while budget.delay(now) == 0.0:
        budget.take()
    return budget


def retries_within(budget: RetryBudget, seconds: float, now: float = 0.0, successes: float = 0.0) -> int:
    """How many leave, each as early as it may, while so many requests succeed a second."""
    end, taken, next_success = now + seconds, 0, now
    while True:
        while successes and next_success <= now:
            budget.succeeded(next_success)
            next_success += 1 / successes
        wait = budget.delay(now)
        if wait == 0.0:
            budget.take()
            taken += 1
            continue
        now += min(wait, 0.05)
        if now >= end:
            return taken


def test_ten_retries_a_second_are_always_allowed() -> None:
    assert retries_within(drained(), 30.0) == pytest.approx(300, rel=0.05)


def test_each_success_allows_a_retry_more() -> None:
    assert retries_within(drained(), 30.0, successes=50.0) == pytest.approx(30 * 60, rel=0.05)


def test_a_run_begins_with_a_hundred_retries_and_has_them_again_after_a_while() -> None:
    assert retries_within(RetryBudget(7.0), 0.01, now=7.0) == 100
    budget = drained()
    assert budget.delay(0.0) > 0.0
    assert retries_within(budget, 0.01, now=60.0) == pytest.approx(100, abs=2)


def test_successes_are_not_saved_up_for_ever() -> None:
    budget = RetryBudget(0.0)
    for step in range(10_000):
        budget.succeeded(step / 1000)
    assert retries_within(budget, 0.01, now=100.0) == pytest.approx(100, abs=5)


@given(start=st.floats(0, 1e7), debt=st.integers(1, 300))
def test_after_the_named_wait_a_retry_may_leave(start: float, debt: int) -> None:
    budget = drained(start)
    for _ in range(debt):
        budget.take()
    now = start + budget.delay(start) + 1e-8
    assert budget.delay(now) == 0.0
