"""What the pacer makes of answers and refusals, one at a time; `test_pacer_runs` has whole runs."""

from __future__ import annotations

import math

import pytest

from dagtui.core.model import Blame, Headroom, Prompt, ProviderChoice, RateLimits, Request, Response, Usage
from dagtui.core.pacing.departure import Cost, Departure, Kind
from dagtui.core.pacing.learnt import Bucket, Learnt
from dagtui.core.pacing.mirror import Source
from dagtui.core.pacing.pacer import Pacer, Refusal

START = 80_000.0
REQUEST = Request(0, "0", "main", Prompt("x" * 400), ProviderChoice("anthropic", "m", 200), "t")
REFUSED = Refusal()


def pacer(requests: float | None = None, **others: object) -> Pacer:
    """One that was told a limit of so many requests a minute."""
    return Pacer(START, told={} if requests is None else {Kind.REQUESTS: requests}, **others)  # type: ignore[arg-type]


def cost_of(pacer: Pacer) -> Cost:
    return pacer.costs.of(REQUEST)


def delay(pacer: Pacer, now: float) -> float:
    return pacer.delay(cost_of(pacer), now)


def leave(pacer: Pacer, now: float) -> Departure:
    return pacer.depart(cost_of(pacer), now)


def answer(pacer: Pacer, departure: Departure, now: float, limits: RateLimits | None = None) -> None:
    pacer.answered(departure, REQUEST, Response("", Usage(100, 50), "m", limits=limits), now)


def asked(seconds: float, resource: str | None = None, per_minute: float | None = None) -> Refusal:
    blame = None if resource is None else Blame(resource, per_minute)  # type: ignore[arg-type]
    return Refusal(blame=blame, retry_after=seconds)


def as_many_as_may(pacer: Pacer, now: float) -> int:
    count = 0
    while delay(pacer, now) == 0.0 and count < 10_000:
        leave(pacer, now)
        count += 1
    return count


# --- what is known ---


def test_a_told_limit_paces_and_lets_some_leave_at_once() -> None:
    told = pacer(3000)
    at_once = as_many_as_may(told, START)
    assert 10 <= at_once <= 20
    assert 0.0 < delay(told, START) <= 1 / 50
    assert told.rate == 50.0
    assert not told.learnt().buckets[Kind.REQUESTS].measured


def test_what_the_user_tells_beats_what_an_earlier_run_measured() -> None:
    measured = Learnt({Kind.REQUESTS: Bucket(10.0, 2.5, measured=True)})
    told = pacer(6000, learnt=measured)
    delay(told, START + 1)
    assert told.rate == 100.0


def test_what_an_earlier_run_measured_is_followed_from_the_start() -> None:
    known = pacer(learnt=Learnt({Kind.REQUESTS: Bucket(10.0, 2.5, measured=True)}))
    delay(known, START)
    delay(known, START + 0.1)
    assert known.rate == pytest.approx(10.0, rel=0.02)
    assert not known.finding_out


def test_a_number_in_a_refusal_is_used_where_no_header_tells_one() -> None:
    fresh = pacer()
    departures = [leave(fresh, START) for _ in range(20)]
    fresh.refused(departures[0], asked(1.0, "requests", 600), START + 0.3)
    assert fresh.limits[Kind.REQUESTS].source is Source.MESSAGE
    assert fresh.rate == 10.0
    assert not fresh.finding_out


def test_a_number_in_a_refusal_corrects_what_the_user_told() -> None:
    told = pacer(6000)
    told.refused(leave(told, START), asked(1.0, "requests", 600), START + 0.3)
    assert told.rate == 10.0


def test_a_header_beats_the_number_in_a_refusal() -> None:
    fresh = pacer()
    one, two = leave(fresh, START), leave(fresh, START)
    answer(fresh, one, START + 0.2, RateLimits(requests=Headroom(1200, 15)))
    fresh.refused(two, asked(1.0, "requests", 600), START + 0.3)
    assert fresh.rate == 20.0


def test_the_same_number_said_again_leaves_what_was_learnt_of_others_alone() -> None:
    fresh = pacer()
    fresh.refused(leave(fresh, START), asked(1.0, "requests", 600), START + 0.3)
    fresh.limits[Kind.REQUESTS].drift = -4.0
    fresh.refused(leave(fresh, START + 5), asked(0.0, "requests", 600), START + 5.3)
    assert fresh.limits[Kind.REQUESTS].drift < -2.0


def test_the_first_header_ends_the_gentle_start() -> None:
    fresh = pacer(ceiling=1000)
    departure = leave(fresh, START)
    as_many_as_may(fresh, START)
    assert fresh.finding_out
    assert delay(fresh, START) > 0
    answer(fresh, departure, START + 0.01, RateLimits(requests=Headroom(60_000, 50_000)))
    fresh._ramp = None  # the first refusal or its own end takes it away; here only the bucket is of interest
    assert delay(fresh, START + 0.01) == 0.0


