from __future__ import annotations

import random
from decimal import Decimal

import pytest

from dagtui.core.answer_flags import echo
from dagtui.core.drift import Drift
from dagtui.core.forecast import CostSpread, time_left
from dagtui.core.held import Holder
from dagtui.core.histogram import Histogram
from dagtui.core.lane_time import LaneTime
from dagtui.core.levels import Levels
from dagtui.core.model import Success, Usage
from dagtui.core.pulse import Pulse
from dagtui.core.wave import PARTS, Due


def test_lanes_in_flight_and_idle_ones_add_up_to_the_target_times_the_time() -> None:
    lanes = LaneTime()
    lanes.set(100.0, 0, 10)
    lanes.hold(100.5, Holder.REQUESTS)
    lanes.set(101.0, 7, 10)
    lanes.hold(103.0, Holder.WAITING)
    lanes.set(105.0, 2, 4)
    assert lanes.flown(110.0) == pytest.approx(7 * 4 + 2 * 5)
    idle = dict(lanes.idle(110.0))
    assert idle == {
        Holder.FINDING: pytest.approx(5.0),
        Holder.REQUESTS: pytest.approx(5.0 + 6.0),
        Holder.WAITING: pytest.approx(6.0 + 10.0),
    }
    assert lanes.flown(110.0) + sum(idle.values()) == pytest.approx(10 * 5 + 4 * 5)


def test_after_the_end_no_lane_has_time() -> None:
    lanes = LaneTime()
    lanes.set(0.0, 3, 3)
    lanes.set(2.0, 0, 0)
    assert (lanes.flown(1000.0), lanes.idle(1000.0)) == (6.0, ())


def test_a_clock_that_is_set_back_takes_no_time_away() -> None:
    lanes = LaneTime()
    lanes.set(10.0, 5, 5)
    lanes.set(4.0, 5, 5)
    assert lanes.flown(11.0) == pytest.approx(5.0)


def at_levels(moments: list[tuple[float, int]], bins: int = 240) -> Levels:
    """Levels of a run in which, from each of the moments on, so many are in flight."""
    lanes = LaneTime()
    levels = Levels(lanes.flown, bins)
    levels.begin(0.0)
    for now, flying in moments:
        if now >= levels.ends:
            levels.reach(now)
        lanes.set(now, flying, 50)
    return levels


def test_levels_are_means_of_their_bins_and_merge_when_the_run_gets_long() -> None:
    assert at_levels([(0.0, 10)]).in_flight(0.25) == pytest.approx((10, 10, 10))
    assert at_levels([(0.0, 10), (0.35, 0)]).in_flight(0.39) == pytest.approx((10, 10, 10, 5 / 0.9))
    merged = at_levels([(0.0, 10), (0.35, 0), (0.5, 40)], bins=4)
    assert merged.width == 0.2
    assert merged.in_flight(0.55) == pytest.approx((10, 7.5, 40 * 0.05 / 0.15))


def test_what_flew_through_a_silence_fills_every_bin_of_it() -> None:
    assert at_levels([(0.0, 3)]).in_flight(2.05) == pytest.approx((3,) * 21, abs=1e-6)


def test_the_slow_answers_of_each_bin_are_told_within_five_percent() -> None:
    chance, histogram = random.Random(1), Histogram()
    levels = at_levels([(0.0, 1)])
    latencies = [chance.uniform(0.1, 2.0) for _ in range(1000)]
    for latency in latencies:
        levels.answered(histogram.add(latency))
    levels.reach(0.15)
    levels.answered(histogram.add(9.0))
    first, second = levels.p95(0.15)
    assert first == pytest.approx(sorted(latencies)[949], rel=0.05)
    assert second == pytest.approx(9.0, rel=0.05)


def test_the_wave_has_every_retry_once_where_it_is_due() -> None:
    due = Due()
    for seq, until in enumerate((99.0, 101.0, 102.0, 103.5, 100.0 + 2 * PARTS + 5)):
        due.wait(seq, until)
    wave = due.wave(100.2)
    assert (wave.due, wave.coming[:2], wave.later) == (1, (2, 1), 1)
    due.go(0)
    due.go(2)
    due.go(77)  # nobody
    wave = due.wave(100.2)
    assert (wave.due, wave.coming[:2], wave.later) == (0, (1, 1), 1)


def test_a_mix_that_changes_is_told_in_points_once_the_last_answers_are_others_than_the_first() -> None:
    drift = Drift()
    drift.expect(1000)
    for _ in range(100):
        drift.note("spam")
    assert drift.points is None
    for number in range(100):
        drift.note("work" if number % 4 == 0 else "spam")
    assert drift.points == pytest.approx(25.0)
    spam, work = drift.mix((("spam", 175), ("work", 25)))
    assert drift.much
    assert (spam.before, spam.now, work.before, work.now) == (1.0, 0.75, 0.0, 0.25)


def test_a_mix_that_stays_does_not_drift() -> None:
    drift, chance = Drift(), random.Random(2)
    drift.expect(10_000)
    for _ in range(5_000):
        drift.note(chance.choice(("a", "b", "c")))
    assert drift.points is not None
    assert drift.points < 8
    assert not drift.much


def test_chance_alone_is_hardly_ever_called_a_drift() -> None:
    chance, called = random.Random(4), 0
    for _ in range(200):
        drift = Drift()
        drift.expect(300)
        for _ in range(100):
            drift.note(chance.choices(("work", "spam", "newsletter", "personal"), (4, 3, 2, 1))[0])
        called += drift.much
    assert called <= 4


def test_the_time_left_has_an_interval_around_it_and_twice_the_target_halves_it_only_where_that_binds() -> None:
    left = time_left(1000, 50.0, [48.0, 52.0, 50.0, 49.0, 51.0] * 4, Holder.YOU)
    assert left is not None
    assert left.likely == 20.0
    assert 18.0 < left.least < 20.0 < left.most < 22.0
    assert left.at_twice == 10.0
    limited = time_left(1000, 50.0, [50.0] * 20, Holder.REQUESTS)
    assert limited is not None
    assert limited.at_twice is None
    assert time_left(1000, 0.0, [], Holder.YOU) is None


def test_what_the_rest_will_cost_lies_within_the_interval_nearly_always() -> None:
    chance, inside = random.Random(3), 0
    for _ in range(200):
        costs = [Decimal(str(round(chance.lognormvariate(-7, 0.5), 6))) for _ in range(500)]
        spread = CostSpread()
        for cost in costs[:100]:
            spread.add(int(cost * 10**9))
        around = spread.around(400)
        assert around is not None
        guess = sum(costs[:100]) / 100 * 400
        inside += abs(sum(costs[100:]) - guess) <= around
    assert inside >= 180


def test_of_one_request_nothing_is_known_about_the_spread() -> None:
    spread = CostSpread()
    spread.add(10_000_000)
    assert spread.around(10) is None


def test_identical_answers_are_those_that_are_given_most() -> None:
    pulse = Pulse()
    for text in ("a", "b", "a", "c", "b", "a"):
        pulse.succeed(Success(text, text, 1, 0.1, Usage(), None, echo=echo(text)))
    assert pulse.answers(()).identical == 3
    alone = Pulse()
    alone.succeed(Success("a", "a", 1, 0.1, Usage(), None, echo=echo("a")))
    assert alone.answers(()).identical == 0
