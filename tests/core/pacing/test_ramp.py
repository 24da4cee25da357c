from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.pacing.ramp import SMALL_JOB, Ramp


def leave_until(ramp: Ramp, until: float, now: float = 0.0, answers: bool = False) -> int:
    """How many leave until then, each as early as it may."""
    left = 0
    while not ramp.ended and left < 100_000:
        now += ramp.delay(now)
        if now > until:
            break
        ramp.depart(now)
        left += 1
        if answers:
            ramp.answered()
    return left


def test_a_burst_leaves_at_once_and_no_more() -> None:
    assert leave_until(Ramp(0.0, 50, None), 0.0) == 20
    assert leave_until(Ramp(0.0, 50, 10_000), 0.0) == 20


def test_who_asks_for_many_at_once_begins_with_a_fifth_of_them() -> None:
    assert leave_until(Ramp(0.0, 500, None), 0.0) == 100


def test_a_small_job_leaves_at_once() -> None:
    assert leave_until(Ramp(0.0, 100, SMALL_JOB), 0.0) == SMALL_JOB
    assert leave_until(Ramp(0.0, 100, SMALL_JOB + 1), 0.0) == 20


def test_after_the_burst_a_train_leaves_at_a_steady_pace() -> None:
    assert leave_until(Ramp(0.0, 50, None), 0.199) == pytest.approx(20 + 0.199 * 150, abs=1)


def test_then_the_pace_doubles_every_tenth_of_a_second() -> None:
    expected = 20 + 150 * 0.2 + 300 * 0.1 + 600 * 0.1 + 1200 * 0.1
    assert leave_until(Ramp(0.0, 50, None), 0.4999) == pytest.approx(expected, abs=3)


def test_it_ends_when_it_holds_nobody_any_more() -> None:
    ramp = Ramp(0.0, 50, None)
    leave_until(ramp, 5.0)
    assert ramp.ended


def test_an_answer_lets_two_more_leave() -> None:
    ramp = Ramp(0.0, 50, None)
    leave_until(ramp, 0.0)
    assert ramp.delay(0.0) > 0
    ramp.answered()
    assert leave_until(ramp, 0.0) == 2


def test_a_refusal_stops_the_doubling_and_not_the_train() -> None:
    ramp = Ramp(0.0, 50, None)
    leave_until(ramp, 0.1)
    ramp.hold()
    assert leave_until(ramp, 2.1, now=0.1) == pytest.approx(2.0 * 150, abs=2)
    assert not ramp.ended


def test_nothing_is_saved_up_before_the_first_departure() -> None:
    ramp = Ramp(0.0, 50, None)
    assert ramp.delay(60.0) == 0.0
    assert leave_until(ramp, 60.0, now=60.0) == 20


@given(st.floats(0, 1e7), st.integers(1, 2000), st.lists(st.floats(0, 0.2), max_size=40))
def test_after_the_named_wait_it_may_leave(start: float, ceiling: int, pauses: list[float]) -> None:
    ramp, now = Ramp(start, ceiling, None), start
    for pause in pauses:
        now += pause
        for _ in range(30):
            now += ramp.delay(now) + 1e-6
            assert ramp.delay(now) == 0.0
            ramp.depart(now)
