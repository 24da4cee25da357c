"""How knobs turn, read and are told of."""

from __future__ import annotations

import pytest

from dagtui.core.faults import KNOBS, LIFTED, arranged, told
from dagtui.simulator.knobs import Knobs, change_knobs

REQUESTS, SHARE, LATENCY = KNOBS["requests_per_minute"], KNOBS["rate_429"], KNOBS["latency_median_s"]


def walk(name: str, value: object, direction: int, steps: int, *, fine: bool = False) -> list[str]:
    knob, shown = KNOBS[name], []
    for _ in range(steps):
        value = knob.turned(value, direction, fine=fine)
        shown.append(knob.shown(value))
    return shown


def test_limits_turn_by_1_2_5_and_beyond_the_most_they_are_off() -> None:
    assert walk("requests_per_minute", None, -1, 4) == ["20,000", "10,000", "5,000", "2,000"]
    assert walk("requests_per_minute", 3_000, 1, 4) == ["5,000", "10,000", "20,000", "off"]
    assert walk("requests_per_minute", 20, -1, 2) == ["10", "10"]
    assert walk("requests_per_minute", LIFTED, -1, 1) == ["20,000"]
    assert walk("concurrency_cap", 2, -1, 2) == ["1", "1"]


def test_shares_turn_to_off_and_to_all() -> None:
    assert walk("rate_429", 0, 1, 4) == ["0.1 %", "0.2 %", "0.5 %", "1 %"]
    assert walk("rate_429", 0.002, -1, 3) == ["0.1 %", "off", "off"]
    assert walk("rate_429", 0.5, 1, 2) == ["100 %", "100 %"]


def test_times_have_the_unit_that_suits_them() -> None:
    assert walk("latency_median_s", 0.3, 1, 3) == ["500 ms", "1 s", "2 s"]
    assert walk("latency_median_s", 0.02, -1, 2) == ["10 ms", "10 ms"]
    assert walk("latency_sigma", 0.01, -1, 2) == ["0", "0"]


def test_a_fine_step_moves_the_second_digit() -> None:
    assert walk("requests_per_minute", 3_000, 1, 2, fine=True) == ["3,100", "3,200"]
    assert walk("requests_per_minute", 1_000, -1, 2, fine=True) == ["990", "980"]
    assert walk("concurrency_cap", 7, 1, 2, fine=True) == ["8", "9"]
    assert walk("rate_429", 0.02, -1, 1, fine=True) == ["1.9 %"]


def test_a_number_is_read_in_the_unit_that_is_shown() -> None:
    assert REQUESTS.read("1,500") == 1_500
    assert SHARE.read("2.5") == 0.025
    assert LATENCY.read(".75") == 0.75
    with pytest.raises(ValueError, match=r"^1\.2\.3 is no number\.$"):
        SHARE.read("1.2.3")


@pytest.mark.parametrize("name", KNOBS)
def test_every_step_of_every_knob_is_one_that_the_simulator_takes(name: str) -> None:
    knobs, knob = Knobs(), KNOBS[name]
    for direction in (-1, 1):
        value = getattr(knobs, name)
        for _ in range(30):
            value = knob.turned(value, direction, fine=direction < 0)
            assert getattr(change_knobs(knobs, {name: value}), name) == value
            assert len(knob.shown(value)) <= 9


def test_the_first_limit_shortens_a_burst_of_a_minute_and_the_second_does_not() -> None:
    free = Knobs().model_dump()
    assert arranged(free, {"requests_per_minute": 100}) == {"requests_per_minute": 100, "burst_s": 1.0}
    assert arranged(free, {"rate_429": 0.1}) == {"rate_429": 0.1}
    limited = {**free, "requests_per_minute": 100}
    assert arranged(limited, {"requests_per_minute": 50}) == {"requests_per_minute": 50}
    assert arranged({**free, "burst_s": 5.0}, {"requests_per_minute": 100}) == {"requests_per_minute": 100}


def test_a_limit_that_is_known_is_lifted_and_can_be_set_again() -> None:
    limited = {**Knobs().model_dump(), "requests_per_minute": 100, "burst_s": 1.0}
    lifted = arranged(limited, {"requests_per_minute": None})
    assert lifted == {"requests_per_minute": LIFTED, "requests_burst": LIFTED}
    change_knobs(Knobs(), lifted)
    again = arranged({**limited, **lifted}, {"requests_per_minute": 50})
    assert again == {"requests_per_minute": 50, "requests_burst": None}


def test_what_was_turned_is_told_in_words_and_nothing_else() -> None:
    before, after = Knobs(), Knobs(requests_per_minute=1_500, down=True, accuracy=0.1)
    assert told(before.model_dump(), after.model_dump()) == "requests a minute off -> 1,500, outage off -> on"
    assert told(before.model_dump(), before.model_dump()) == ""
