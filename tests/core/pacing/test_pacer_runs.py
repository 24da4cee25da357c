"""Whole runs of a pacer against a provider of token buckets, in a small event loop of numbers."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagtui.core.bucket import TokenBucket
from dagtui.core.model import Blame, Headroom, Prompt, ProviderChoice, RateLimits, Request, Response, Usage
from dagtui.core.pacing.departure import Departure, Kind
from dagtui.core.pacing.learnt import Learnt
from dagtui.core.pacing.pacer import Pacer, Refusal

START = 80_000.0
MAX_TOKENS, OUTPUT, INPUT = 1000, 100, 100
REQUEST = Request(0, "0", "main", Prompt("x" * 400), ProviderChoice("anthropic", "m", MAX_TOKENS), "t")


@dataclass
class Provider:
    """Requests and output tokens are limited, by what is None unless it is given.

    `reserves` says whether it holds max_tokens from a request's admission until its end. `tells` says whether it
    sends headers, `names` whether a refusal names its limit, and `asks` whether it says when to come back.
    """

    requests: TokenBucket | None = None
    output: TokenBucket | None = None
    reserves: bool = True
    tells: bool = True
    names: bool = True
    asks: bool = True
    admitted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def admit(self, now: float) -> tuple[bool, Refusal]:
        reserved = MAX_TOKENS if self.reserves else 1
        empty = None
        if self.requests is not None and self.requests.available(now) < 1:
            empty, wait = "requests", self.requests.wait_for(1, now)
        elif self.output is not None and self.output.available(now) < reserved:
            empty, wait = "output_tokens", self.output.wait_for(reserved, now)
        if empty is not None:
            self.refused.append(now)
            blame = Blame(empty) if self.names else None
            return False, Refusal(self.headers(now), blame, float(int(wait + 1)) if self.asks else None)
        if self.requests is not None:
            self.requests.take(1, now)
        if self.output is not None and self.reserves:
            self.output.take(reserved, now)
        self.admitted.append(now)
        return True, Refusal(self.headers(now))

    def end(self, now: float) -> None:
        if self.output is not None:
            self.output.settle(MAX_TOKENS if self.reserves else 0, OUTPUT, now)

    def headers(self, now: float) -> RateLimits | None:
        if not self.tells:
            return None
        return RateLimits(
            requests=None if self.requests is None else _headroom(self.requests, 1, now),
            output_tokens=None if self.output is None else _headroom(self.output, 1000, now),
        )


def _headroom(bucket: TokenBucket, grain: int, now: float) -> Headroom:
    left = max(0.0, bucket.available(now))
    return Headroom(round(60 * bucket.rate_per_s), int(left) if grain == 1 else grain * round(left / grain))


def run(
    pacer: Pacer,
    provider: Provider,
    seconds: float,
    *,
    latency: Callable[[random.Random], float] = lambda draw: 0.3 * draw.lognormvariate(0, 0.3),
    most: int = 1000,
    jitter: float = 0.001,
    seed: int = 0,
    steps: list[tuple[float, Callable[[float], None]]] | None = None,
) -> Pacer:
    """Let as many leave as may, `most` at once; what is refused leaves again in its turn. `steps` happen once."""
    draw = random.Random(seed)
    events: list[tuple[float, int, str, Any]] = []
    order, waiting_until = 0, -1.0

    def push(at: float, what: str, about: Any = None) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, (at, order, what, about))

    for after, act in steps or []:
        push(START + after, "step", act)
    push(START, "leave")
    while events:
        now, _, what, about = heapq.heappop(events)
        if now > START + seconds:
            break
        match what:
            case "step":
                about(now)
            case "arrive":
                admitted, told = provider.admit(now)
                way = draw.expovariate(1 / jitter)
                if admitted:
                    push(now + latency(draw) + way, "answer", (about, told.limits))
                else:
                    push(now + way, "refused", (about, told))
            case "answer":
                departure, limits = about
                provider.end(now)
                usage = Usage(INPUT, OUTPUT)
                pacer.answered(departure, REQUEST, Response("", usage, "m", limits=limits), now)
            case "refused":
                pacer.refused(*about, now)
            case _:
                if about is not None and about != waiting_until:
                    continue  # it has been replaced by an earlier look
                waiting_until = -1.0
        while pacer.in_flight < most:
            cost = pacer.costs.of(REQUEST)
            wait = pacer.delay(cost, now)
            if wait == 0.0:
                departure: Departure = pacer.depart(cost, now)
                push(now + jitter + draw.expovariate(1 / jitter), "arrive", departure)
                continue
            if wait < float("inf") and not now < waiting_until <= now + wait:
                assert now + wait > now
                waiting_until = now + wait
                push(waiting_until, "leave", waiting_until)
            break
    return pacer


def admitted_between(provider: Provider, begin: float, end: float) -> int:
    return sum(START + begin <= at < START + end for at in provider.admitted)


def refused_between(provider: Provider, begin: float, end: float) -> int:
    return sum(START + begin <= at < START + end for at in provider.refused)


def with_requests(rate: float, capacity: float, **others: Any) -> Provider:
    return Provider(requests=TokenBucket(rate, capacity, START), **others)


@settings(max_examples=25)
@given(
    rate=st.floats(1, 150),
    burst_s=st.floats(0.3, 60),
    median=st.floats(0.1, 3),
    sigma=st.floats(0, 0.6),
    seed=st.integers(0, 1000),
)
def test_whatever_the_limit_it_is_used_up_and_hardly_ever_exceeded(
    rate: float, burst_s: float, median: float, sigma: float, seed: int
) -> None:
    provider = with_requests(rate, max(2.0, burst_s * rate))
    rate = round(60 * rate) / 60  # as the header tells it
    seconds = 60 + 200 / rate
    pacer = Pacer(START, ceiling=100)
    run(pacer, provider, seconds, latency=lambda draw: median * draw.lognormvariate(0, sigma), seed=seed)
    settling = 10 + 20 / rate
    admitted = admitted_between(provider, settling, seconds)
    assert admitted >= 0.95 * rate * (seconds - settling) - 3
    # A gentle start may meet the limit before it is told: what leaves in one round trip, and no more.
    assert refused_between(provider, 0, settling) <= 60 + 2 * rate * median
    assert refused_between(provider, settling, seconds) <= 0.01 * admitted + 3


@pytest.mark.parametrize("reserves", [True, False])
def test_output_is_paced_by_what_the_provider_holds_back_for_it(reserves: bool) -> None:
    # 2,000 tokens a second: two answers a second by max_tokens, were it not given back; twenty by what they are.
    provider = Provider(output=TokenBucket(2000.0, 20_000.0, START), reserves=reserves)
    pacer = run(Pacer(START, ceiling=100), provider, 120)
    kinds = [mirror.kind for mirror in pacer.limits.known]
    assert kinds == [Kind.RESERVED_OUTPUT if reserves else Kind.ACTUAL_OUTPUT]
    assert admitted_between(provider, 30, 120) >= 0.93 * 20 * 90
    # Who charges at the end shows debts when they are made already.
    assert refused_between(provider, 30, 120) <= (0.01 if reserves else 0.1) * 20 * 90


def test_a_limit_that_no_header_tells_is_found_by_refusals() -> None:
    provider = with_requests(50.0, 50.0, tells=False, names=False)
    pacer = run(Pacer(START, ceiling=100), provider, 120)
    assert admitted_between(provider, 20, 120) >= 0.97 * 50 * 100
    assert refused_between(provider, 20, 120) <= 0.02 * 50 * 100
    learnt = pacer.learnt().buckets[Kind.REQUESTS]
    assert learnt.measured
    assert learnt.rate == pytest.approx(50.0, rel=0.03)


def test_a_429_that_says_nothing_at_all_is_enough() -> None:
    provider = with_requests(20.0, 20.0, tells=False, names=False, asks=False)
    run(Pacer(START, ceiling=100), provider, 120)
    assert admitted_between(provider, 30, 120) >= 0.95 * 20 * 90
    assert refused_between(provider, 30, 120) <= 0.03 * 20 * 90


def test_what_was_measured_is_used_by_the_next_run_without_many_refusals() -> None:
    cold = run(Pacer(START, ceiling=100), with_requests(50.0, 50.0, tells=False, names=False), 60)
    provider = with_requests(50.0, 50.0, tells=False, names=False)
    run(Pacer(START, learnt=cold.learnt(), ceiling=100), provider, 60)
    assert admitted_between(provider, 0, 60) >= 0.97 * 50 * 60
    assert len(provider.refused) <= 0.02 * 50 * 60


def test_a_limit_that_is_raised_is_found_although_nobody_tells_it() -> None:
    provider = with_requests(20.0, 20.0, tells=False, names=False)
    assert provider.requests is not None
    raise_it = provider.requests.retune
    run(Pacer(START, ceiling=100), provider, 180, steps=[(40, lambda now: raise_it(60.0, 60.0, now))])
    assert admitted_between(provider, 150, 180) >= 0.9 * 60 * 30


def test_a_limit_that_halves_and_comes_back_is_followed_within_a_round_trip() -> None:
    provider = with_requests(50.0, 50.0)
    assert provider.requests is not None
    retune = provider.requests.retune
    steps: list[tuple[float, Callable[[float], None]]] = [
        (20, lambda now: retune(25.0, 25.0, now)),
        (50, lambda now: retune(50.0, 50.0, now)),
    ]
    run(Pacer(START, ceiling=100), provider, 80, steps=steps)
    assert refused_between(provider, 5, 80) <= 15
    assert admitted_between(provider, 22, 50) >= 0.95 * 25 * 28
    assert admitted_between(provider, 52, 80) >= 0.95 * 50 * 28


def test_others_traffic_leaves_room_for_no_more_than_the_rest() -> None:
    provider = with_requests(50.0, 50.0)
    assert provider.requests is not None
    take, draw = provider.requests.take, random.Random(3)
    moments, others = 0.0, []
    while moments < 100:
        moments += draw.expovariate(25.0)
        others.append((moments, lambda now: take(1, now)))
    run(Pacer(START, ceiling=100), provider, 100, steps=others)
    assert admitted_between(provider, 10, 100) >= 0.85 * 25 * 90
    assert refused_between(provider, 10, 100) <= 0.02 * 25 * 90


def test_without_a_limit_nobody_is_held_back_for_long() -> None:
    provider = Provider(tells=False)
    run(Pacer(START, ceiling=100), provider, 30, most=100)
    assert admitted_between(provider, 0, 30) >= 0.93 * 30 * 100 / 0.32


def test_slow_models_whose_latency_varies_are_not_held_back_in_the_long_run() -> None:
    provider = Provider(tells=False)
    pacer = run(
        Pacer(START, ceiling=100),
        provider,
        400,
        most=100,
        latency=lambda draw: (6.0 if draw.random() < 0.4 else 1.0) * draw.lognormvariate(0, 0.1),
    )
    assert pacer.window is None
    assert admitted_between(provider, 200, 400) >= 0.95 * 200 * 100 / 3.02


def test_hundreds_of_quiet_seconds_after_the_first_refusals_do_no_harm() -> None:
    provider = with_requests(5.0, 5.0, tells=False, names=False)
    assert provider.requests is not None
    retune = provider.requests.retune
    steps: list[tuple[float, Callable[[float], None]]] = [
        (4, lambda now: retune(10_000.0, 10_000.0, now)),
        (700, lambda now: retune(5.0, 5.0, now)),
    ]
    run(Pacer(START, ceiling=10), provider, 760, most=10, steps=steps)
    assert refused_between(provider, 720, 760) <= 0.1 * 5 * 40
    assert admitted_between(provider, 720, 760) >= 0.9 * 5 * 40


def test_nothing_learnt_means_a_run_like_the_first() -> None:
    one, two = with_requests(30.0, 30.0), with_requests(30.0, 30.0)
    run(Pacer(START, ceiling=100), one, 20)
    run(Pacer(START, learnt=Learnt(), ceiling=100), two, 20)
    assert one.admitted == two.admitted
