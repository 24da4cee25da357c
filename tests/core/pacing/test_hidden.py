from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import pytest

from dagtui.core.bucket import TokenBucket
from dagtui.core.pacing.departure import Departure
from dagtui.core.pacing.hidden import Hidden

START = 50_000.0
Draw = Callable[[random.Random, float], float]


class Run:
    """Sends as many as the window allows, and at most `most`, through a gateway that retries by itself.

    `rate` is the limit behind it (None for none), `counted` whether it says how often it retried, and `latency`
    draws seconds, given the seconds since the start.
    """

    def __init__(self, latency: Draw, *, rate: float | None = None, counted: bool = True, most: int = 100) -> None:
        self.hidden = Hidden()
        self.answered = self.attempts = 0
        self.windows: list[float | None] = []
        self._latency, self._counted, self._most = latency, counted, most
        self._bucket = None if rate is None else TokenBucket(rate, 50.0, START)
        self._random = random.Random(1)
        self._events: list[tuple[float, int, Departure, int]] = []
        self._now, self._order, self._left, self._in_flight = START, 0, 0, 0

    def play(self, seconds: float) -> Run:
        hidden, end = self.hidden, self._now + seconds
        while self._now < end:
            while self._in_flight < self._most and (hidden.window is None or self._in_flight < hidden.window):
                departure = Departure(self._now, (1.0, 0.0, 0.0, 0.0), self._left, self._in_flight)
                self._left += 1
                self._in_flight += 1
                hidden.departed(departure)
                self._try(departure, 0)
            self._now, _, departure, retries = heapq.heappop(self._events)
            if retries < 0:
                self._try(departure, -retries)
                continue
            self._in_flight -= 1
            self.answered += 1
            hidden.answered(departure, retries if self._counted else 0, self._now)
            if not hidden.given_up:
                hidden.follow(self._in_flight, self._now)
            while len(self.windows) < self._now - START:
                self.windows.append(hidden.window)
        return self

    def _try(self, departure: Departure, retries: int) -> None:
        self.attempts += 1
        self._order += 1
        if self._bucket is not None and not self._bucket.take(1, self._now):
            heapq.heappush(self._events, (self._now + 2.0**retries, self._order, departure, -retries - 1))
            return
        latency = self._latency(self._random, self._now - START)
        heapq.heappush(self._events, (self._now + latency, self._order, departure, retries))


def lognormal(median: float, sigma: float) -> Draw:
    return lambda draw, at: median * draw.lognormvariate(0, sigma)


def bimodal(share: float, slow: float) -> Draw:
    return lambda draw, at: (slow if draw.random() < share else 1.0) * draw.lognormvariate(0, 0.1)


def test_a_queue_that_the_gateways_retries_show_makes_a_window_of_what_the_rate_needs() -> None:
    run = Run(lognormal(0.3, 0.3), rate=50.0).play(60)
    needed = 50 * 0.3
    assert run.hidden.window is not None
    assert needed <= run.hidden.window <= 2 * needed
    assert run.answered >= 0.95 * 50 * 60
    assert run.attempts <= 1.25 * run.answered


def test_a_queue_shows_by_latency_alone_when_it_is_far_off() -> None:
    run = Run(lognormal(0.3, 0.3), rate=50.0, counted=False).play(60)
    assert run.hidden.window is not None
    assert run.hidden.window <= 45
    assert run.answered >= 0.95 * 50 * 60
    assert run.attempts <= 1.3 * run.answered


def test_the_window_grows_when_the_limit_does() -> None:
    run = Run(lognormal(0.3, 0.3), rate=20.0).play(60)
    before = run.hidden.window
    assert before is not None
    assert run._bucket is not None
    run._bucket.retune(100.0, 100.0, START + 60)
    run.play(60)
    assert run.hidden.window is not None
    assert run.hidden.window >= 1.4 * before


def test_it_is_not_made_smaller_again_while_the_queue_of_before_drains() -> None:
    hidden = Hidden()
    for number in range(100):
        departure = Departure(START + number / 100, (1.0, 0.0, 0.0, 0.0), number, 1)
        hidden.departed(departure)
        hidden.answered(departure, 0, departure.at + 0.3)
    stuck = [Departure(START + 1.5, (1.0, 0.0, 0.0, 0.0), number, 1) for number in range(100, 200)]
    for departure in stuck:
        hidden.departed(departure)
    hidden.answered(stuck[0], 1, START + 4.0)
    hidden.follow(99, START + 4.0)
    window = hidden.window
    assert window is not None
    for step, departure in enumerate(stuck[1:60]):
        now = START + 4.0 + step / 10
        hidden.answered(departure, 1, now)
        hidden.follow(98 - step, now)
        assert hidden.window == window


@pytest.mark.parametrize("sigma", [0.2, 0.5])
def test_ordinary_spread_is_no_queue(sigma: float) -> None:
    run = Run(lognormal(2.0, sigma)).play(300)
    assert set(run.windows) == {None}


@pytest.mark.parametrize("share", [0.3, 0.35, 0.4, 0.5])
@pytest.mark.parametrize("slow", [4.0, 8.0, 20.0])
def test_a_model_that_is_slow_by_itself_is_not_held_back_in_the_long_run(share: float, slow: float) -> None:
    run = Run(bimodal(share, slow)).play(400)
    assert run.hidden.window is None
    free = 100 / (1 - share + share * slow)
    assert run.play(100).hidden.window is None
    assert run.answered >= 0.6 * free * 500


@pytest.mark.parametrize("sigma", [0.8, 1.2])
def test_nor_is_one_whose_answers_differ_widely(sigma: float) -> None:
    assert Run(lognormal(2.0, sigma)).play(400).hidden.window is None


@pytest.mark.parametrize("most", [15, 400])
def test_the_same_with_few_and_with_many_in_flight(most: int) -> None:
    assert Run(bimodal(0.4, 6.0), most=most).play(400).hidden.window is None


def test_a_slow_phase_leaves_no_window_behind() -> None:
    def phase(draw: random.Random, at: float) -> float:
        return (5.0 if draw.random() < (0.6 if 30 < at < 60 else 0.05) else 1.0) * draw.lognormvariate(0, 0.1)

    run = Run(phase).play(300)
    assert run.hidden.window is None or run.hidden.window > 60


def test_nothing_is_concluded_before_the_usual_latency_is_known() -> None:
    hidden = Hidden()
    for number in range(9):
        departure = Departure(START, (1.0, 0.0, 0.0, 0.0), number, 1)
        hidden.departed(departure)
        assert hidden.answered(departure, 0, START + 10.0 * number)
        hidden.follow(5, START + 10.0 * number)
    assert hidden.window is None


def test_an_answer_with_retries_is_late_however_fast_it_was() -> None:
    hidden = Hidden()
    departure = Departure(START, (1.0, 0.0, 0.0, 0.0), 0, 1)
    hidden.departed(departure)
    assert not hidden.answered(departure, 1, START + 0.01)


def test_failures_tell_nothing_of_latency() -> None:
    hidden = Hidden()
    for number in range(300):
        departure = Departure(START + number / 10, (1.0, 0.0, 0.0, 0.0), number, 1)
        hidden.departed(departure)
        if number % 2:
            hidden.ended(departure)
        else:
            hidden.answered(departure, 0, departure.at + 0.3)
        hidden.follow(5, departure.at + 0.3)
    assert hidden.window is None
