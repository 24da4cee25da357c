from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.pacing.departure import Departure, History, Kind
from dagtui.core.pacing.mirror import Mirror, Source


class World:
    """One mirror, and all that left through it."""

    def __init__(self, kind: Kind = Kind.REQUESTS, rate: float = 10.0, level: float = 5.0) -> None:
        self.mirror = Mirror(kind, 0.0)
        self.mirror.begin(rate, Source.HEADER, level, 0.0)
        self.history = History()
        self.under_way: list[Departure] = []

    def leave(self, now: float, cost: float = 1.0) -> Departure:
        departure = Departure(now, (cost, cost, cost, cost), self.history.count, len(self.under_way) + 1)
        self.mirror.depart(departure, now)
        self.history.add(now, departure.cost)
        self.under_way.append(departure)
        return departure

    def answer(self, departure: Departure, remaining: float, now: float) -> float:
        """What the answer changes in the level."""
        self.mirror.refill(now)
        before = self.mirror.level
        self.under_way.remove(departure)
        self.mirror.observe(departure, remaining, self.mirror.kind is Kind.REQUESTS, self.history, now)
        return self.mirror.level - before

    def refuse(self, departure: Departure, now: float) -> bool:
        self.under_way.remove(departure)
        self.mirror.refund(departure, self.under_way)
        return self.mirror.empty(departure, self.under_way, now)


def test_an_answer_is_compared_with_the_moment_it_speaks_of_however_many_left_since() -> None:
    world = World(level=50.0)
    first = world.leave(0.0)
    for step in range(40):
        world.leave(0.1 + step / 100)
    assert world.answer(first, 49, 0.6) == 0.0


def test_a_correction_is_made_once_and_not_again_by_every_answer_that_was_under_way() -> None:
    world = World(rate=10.0, level=100.0)
    departures = [world.leave(step / 10) for step in range(10)]
    changes = [world.answer(departure, 49, 2.0) for departure in departures]
    assert changes[0] == pytest.approx(-50, abs=1)
    assert changes[1:] == [0.0] * 9


def test_a_small_difference_is_believed_in_part_and_a_large_one_wholly() -> None:
    world = World(rate=100.0, level=150.0)
    small = world.leave(0.0)
    assert world.answer(small, 149 - 10, 0.3) == pytest.approx(-0.25 * 9, abs=0.3)
    large = world.leave(1.0)
    remaining = math.floor(world.mirror.predicted(large)) - 150
    assert world.answer(large, remaining, 1.3) == pytest.approx(-150, abs=2)


def test_of_a_bucket_that_is_far_from_empty_only_gross_errors_are_corrected() -> None:
    world = World(rate=10.0, level=1000.0)
    assert world.answer(world.leave(0.0), 985, 0.3) == 0.0
    assert world.answer(world.leave(1.0), 500, 1.3) == pytest.approx(-510, abs=4)
    assert world.answer(world.leave(2.0), 900, 2.3) == pytest.approx(400, abs=12)


def test_neighbours_that_arrive_in_the_other_order_correct_nothing() -> None:
    world = World(level=20.0)
    one, two, three = world.leave(0.0), world.leave(0.005), world.leave(0.010)
    assert world.answer(one, 17, 0.3) == 0.0  # it was the last to be admitted
    assert world.answer(two, 19, 0.3) == 0.0
    assert world.answer(three, 18, 0.3) == 0.0


def test_those_that_left_well_apart_cannot_have_changed_places() -> None:
    world = World(rate=10.0, level=15.0)
    one = world.leave(0.0)
    world.leave(0.1)
    assert world.answer(one, 12, 0.3) < 0


def test_token_figures_rounded_to_thousands_correct_nothing_that_the_rounding_explains() -> None:
    world = World(Kind.INPUT, rate=50_000.0, level=50_450.0)
    departure = world.leave(0.0, 50.0)
    assert world.answer(departure, 50_000, 0.3) == 0.0
    departure = world.leave(1.0, 50.0)
    assert world.answer(departure, 49_999, 1.3) < 0


