from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.concurrency import Automatic

Latency = Callable[[float], float]
START = 50_000.0  # a clock that does not begin at 0, as no machine's does


def rounds(automatic: Automatic, count: int, latency: float = 1.0, now: float = START) -> float:
    """So many round trips with the target fully used and one latency; returns the moment after them."""
    for _ in range(count):
        target = automatic.target(None)
        for _ in range(target):
            automatic.answered(now, now + latency, target)
        now += latency
    return now


def against_workers(
    automatic: Automatic, workers: int, seconds: float, service: Latency, sigma: float = 0.3, seed: int = 0
) -> list[int]:
    """The targets, each second, where `workers` serve one request at a time and the rest queue."""
    draw = random.Random(seed)
    free, events, targets = [START] * workers, [], []
    now, in_flight, order = START, 0, 0
    while now < START + seconds:
        while in_flight < automatic.target(None):
            in_flight, order = in_flight + 1, order + 1
            begins = max(now, heapq.heappop(free))
            ends = begins + service(now - START) * draw.lognormvariate(0, sigma)
            heapq.heappush(free, ends)
            heapq.heappush(events, (ends, order, now, in_flight))
        now, _, left_at, were = heapq.heappop(events)
        in_flight -= 1
        automatic.answered(left_at, now, were)
        while len(targets) < now - START:
            targets.append(automatic.target(None))
    return targets


def test_it_doubles_with_each_round_trip_while_answers_are_sound_up_to_the_ceiling() -> None:
    automatic = Automatic(500, 10)
    targets = []
    for _ in range(8):
        rounds(automatic, 1)
        targets.append(automatic.target(None))
    assert [pytest.approx(expected, rel=0.1) for expected in (20, 40, 80)] == targets[:3]
    assert targets[-1] == 500


def test_it_does_not_grow_while_what_it_allows_is_not_used() -> None:
    automatic = Automatic(500, 40)
    for step in range(1000):
        automatic.answered(START + step, START + step + 1.0, 5)
    assert automatic.target(None) == 40


def test_overload_cuts_once_a_round_trip() -> None:
    automatic = Automatic(500, 100)
    for _ in range(30):
        automatic.overloaded(START, START + 1.0, 100)
    assert automatic.target(None) == 80
    automatic.overloaded(START + 1.5, START + 2.5, 80)
    assert automatic.target(None) == 64


def test_after_a_cut_it_grows_slowly() -> None:
    automatic = Automatic(500, 100)
    automatic.overloaded(START, START + 1.0, 100)
    rounds(automatic, 5, now=START + 1.0)
    assert 80 < automatic.target(None) < 120


def test_it_is_never_below_one() -> None:
    automatic = Automatic(500, 2)
    for step in range(50):
        automatic.overloaded(START + 2 * step, START + 2 * step + 1, 2)
    assert automatic.target(None) == 1
    rounds(automatic, 60)
    assert automatic.target(None) > 1


def test_answers_that_differ_widely_are_hardly_held_back() -> None:
    targets = against_workers(Automatic(100), 1000, 200, lambda at: 1.0, sigma=0.8)
    assert sum(targets) / len(targets) > 60


@pytest.mark.parametrize("workers", [10, 25, 50, 100])
@pytest.mark.parametrize("sigma", [0.1, 0.4])
def test_where_a_server_saturates_it_settles_near_the_knee_and_stays_there(workers: int, sigma: float) -> None:
    targets = against_workers(Automatic(1000, min(20, workers)), workers, 400, lambda at: 1.0, sigma)
    settled = targets[50:]
    assert min(settled) >= workers
    assert max(settled) <= 3 * workers
    assert targets[-1] == pytest.approx(targets[150], rel=0.25)


def test_a_model_that_becomes_slower_by_itself_is_not_taken_for_a_queue_for_long() -> None:
    automatic = Automatic(200)
    targets = against_workers(automatic, 1000, 400, lambda at: 1.0 if at < 100 else 4.0)
    assert targets[90] == 200
    assert min(targets[100:]) >= 40
    assert sum(targets[150:]) / len(targets[150:]) > 150
    assert automatic.usual == pytest.approx(4.0, rel=0.3)


def test_it_comes_back_when_a_server_has_more_workers_again() -> None:
    automatic = Automatic(400, 10)
    against_workers(automatic, 10, 100, lambda at: 1.0)
    assert automatic.target(None) < 40
    assert against_workers(automatic, 1000, 100, lambda at: 1.0)[-1] > 150


def test_where_the_rate_is_known_it_is_what_that_needs_and_some_more() -> None:
    automatic = Automatic(1000, 20)
    rounds(automatic, 3, latency=2.0)
    needed = 50.0 * 2.0
    assert 1.25 * needed <= automatic.target(50.0) <= 2.5 * needed
    assert automatic.target(0.01) >= 2


def test_a_known_rate_says_nothing_before_the_latency_is_known() -> None:
    assert Automatic(1000, 20).target(500.0) == 20


def with_a_known_rate(automatic: Automatic, room: int, fails: float, trips: int) -> tuple[float, float]:
    """The mean target and the share of overloads of the second half of so many round trips of a second, against a
    provider whose limit is a hundred a second but which takes `room` at once, and else fails a share of attempts.
    """
    draw, now, targets, full, seen = random.Random(1), START, [], 0, 0
    for trip in range(trips):
        target = automatic.target(100.0)
        targets.append(target)
        for in_flight in range(1, target + 1):
            overloaded = in_flight > room or draw.random() < fails
            if overloaded:
                automatic.overloaded(now, now + 1.0, target)
            else:
                automatic.answered(now, now + 1.0, target)
            if trip >= trips // 2:
                full, seen = full + overloaded, seen + 1
        now += 1.0
    half = targets[trips // 2 :]
    return sum(half) / len(half), full / seen


def test_a_provider_that_is_full_below_its_limit_is_sent_fewer_and_not_too_few() -> None:
    mean, share = with_a_known_rate(Automatic(1000, 20), room=60, fails=0.0, trips=100)
    assert 50 <= mean <= 75
    assert share < 0.12


def test_overloads_now_and_then_hold_nobody_back_where_the_limit_is_known() -> None:
    mean, _ = with_a_known_rate(Automatic(1000, 20), room=10_000, fails=0.03, trips=100)
    assert mean >= 195


def test_when_it_is_no_longer_full_all_that_the_limit_needs_is_sent_again() -> None:
    automatic = Automatic(1000, 20)
    with_a_known_rate(automatic, room=60, fails=0.0, trips=60)
    assert automatic.target(100.0) < 100
    with_a_known_rate(automatic, room=10_000, fails=0.0, trips=30)
    assert automatic.target(100.0) >= 200


@given(
    ceiling=st.integers(1, 300),
    start=st.one_of(st.none(), st.integers(1, 1000)),
    rate=st.one_of(st.none(), st.floats(0, 1e6)),
    steps=st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.integers(1, 400)), max_size=200),
)
def test_it_is_always_between_one_and_the_ceiling(
    ceiling: int, start: int | None, rate: float | None, steps: list[tuple[bool, float, int]]
) -> None:
    automatic, now = Automatic(ceiling, start), START
    for sound, latency, in_flight in steps:
        left_at, now = now, now + latency
        if sound:
            automatic.answered(left_at, now, in_flight)
        else:
            automatic.overloaded(left_at, now, in_flight)
        assert 1 <= automatic.target(rate) <= ceiling
        assert 1 <= automatic.target(None) <= ceiling
