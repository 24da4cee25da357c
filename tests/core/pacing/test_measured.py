from __future__ import annotations

import math

import pytest

from dagtui.core.pacing.measured import Measured


def begun(at: float = 0.0) -> Measured:
    measured = Measured(at)
    measured.begin(at, 40.0, at + 1.0)
    return measured


def test_the_rate_is_what_was_admitted_between_two_moments_of_an_empty_bucket() -> None:
    measured = begun(100.0)
    assert measured.refused(104.0, 201, 104.3)
    assert measured.rate == 50.0


def test_before_it_is_known_the_bucket_is_drained_ever_faster_and_not_without_end() -> None:
    measured = begun()
    assert measured.pace(1.0) == 60.0
    assert measured.pace(1.6) == 120.0
    assert measured.pace(2.1) == 240.0
    assert measured.pace(3600.0) < 100_000
    assert math.isfinite(measured.pace(1e6))


def test_the_pace_is_a_little_above_the_rate_so_that_it_is_measured_again() -> None:
    measured = begun()
    measured.refused(4.0, 201, 4.3)
    assert 50.0 < measured.pace(4.3) < 50.0 * 1.01


def test_the_pace_grows_when_nothing_is_refused_for_long() -> None:
    measured = begun()
    measured.refused(4.0, 201, 4.3)
    assert measured.pace(12.0) == measured.pace(4.3)
    paces = [measured.pace(now) for now in (13.0, 15.0, 17.0, 19.0)]
    assert paces == sorted(set(paces))
    assert measured.pace(60.0) > 150.0
    measured.refused(1004.0, 1000 * 60 + 1, 1004.3)
    assert measured.pace(1004.3) < 1.01 * (measured.rate or 0)


def test_it_does_not_grow_without_end_while_it_is_not_made_use_of() -> None:
    measured = begun()
    measured.refused(4.0, 201, 4.3)
    measured.idle = True
    assert measured.pace(1000.0) == 50.0 * 1.25


@pytest.mark.parametrize("now", [0.0, 1e6])
def test_what_an_earlier_run_measured_is_followed_closely_whatever_the_clock_says(now: float) -> None:
    measured = Measured(now, 50.0)
    assert measured.pace(now) < 51.0
    assert measured.pace(now + 7.0) < 51.0
    measured.idle = True
    assert measured.pace(now + 100.0) == 62.5


def test_refusals_of_one_episode_are_one_event_and_are_not_counted_as_admitted() -> None:
    measured = begun()
    assert not measured.refused(0.1, 5, 0.2)
    assert not measured.refused(0.2, 10, 0.3)
    assert measured.refused(4.0, 203, 4.3)
    assert measured.rate == 50.0


def test_too_few_admissions_make_no_rate_unless_it_is_that_slow() -> None:
    measured = begun()
    assert not measured.refused(2.0, 4, 2.3)
    assert measured.refused(20.0, 12, 20.3)
    assert measured.rate == 0.5


def test_a_stretch_in_which_the_bucket_may_have_been_full_is_not_measured() -> None:
    measured = begun()
    measured.refused(4.0, 201, 4.3)
    measured.idle = True
    assert not measured.refused(34.0, 101, 34.3)
    assert measured.rate == 50.0
    assert measured.refused(38.0, 121, 38.3)
    assert measured.rate == 30.0