def drained_by_others(level: float) -> Mirror:
    """After five seconds in which others took 4 a second of 10, at about this level."""
    world = World(rate=10.0, level=level)
    true, now, mine = level, 0.0, 6.0
    for _ in range(60):
        departure = world.leave(now)
        true -= 1
        world.answer(departure, math.floor(true), now)
        now += 1 / mine
        true += (10.0 - 4.0) / mine
    return world.mirror


def test_what_others_take_becomes_a_drift_near_empty() -> None:
    assert drained_by_others(2.0).drift == pytest.approx(-4.0, abs=1.5)


def test_what_others_take_is_no_drift_while_there_is_plenty() -> None:
    assert drained_by_others(500.0).drift == 0.0


def test_a_full_bucket_that_gains_no_more_is_not_taken_for_others_traffic() -> None:
    world = World(rate=10.0, level=100.0)  # its capacity of 100 is not known
    for step in range(50):
        departure = world.leave(float(step))
        assert world.answer(departure, 99, step + 0.3) <= 0.0
    assert world.mirror.drift == 0.0
    assert world.mirror.level <= 100 + 2.5 * 10


def test_drift_ends_when_others_stop() -> None:
    world = World(rate=10.0, level=2.0)
    world.mirror.drift = -5.0
    true, now = 2.0, 0.0
    while now < 20:
        wait = world.mirror.delay(1.0, now)
        now, true = now + wait, true + 10.0 * wait
        departure = world.leave(now)
        true -= 1
        world.answer(departure, math.floor(true), now)
    assert world.mirror.drift > -0.5


def test_a_drift_that_nothing_confirms_fades() -> None:
    world = World(rate=10.0, level=0.0)
    world.mirror.drift = -5.0
    for step in range(100):
        world.mirror.refill(step)
    assert world.mirror.drift == 0.0


def test_whatever_others_take_something_flows_in() -> None:
    world = World(rate=10.0, level=0.0)
    world.mirror.drift = -50.0
    wait = world.mirror.delay(1.0, 0.0)
    world.mirror.refill(wait)
    assert world.mirror.level > 0.5


def test_a_measured_rate_is_what_others_leave_so_that_it_has_no_drift() -> None:
    world = World(rate=100.0, level=50.0)
    world.mirror.source = Source.MEASURED
    for step in range(20):
        world.refuse(world.leave(step / 2), step / 2 + 0.1)
    assert world.mirror.drift == 0.0


def test_a_refund_reaches_those_that_left_later_and_nobody_else() -> None:
    world = World(level=20.0)
    before, refused, after = world.leave(0.0), world.leave(0.1), world.leave(0.2)
    expected = [world.mirror.predicted(before), world.mirror.predicted(after) + 1]
    level = world.mirror.level
    world.under_way.remove(refused)
    world.mirror.refund(refused, world.under_way)
    assert [world.mirror.predicted(before), world.mirror.predicted(after)] == expected
    assert world.mirror.level == level + 1


def test_a_limit_that_halves_takes_its_share_of_what_was_saved_up() -> None:
    world = World(rate=10.0, level=40.0)
    world.mirror.capacity = 60.0
    world.mirror.change(5.0, Source.HEADER, 0.0)
    assert (world.mirror.level, world.mirror.capacity) == (20.0, 30.0)
    assert world.mirror.rate == 5.0


def test_a_limit_that_doubles_gives_nothing_at_once_but_more_from_then_on() -> None:
    world = World(rate=10.0, level=-5.0)
    world.mirror.capacity = 60.0
    world.mirror.drift = -3.0
    world.mirror.change(20.0, Source.HEADER, 0.0)
    assert (world.mirror.level, world.mirror.capacity, world.mirror.drift) == (-5.0, 120.0, 0.0)
    world.mirror.refill(1.0)
    assert world.mirror.level == 15.0


