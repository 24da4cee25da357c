"""The provider's limits: one set of token buckets an organisation, and the headers that speak of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from dagtui.core.bucket import TokenBucket
from dagtui.simulator.buckets import Buckets, Costs, Others
from dagtui.simulator.knobs import RESOURCES, Knobs, Resource
from dagtui.simulator.wire import Problem, Shape


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not start, and the seconds after which it may; None if waiting cannot help."""

    problem: Problem
    retry_after_s: int | None


TERSE = Refusal(Problem(429, "rate_limit_error", "Rate limited. Please try again later."), None)
"""A refusal that says neither which limit it was nor when to come back."""


class Organisation:
    """What one provider key has left. Seconds (`now`) are those of one clock that does not run backwards."""

    def __init__(self, number: int, knobs: Knobs, seed: int, now: float) -> None:
        self.number = number
        """Which of all organisations it is, from 1: its key is a secret."""
        self.in_flight = 0
        self._knobs = knobs
        self._buckets = Buckets(knobs, now)
        self._others = Others(f"{seed}/{number}")
        self._others.retune(knobs.others_requests_per_minute, now)

    def retune(self, knobs: Knobs, now: float) -> None:
        """Follow the knobs. A new limit starts with a full bucket, one that changed keeps its level."""
        self._let_others_drink(now)
        self._knobs = knobs
        self._buckets.retune(knobs, now)
        self._others.retune(knobs.others_requests_per_minute, now)

    def admit(self, costs: Costs, now: float) -> Refusal | None:
        """Take all costs from their buckets, or none of them and say which limit stands in the way."""
        cap = self._knobs.concurrency_cap
        if cap is not None and self.in_flight >= cap:
            seconds = max(1, math.ceil(self._knobs.latency_median_s))
            message = f"Number of concurrent requests has exceeded your organization's rate limit of {cap}."
            return Refusal(Problem(429, "rate_limit_error", message), seconds)
        self._let_others_drink(now)
        wait, binding = self._buckets.wait_for(costs, now)
        if binding is not None:
            return self._refusal(binding, wait)
        self._buckets.take(costs, now)
        return None

    def settle_output(self, reserved: int, actual: int, now: float) -> None:
        """The answer is there: replace the output that max_tokens reserved by what it came to."""
        self._buckets.settle_output(reserved, actual, now)

    def headers(self, shape: Shape, now: float, epoch: float) -> dict[str, str]:
        """The rate limit headers at this moment, for the limits that are set; `epoch` is the same moment."""
        if self._knobs.strip_ratelimit_headers:
            return {}
        self._let_others_drink(now)
        figures: dict[str, _Figures] = {name: self._figures(bucket, now) for name, bucket in self._buckets.all()}
        if not figures:
            return {}
        tokens = [figures[name] for name in RESOURCES[1:] if name in figures]
        if tokens:
            # "tokens" is the sum of the limits on input and output that are in force.
            resets = max(figure.full_in_s for figure in tokens)
            figures |= {"tokens": _Figures(sum(f.limit for f in tokens), sum(f.remaining for f in tokens), resets)}
        return _anthropic_headers(figures, epoch) if shape == "messages" else _openai_headers(figures)

    def _let_others_drink(self, now: float) -> None:
        if self._knobs.others_requests_per_minute is not None:
            self._others.drink(self._buckets.of("requests"), now)

    def _figures(self, bucket: TokenBucket, now: float) -> _Figures:
        limit = bucket.rate_per_s * 60
        level = bucket.available(now)
        remaining = level if self._knobs.remaining_shows == "bucket" else limit - (bucket.capacity - level)
        return _Figures(limit, max(0.0, remaining), min(bucket.wait_until_full(now), 86400.0))

    def _refusal(self, resource: Resource, wait_s: float) -> Refusal:
        limit = self._knobs.per_minute(resource) or 0
        message = (
            f"This request would exceed your organization's rate limit of {limit:,.0f} "
            f"{resource.replace('_', ' ')} per minute. Please reduce the prompt length or the maximum tokens "
            "requested, or try again later."
        )
        wait = None if math.isinf(wait_s) else max(1, math.ceil(wait_s))
        return Refusal(Problem(429, "rate_limit_error", message), wait)


@dataclass(frozen=True, slots=True)
class _Figures:
    limit: float
    remaining: float
    full_in_s: float


def _anthropic_headers(figures: Mapping[str, _Figures], epoch: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, figure in figures.items():
        start = f"anthropic-ratelimit-{name.replace('_', '-')}"
        # Requests are exact; tokens are rounded to thousands, as Anthropic documents.
        exact = name == "requests"
        remaining = math.floor(figure.remaining) if exact else round(figure.remaining / 1000) * 1000
        headers[f"{start}-limit"] = f"{figure.limit:.0f}"
        headers[f"{start}-remaining"] = str(remaining)
        headers[f"{start}-reset"] = _stamp(math.ceil(epoch + figure.full_in_s))
    return headers


@lru_cache(maxsize=1024)
def _stamp(epoch: int) -> str:
    """A second as Anthropic writes it; many answers in a row name the same few."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _openai_headers(figures: Mapping[str, _Figures]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name in ("requests", "tokens"):
        figure = figures.get(name)
        if figure is not None:
            headers[f"x-ratelimit-limit-{name}"] = f"{figure.limit:.0f}"
            headers[f"x-ratelimit-remaining-{name}"] = f"{math.floor(figure.remaining)}"
            headers[f"x-ratelimit-reset-{name}"] = f"{figure.full_in_s:.3f}s"
    return headers


class Organisations:
    """All organisations that have called, each with its own limits."""

    def __init__(self, knobs: Knobs, seed: int, clock: Callable[[], float]) -> None:
        self._knobs = knobs
        self._seed = seed
        self._clock = clock
        self._known: dict[str, Organisation] = {}

    def of(self, key: str) -> Organisation:
        """The organisation that a provider key belongs to; it starts with full buckets."""
        known = self._known.get(key)
        if known is None:
            known = Organisation(len(self._known) + 1, self._knobs, self._seed, self._clock())
            self._known[key] = known
        return known

    def retune(self, knobs: Knobs) -> None:
        """Follow the knobs from now on."""
        self._knobs = knobs
        for organisation in self._known.values():
            organisation.retune(knobs, self._clock())

    def forget(self, knobs: Knobs) -> None:
        """Start over with these knobs: whoever calls next starts with full buckets."""
        self._knobs = knobs
        self._known.clear()
