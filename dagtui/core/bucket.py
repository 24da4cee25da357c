"""A token bucket with continuous refill, as rate limits are enforced by providers.

The bucket never looks at a clock: every call is told the moment, in seconds of any clock that does not run
backwards. The same bucket enforces a limit in the simulator and mirrors one in the client.
"""

from __future__ import annotations

import math

_SLACK = 1e-3
"""Tokens by which a level may fall short and still pay, so that a wait computed in floats suffices.

It does not add up, because the missing part is taken from the level all the same.
"""


class TokenBucket:
    """Holds at most `capacity` tokens and gains `rate_per_s` of them a second; starts full.

    The level may be below zero: work that cost more than was reserved for it (`settle`) leaves a debt, and
    nothing can be taken until the refill has paid it.
    """

    __slots__ = ("_capacity", "_level", "_rate", "_updated")

    def __init__(self, rate_per_s: float, capacity: float, now: float) -> None:
        _check(rate_per_s, capacity)
        self._rate = rate_per_s
        self._capacity = capacity
        self._level = capacity
        self._updated = now

    @property
    def rate_per_s(self) -> float:
        """Tokens gained a second."""
        return self._rate

    @property
    def capacity(self) -> float:
        """The most tokens the bucket can hold, which is the largest burst."""
        return self._capacity

    def available(self, now: float) -> float:
        """Tokens in the bucket; below zero while a debt is open."""
        self._refill(now)
        return self._level

    def take(self, cost: float, now: float) -> bool:
        """Take `cost` tokens if they are there; otherwise take nothing and say False."""
        self._refill(now)
        if self._level + _SLACK < cost:
            return False
        self._level -= cost
        return True

    def wait_for(self, cost: float, now: float) -> float:
        """Seconds until `take(cost)` would succeed if nobody else takes; infinite if it never would."""
        self._refill(now)
        missing = cost - self._level
        if missing <= _SLACK:
            return 0.0
        if self._rate == 0 or cost > self._capacity + _SLACK:
            return math.inf
        return missing / self._rate

    def give_back(self, cost: float, now: float) -> None:
        """Return tokens that were taken but not used; what does not fit is lost."""
        self._refill(now)
        self._level = min(self._capacity, self._level + cost)

    def settle(self, reserved: float, actual: float, now: float) -> None:
        """Replace what was reserved by what was used; using more than was reserved may leave a debt."""
        self.give_back(reserved - actual, now)

    def wait_until_full(self, now: float) -> float:
        """Seconds until the bucket is full if nobody takes: what providers call the reset."""
        self._refill(now)
        missing = self._capacity - self._level
        if missing <= 0:
            return 0.0
        return missing / self._rate if self._rate else math.inf

    def retune(self, rate_per_s: float, capacity: float, now: float) -> None:
        """Change the limit from now on. What was earned so far stays, as far as it fits the new capacity."""
        _check(rate_per_s, capacity)
        self._refill(now)
        self._rate = rate_per_s
        self._capacity = capacity
        self._level = min(self._level, capacity)

    def _refill(self, now: float) -> None:
        elapsed = now - self._updated
        if elapsed > 0:
            self._level = min(self._capacity, self._level + elapsed * self._rate)
            self._updated = now


def _check(rate_per_s: float, capacity: float) -> None:
    if not (rate_per_s >= 0 and math.isfinite(rate_per_s)):
        raise ValueError(f"A bucket's rate must be a number of at least 0 a second, not {rate_per_s}.")
    if not (capacity > 0 and math.isfinite(capacity)):
        raise ValueError(f"A bucket's capacity must be a number above 0, not {capacity}.")