def test_remaining_that_lies_is_no_longer_believed_and_the_limit_still_is() -> None:
    headed = pacer()
    answer(headed, leave(headed, START), START + 0.1, RateLimits(requests=Headroom(600, 500)))
    mirror = headed.limits[Kind.REQUESTS]
    lies = Refusal(RateLimits(requests=Headroom(600, 450)), Blame("requests"), 1.0)
    headed.refused(leave(headed, START + 1), lies, START + 1.1)
    assert not mirror.trusted
    level = mirror.level
    answer(headed, leave(headed, START + 2), START + 2, RateLimits(requests=Headroom(600, 440)))
    assert mirror.level == pytest.approx(level + 9 - 1, abs=0.2)
    assert mirror.rate == 10.0
    assert not headed.learnt().buckets[Kind.REQUESTS].trusted


def test_remaining_that_says_there_is_nothing_is_believed() -> None:
    headed = pacer()
    answer(headed, leave(headed, START), START + 0.1, RateLimits(requests=Headroom(600, 5)))
    honest = Refusal(RateLimits(requests=Headroom(600, 0)), Blame("requests"), 1.0)
    headed.refused(leave(headed, START + 0.2), honest, START + 0.3)
    assert headed.limits[Kind.REQUESTS].trusted


# --- refusals ---


def test_one_stray_refusal_stops_nobody() -> None:
    fresh = pacer(ceiling=100)
    departures = [leave(fresh, START) for _ in range(20)]
    answer(fresh, departures[0], START + 0.3)
    fresh.refused(departures[1], asked(60.0), START + 0.3)
    assert fresh.gate(START + 0.3) == 0.0
    assert delay(fresh, START + 0.4) < 0.1
    assert fresh.rate is None


def test_refusals_that_are_confirmed_pause_all_as_long_as_the_provider_asks() -> None:
    fresh = pacer(ceiling=100)
    for step in range(3):
        fresh.refused(leave(fresh, START + step), asked(7.0), START + step + 0.3)
    now = START + 2.3
    assert fresh.gate(now) == pytest.approx(7.0)
    assert delay(fresh, now) == pytest.approx(7.0)
    assert not fresh.finding_out


def test_refusals_of_what_had_left_already_confirm_nothing() -> None:
    fresh = pacer(ceiling=100)
    departures = [leave(fresh, START) for _ in range(20)]
    for departure in departures:
        fresh.refused(departure, asked(7.0), START + 0.3)
    assert fresh.gate(START + 0.3) == 0.0


def test_answers_to_those_that_left_later_clear_a_stray_refusal() -> None:
    fresh = pacer(ceiling=100)
    fresh.refused(leave(fresh, START), asked(7.0), START + 0.3)
    for step in range(12):
        answer(fresh, leave(fresh, START + 1 + step / 10), START + 1.3 + step / 10)
    for step in range(2):
        fresh.refused(leave(fresh, START + 5 + step), asked(7.0), START + 5.3 + step)
    assert fresh.gate(START + 6.3) == 0.0


def test_a_retry_after_that_the_mirror_explains_does_not_pause() -> None:
    told = pacer(60)
    as_many_as_may(told, START)
    for step in range(6):
        again = told.refused(leave(told, START + step / 10), asked(1.0), START + 0.1 + step / 10)
        assert again is not None
        assert again < 0.1
    assert told.gate(START + 1) == 0.0


def test_a_retry_after_that_it_does_not_explain_pauses_once_it_is_confirmed() -> None:
    told = pacer(3000)
    for step in range(3):
        told.refused(leave(told, START + step), asked(30.0), START + step + 0.3)
    assert told.gate(START + 2.3) == pytest.approx(30.0)


@pytest.mark.parametrize("resource", ["growth", "quota"])
def test_limits_that_are_no_buckets_teach_nothing(resource: str) -> None:
    told = pacer(3000)
    as_many_as_may(told, START)
    departure = leave(told, START + 1)
    level = told.limits[Kind.REQUESTS].level
    assert told.refused(departure, asked(30.0, resource), START + 1) is None
    assert told.limits[Kind.REQUESTS].level == level + 1
    assert told.refusals == 0
    assert (told.gate(START + 1), told.rate, told.cap) == (0.0, 50.0, math.inf)


def test_a_refusal_after_hidden_retries_says_nothing_of_its_moment() -> None:
    told = pacer(3000)
    level = told.limits[Kind.REQUESTS].level
    assert told.refused(leave(told, START), Refusal(gateway_retries=-1, retry_after=9.0), START) is None
    assert told.limits[Kind.REQUESTS].level == level


