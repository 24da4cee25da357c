from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.bucket import TokenBucket


def test_a_new_bucket_is_full() -> None:
    assert TokenBucket(1.0, 10.0, now=5.0).available(5.0) == 10.0


def test_taking_leaves_the_rest_and_a_refused_take_leaves_everything() -> None:
    bucket = TokenBucket(1.0, 10.0, now=0.0)
    assert bucket.take(7, 0.0)
    assert not bucket.take(4, 0.0)
    assert bucket.available(0.0) == 3.0


def test_refill_is_continuous_not_by_the_minute() -> None:
    bucket = TokenBucket(60 / 60, 60.0, now=0.0)
    bucket.take(60, 0.0)
    assert bucket.available(0.25) == pytest.approx(0.25)
    assert bucket.available(30.0) == pytest.approx(30.0)


def test_refill_stops_at_the_capacity() -> None:
    bucket = TokenBucket(100.0, 10.0, now=0.0)
    bucket.take(1, 0.0)
    assert bucket.available(3600.0) == 10.0


def test_a_clock_that_steps_back_adds_nothing() -> None:
    bucket = TokenBucket(1.0, 10.0, now=100.0)
    bucket.take(10, 100.0)
    assert bucket.available(50.0) == 0.0
    assert bucket.available(101.0) == pytest.approx(1.0)


def test_wait_for_names_the_moment_at_which_a_take_succeeds() -> None:
    bucket = TokenBucket(2.0, 10.0, now=0.0)
    bucket.take(10, 0.0)
    assert bucket.wait_for(5, 0.0) == pytest.approx(2.5)
    assert not bucket.take(5, 2.4)
    assert bucket.take(5, 2.5)


def test_wait_for_is_zero_when_the_tokens_are_there() -> None:
    assert TokenBucket(1.0, 10.0, now=0.0).wait_for(10, 0.0) == 0.0


def test_a_cost_above_the_capacity_is_never_reached() -> None:
    assert TokenBucket(1.0, 10.0, now=0.0).wait_for(11, 0.0) == math.inf


def test_a_bucket_without_refill_never_fills() -> None:
    bucket = TokenBucket(0.0, 10.0, now=0.0)
    bucket.take(10, 0.0)
    assert bucket.wait_for(1, 0.0) == math.inf
    assert bucket.wait_until_full(0.0) == math.inf


def test_giving_back_never_overfills() -> None:
    bucket = TokenBucket(1.0, 10.0, now=0.0)
    bucket.take(3, 0.0)
    bucket.give_back(100, 0.0)
    assert bucket.available(0.0) == 10.0


def test_settling_returns_what_was_reserved_too_much() -> None:
    bucket = TokenBucket(1.0, 1000.0, now=0.0)
    bucket.take(150, 0.0)
    bucket.settle(150, 40, 0.0)
    assert bucket.available(0.0) == 960.0


def test_settling_above_the_reservation_leaves_a_debt_that_the_refill_pays() -> None:
    bucket = TokenBucket(10.0, 100.0, now=0.0)
    bucket.take(100, 0.0)
    bucket.settle(100, 120, 0.0)
    assert bucket.available(0.0) == -20.0
    assert bucket.wait_for(1, 0.0) == pytest.approx(2.1)


def test_wait_until_full_is_the_reset() -> None:
    bucket = TokenBucket(2.0, 10.0, now=0.0)
    assert bucket.wait_until_full(0.0) == 0.0
    bucket.take(4, 0.0)
    assert bucket.wait_until_full(0.0) == pytest.approx(2.0)


def test_retuning_earns_at_the_old_rate_until_now_and_at_the_new_one_after() -> None:
    bucket = TokenBucket(1.0, 100.0, now=0.0)
    bucket.take(100, 0.0)
    bucket.retune(10.0, 50.0, now=5.0)
    assert bucket.available(5.0) == pytest.approx(5.0)
    assert bucket.available(6.0) == pytest.approx(15.0)
    assert bucket.available(60.0) == 50.0


def test_retuning_to_less_spills_what_no_longer_fits() -> None:
    bucket = TokenBucket(1.0, 100.0, now=0.0)
    bucket.retune(1.0, 20.0, now=0.0)
    assert bucket.available(0.0) == 20.0


@pytest.mark.parametrize(("rate", "capacity"), [(-1.0, 1.0), (math.nan, 1.0), (1.0, 0.0), (1.0, math.inf)])
def test_a_rate_or_capacity_that_means_nothing_is_refused(rate: float, capacity: float) -> None:
    with pytest.raises(ValueError, match="bucket's"):
        TokenBucket(rate, capacity, now=0.0)


@given(
    rate=st.floats(0.1, 100_000),
    capacity=st.floats(1, 1_000_000),
    steps=st.lists(st.tuples(st.floats(0, 10), st.integers(1, 1000)), max_size=60),
)
def test_no_more_is_ever_taken_than_the_burst_plus_the_refill(
    rate: float, capacity: float, steps: list[tuple[float, int]]
) -> None:
    bucket = TokenBucket(rate, capacity, now=0.0)
    now = taken = 0.0
    for pause, cost in steps:
        now += pause
        if bucket.take(cost, now):
            taken += cost
        assert taken <= (capacity + rate * now) * (1 + 1e-9) + 0.01


@given(
    start=st.floats(0, 1e6),
    rate=st.floats(0.1, 100_000),
    cost=st.integers(1, 10_000),
    spent=st.integers(0, 10_000),
)
def test_a_take_after_the_named_wait_succeeds(start: float, rate: float, cost: int, spent: int) -> None:
    bucket = TokenBucket(rate, 10_000, now=start)
    bucket.take(spent, start)
    assert bucket.take(cost, start + bucket.wait_for(cost, start))
