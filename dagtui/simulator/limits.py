"""The provider's limits: one set of token buckets an organisation, and the headers that speak of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dagtui.core.bucket import TokenBucket
from dagtui.simulator.knobs import RESOURCES, Knobs, Resource
from dagtui.simulator.wire import Problem, Shape

Costs = Mapping[Resource, float]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not start, and the seconds after which it may; None if waiting cannot help."""

    problem: Problem
    retry_after_s: int | None


class Organisation:
    """What one provider key has left. Seconds (`now`) are those of one clock that does not run backwards."""

    def __init__(self, knobs: Knobs, now: float) -> None:
        self.in_flight = 0
        self._buckets: dict[Resource, TokenBucket] = {}
        self._knobs = knobs
        self.retune(knobs, now)

    def retune(self, knobs: Knobs, now: float) -> None:
        """Follow the knobs. A new limit starts with a full bucket, one that changed keeps its level."""
        self._knobs = knobs
        for resource in RESOURCES:
            limit, capacity = knobs.per_minute(resource), knobs.capacity(resource)
            bucket = self._buckets.get(resource)
            if limit is None or capacity is None:
                self._buckets.pop(resource, None)
            elif bucket is None:
                self._buckets[resource] = TokenBucket(limit / 60, capacity, now)
            elif (bucket.rate_per_s, bucket.capacity) != (limit / 60, capacity):
                bucket.retune(limit / 60, capacity, now)

    def admit(self, costs: Costs, now: float) -> Refusal | None:
        """Take all costs from their buckets, or none of them and say which limit stands in the way."""
        cap = self._knobs.concurrency_cap
        if cap is not None and self.in_flight >= cap:
            seconds = max(1, math.ceil(self._knobs.latency_median_s))
            message = f"Number of concurrent requests has exceeded your organization's rate limit of {cap}."
            return Refusal(Problem(429, "rate_limit_error", message), seconds)
        longest, binding = 0.0, None
        for name, bucket in self._buckets.items():
            wait = bucket.wait_for(costs[name], now)
            if wait > longest:
                longest, binding = wait, name
        if binding is not None:
            return self._refusal(binding, longest)
        for name, bucket in self._buckets.items():
            bucket.take(costs[name], now)
        return None

    def settle_output(self, reserved: int, actual: int, now: float) -> None:
        """The answer is there: replace the output that max_tokens reserved by what it came to."""
        bucket = self._buckets.get("output_tokens")
        if bucket is not None:
            bucket.settle(reserved, actual, now)

    def headers(self, shape: Shape, now: float, epoch: float) -> dict[str, str]:
        """The rate limit headers at this moment, for the limits that are set; `epoch` is the same moment."""
        if not self._buckets or self._knobs.strip_ratelimit_headers:
            return {}
        figures: dict[str, _Figures] = {
            name: self._figures(name, bucket, now) for name, bucket in self._buckets.items()
        }
        tokens = [figures[name] for name in RESOURCES[1:] if name in figures]
        if tokens:
            # "tokens" is the sum of the limits on input and output that are in force.
            resets = max(figure.full_in_s for figure in tokens)
            figures |= {"tokens": _Figures(sum(f.limit for f in tokens), sum(f.remaining for f in tokens), resets)}
        return _anthropic_headers(figures, epoch) if shape == "messages" else _openai_headers(figures)

    def _figures(self, resource: Resource, bucket: TokenBucket, now: float) -> _Figures:
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
        resets = datetime.fromtimestamp(math.ceil(epoch + figure.full_in_s), UTC)
        headers[f"{start}-limit"] = f"{figure.limit:.0f}"
        headers[f"{start}-remaining"] = str(remaining)
        headers[f"{start}-reset"] = resets.strftime("%Y-%m-%dT%H:%M:%SZ")
    return headers


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

    def __init__(self, knobs: Knobs, clock: Callable[[], float]) -> None:
        self._knobs = knobs
        self._clock = clock
        self._known: dict[str, Organisation] = {}

    def of(self, key: str) -> Organisation:
        """The organisation that a provider key belongs to; it starts with full buckets."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Organisation(self._knobs, self._clock())
        return known

    def retune(self, knobs: Knobs) -> None:
        """Follow the knobs from now on."""
        self._knobs = knobs
        for organisation in self._known.values():
            organisation.retune(knobs, self._clock())