def test_too_many_at_once_sets_a_cap_that_eases_when_all_goes_well() -> None:
    free = pacer(60_000, ceiling=100)
    departures = [leave(free, START) for _ in range(10)]
    free.refused(departures[9], asked(1.0, "concurrency"), START + 0.1)
    assert free.cap == 9
    assert free.in_flight == 9
    assert delay(free, START + 0.2) == math.inf
    answer(free, departures[0], START + 0.3)
    assert delay(free, START + 0.3) == 0.0
    under_way = departures[1:9]
    for step in range(300):
        under_way.append(leave(free, START + 1 + step / 10))
        assert delay(free, START + 1 + step / 10) == math.inf
        answer(free, under_way.pop(), START + 1 + step / 10)
    assert free.cap == 10
    assert free.learnt().concurrency == 10


def test_refusals_of_one_crowd_lower_the_cap_once() -> None:
    free = pacer(60_000, ceiling=100)
    departures = [leave(free, START) for _ in range(30)]
    for departure in reversed(departures[20:]):
        free.refused(departure, asked(1.0, "concurrency"), START + 0.1)
    assert free.cap == 29


def test_the_cap_is_never_below_one() -> None:
    free = pacer(60_000)
    free.refused(leave(free, START), asked(1.0, "concurrency"), START + 0.1)
    assert free.cap == 1
    assert delay(free, START + 1) == 0.0


# --- other ends ---


def test_what_was_never_sent_costs_nothing() -> None:
    told = pacer(3000)
    levels = [mirror.level for mirror in told.limits.mirrors]
    told.unsent(leave(told, START))
    assert [mirror.level for mirror in told.limits.mirrors] == levels
    assert told.in_flight == 0


def test_what_failed_after_it_was_let_in_keeps_its_cost_and_gives_back_what_was_reserved() -> None:
    told = Pacer(START, told={Kind.REQUESTS: 3000.0, Kind.RESERVED_OUTPUT: 60_000.0})
    before = [mirror.level for mirror in told.limits.mirrors]
    told.failed(leave(told, START), START)
    after = [mirror.level for mirror in told.limits.mirrors]
    assert after[Kind.REQUESTS] == before[Kind.REQUESTS] - 1
    assert after[Kind.INPUT] == before[Kind.INPUT] - 100
    assert after[Kind.RESERVED_OUTPUT] == before[Kind.RESERVED_OUTPUT]
    assert told.in_flight == 0


def test_what_the_next_run_should_know_keeps_each_buckets_own_rate() -> None:
    mixed = pacer()
    told = RateLimits(input_tokens=Headroom(600_000, 500_000))
    answer(mixed, leave(mixed, START), START + 0.2, told)
    for step in range(8):
        mixed.refused(leave(mixed, START + 1 + step), asked(1.0, "requests"), START + 1.3 + step)
    buckets = mixed.learnt().buckets
    assert buckets == {Kind.INPUT: Bucket(10_000.0)}  # how fast requests may be was not found out in time
    assert mixed._measured is not None
    mixed._measured.rate = 3.0
    buckets = mixed.learnt().buckets
    assert buckets[Kind.INPUT] == Bucket(10_000.0)
    assert (buckets[Kind.REQUESTS].rate, buckets[Kind.REQUESTS].measured) == (3.0, True)


def test_a_run_without_refusals_lets_the_next_one_begin_with_as_many_at_once() -> None:
    free = pacer(ceiling=100)
    departures = [leave(free, START) for _ in range(60)]
    for departure in departures:
        answer(free, departure, START + 0.3)
    learnt = free.learnt()
    assert learnt.unlimited_in_flight == 60
    assert as_many_as_may(pacer(learnt=learnt, ceiling=100), START) >= 60


def test_a_run_with_refusals_does_not() -> None:
    fresh = pacer(ceiling=100)
    fresh.refused(leave(fresh, START), REFUSED, START + 0.3)
    assert fresh.learnt().unlimited_in_flight is None


def test_a_window_is_followed_although_something_was_refused_later() -> None:
    hidden = pacer(ceiling=100)
    for step in range(20):
        answer(hidden, leave(hidden, START + step / 10), START + step / 10 + 0.3)
    hidden._hidden.window = 5.0
    hidden.refused(leave(hidden, START + 3), Refusal(gateway_retries=-1), START + 20)
    assert hidden.learnt().unlimited_in_flight is None
    for step in range(100):
        answer(hidden, leave(hidden, START + 21 + step / 5), START + 21.3 + step / 5)
    assert hidden.window is not None
    assert hidden.window > 8
