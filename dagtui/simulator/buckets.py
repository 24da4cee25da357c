"""An organisation's token buckets, one for each limit that is set, and the others who drink from them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping

from dagtui.core.bucket import TokenBucket
from dagtui.simulator.knobs import RESOURCES, Knobs, Resource

Costs = Mapping[Resource, float]


class Buckets:
    """The buckets of one organisation. Seconds (`now`) are those of one clock that does not run backwards."""

    def __init__(self, knobs: Knobs, now: float) -> None:
        self._buckets: dict[Resource, TokenBucket] = {}
        self.retune(knobs, now)

    def retune(self, knobs: Knobs, now: float) -> None:
        """Follow the knobs. A new limit starts with a full bucket, one that changed keeps its level."""
        for resource in RESOURCES:
            limit, capacity = knobs.per_minute(resource), knobs.capacity(resource)
            bucket = self._buckets.get(resource)
            if limit is None or capacity is None:
                self._buckets.pop(resource, None)
            elif bucket is None:
                self._buckets[resource] = TokenBucket(limit / 60, capacity, now)
            elif (bucket.rate_per_s, bucket.capacity) != (limit / 60, capacity):
                bucket.retune(limit / 60, capacity, now)

    def of(self, resource: Resource) -> TokenBucket | None:
        """The bucket of one resource, or None when it is unlimited."""
        return self._buckets.get(resource)

    def all(self) -> Iterable[tuple[Resource, TokenBucket]]:
        """The buckets of the limits that are set."""
        return self._buckets.items()

    def wait_for(self, costs: Costs, now: float) -> tuple[float, Resource | None]:
        """Seconds until `take(costs)` may be called if nobody else takes, and the resource that is waited for."""
        longest, binding = 0.0, None
        for name, bucket in self._buckets.items():
            wait = bucket.wait_for(costs[name], now)
            if wait > longest:
                longest, binding = wait, name
        return longest, binding

    def take(self, costs: Costs, now: float) -> None:
        """Take all costs, where they are there."""
        for name, bucket in self._buckets.items():
            bucket.take(costs[name], now)

    def settle_output(self, reserved: int, actual: int, now: float) -> None:
        """The answer is there: replace the output that max_tokens reserved by what it came to."""
        bucket = self._buckets.get("output_tokens")
        if bucket is not None:
            bucket.settle(reserved, actual, now)


class Others:
    """Those of the same organisation who ask for something else: requests at random moments, at a mean rate.

    Nothing runs for them: `drink` plays the requests that have come since its last call, each at its own time.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._draw = random.Random(seed)
        self._rate_per_s = 0.0
        self._next = math.inf

    def retune(self, requests_per_minute: float | None, now: float) -> None:
        """Ask so often from now on; None for not at all."""
        rate = (requests_per_minute or 0.0) / 60
        if rate == self._rate_per_s:
            return
        if self._rate_per_s == 0:
            self._draw = random.Random(self._seed)  # whoever turns them on meets the same ones, at any time
        self._rate_per_s = rate
        self._next = now + self._draw.expovariate(rate) if rate else math.inf

    def drink(self, bucket: TokenBucket | None, now: float) -> None:
        """Play the requests that have come: each takes one request from the bucket if it is there."""
        if bucket is None:
            # Nothing is limited, so nothing is missed; those to come are as random from now on as ever.
            self._next = now + self._draw.expovariate(self._rate_per_s) if self._next <= now else self._next
            return
        while self._next <= now:
            bucket.take(1, self._next)
            self._next += self._draw.expovariate(self._rate_per_s)
