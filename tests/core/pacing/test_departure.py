from __future__ import annotations

import pytest

from dagtui.core.pacing.departure import Departure, History, Kind


def at(number: int) -> Departure:
    return Departure(number / 100, (1.0, 10.0, 0.0, 0.0), number, 1)


def filled(count: int) -> History:
    history = History()
    for number in range(count):
        history.add(at(number).at, at(number).cost)
    return history


@pytest.mark.parametrize("count", [200, 20_000])
def test_what_left_around_a_departure_is_counted_also_after_old_ones_are_forgotten(count: int) -> None:
    history, middle = filled(count), at(count - 100)
    assert history.before(middle, 0.055, Kind.REQUESTS) == 5
    assert history.after(middle, 0.055, Kind.INPUT) == 50
    assert history.between(middle.at, middle.at + 0.105, Kind.REQUESTS) == 10
    assert history.mean(Kind.INPUT) == 10
    assert history.count == count


def test_of_what_is_long_forgotten_nothing_is_said() -> None:
    history = filled(40_000)
    assert history.before(at(3), 0.5, Kind.REQUESTS) == 0
    assert history.after(at(3), 0.5, Kind.REQUESTS) == 0


def test_before_anything_left_a_departure_is_taken_for_one() -> None:
    assert History().mean(Kind.REQUESTS) == 1