def test_a_debt_is_not_halved_with_the_limit() -> None:
    world = World(rate=10.0, level=-4.0)
    world.mirror.change(5.0, Source.HEADER, 0.0)
    assert world.mirror.level == -4.0


def test_no_more_is_saved_up_than_the_capacity() -> None:
    world = World(rate=10.0, level=0.0)
    world.mirror.capacity = 7.0
    world.mirror.refill(100.0)
    assert world.mirror.level == 7.0


def test_what_costs_more_than_the_capacity_leaves_when_the_bucket_is_full() -> None:
    world = World(Kind.INPUT, rate=10.0, level=0.0)
    world.mirror.capacity = 100.0
    assert world.mirror.delay(5000.0, 0.0) == pytest.approx(10.0)
    assert world.mirror.delay(5000.0, 10.0) == 0.0


def test_a_moments_refill_and_a_request_are_kept_back() -> None:
    world = World(rate=100.0, level=5.0)
    assert world.mirror.delay(1.0, 0.0) == 0.0
    world.leave(0.0)
    assert world.mirror.delay(1.0, 0.0) == pytest.approx((1 + 1 + 3 - 4.0) / 100)


def test_a_refusal_says_that_the_bucket_was_empty_at_that_moment() -> None:
    world = World(rate=10.0, level=20.0)
    refused = world.leave(0.0)
    assert world.refuse(refused, 1.0)
    assert world.mirror.level == pytest.approx(0.5 + 10.0)


def test_a_refusal_of_what_left_with_a_bucket_known_to_be_empty_is_no_news() -> None:
    world = World(rate=10.0, level=0.0)
    refused = world.leave(0.0)
    assert not world.refuse(refused, 0.3)
    assert world.mirror.level == pytest.approx(3.0)


def test_of_a_group_that_left_at_one_moment_and_is_refused_each_refusal_counts_once() -> None:
    world = World(rate=10.0, level=40.0)
    group = [world.leave(0.0) for _ in range(20)]
    news = [world.refuse(departure, 1.0) for departure in group[5:]]
    assert news == [True] + [False] * 14
    # Whether the first five took their share before or after nobody knows; between the two lies a few requests.
    assert world.mirror.level == pytest.approx(10.0, abs=5.5)


def test_what_neighbours_of_a_refusal_say_of_the_level_is_not_believed() -> None:
    world = World(rate=10.0, level=40.0)
    one, refused, two = world.leave(0.0), world.leave(0.001), world.leave(0.002)
    later = world.leave(0.5)
    world.refuse(refused, 0.6)
    assert world.answer(one, 0, 0.7) == 0.0
    assert world.answer(two, 0, 0.7) == 0.0
    assert world.answer(later, 30, 0.8) > 0


def test_a_limit_that_becomes_known_counts_all_that_left_meanwhile() -> None:
    mirror = Mirror(Kind.REQUESTS, 0.0)
    departures = [Departure(step / 10, (1.0, 0.0, 0.0, 0.0), step, step + 1) for step in range(5)]
    for departure in departures:
        mirror.depart(departure, departure.at)
    mirror.learn(10.0, Source.HEADER, departures[0], 9.0, departures[1:], 0.5)
    assert mirror.level == pytest.approx(9 - 4 + 5)
    assert mirror.predicted(departures[4]) == pytest.approx(9 - 4 + 4)


@given(now=st.floats(0, 1e7), rate=st.floats(0.01, 1e5), level=st.floats(-1e4, 10), cost=st.floats(1, 1e4))
def test_after_the_named_wait_it_may_leave(now: float, rate: float, level: float, cost: float) -> None:
    mirror = Mirror(Kind.INPUT, now)
    mirror.begin(rate, Source.HEADER, level, now)
    wait = mirror.delay(cost, now)
    assert mirror.delay(cost, now + wait) <= 1e-6 * max(1.0, wait)
    assert mirror.delay(cost, now + wait * (1 + 1e-9) + 1e-6) == 0.0
