"""A cold start: how fast departures may begin where no limit is known yet.

A burst, then a steady train that soon doubles again and again, and two more for each answer (which doubles what is
in flight with each round trip, as TCP's slow start does). It ends with the first refusal, or when it has become so
fast that it holds nobody.
"""

from __future__ import annotations

import math

SMALL_JOB = 128
"""A job of at most so many requests leaves at once."""

_BURST = 20
_TRAIN = 150.0  # departures a second ...
_HOLD = 0.2  # ... for so many seconds, and then doubling every ...
_DOUBLE = 0.1  # ... so many
_ENOUGH = 20_000.0
_SLACK = 1e-3  # of a departure, so that a wait computed in floats suffices


class Ramp:
    """Admits departures at a growing pace. `ceiling` is the most that will be in flight, `jobs` what there is.

    Who asks for many at once believes that the provider takes them, so both burst and train grow with it.
    """

    __slots__ = ("_credit", "_doubles_at", "_rate", "_updated", "ended")

    def __init__(self, now: float, ceiling: int, jobs: int | None) -> None:
        self._credit = float(jobs if jobs is not None and jobs <= SMALL_JOB else max(_BURST, ceiling // 5))
        self._rate = max(_TRAIN, 1.5 * ceiling)
        self._updated = now
        self._doubles_at = math.inf  # until the first departure
        self.ended = False

    def delay(self, now: float) -> float:
        """Seconds until the next departure."""
        self._refill(now)
        short = 1.0 - self._credit
        return short / self._rate if short > _SLACK else 0.0

    def depart(self, now: float) -> None:
        """Somebody left."""
        if self._doubles_at == math.inf:
            self._doubles_at = now + _HOLD
            self._updated = now
        self._credit -= 1.0

    def answered(self) -> None:
        """Somebody was answered in time, so there is room for two."""
        self._credit += 2.0

    def hold(self) -> None:
        """Somebody was refused: no faster than this."""
        self._doubles_at = math.inf if self._doubles_at == math.inf else 1e18

    def _refill(self, now: float) -> None:
        if self._doubles_at == math.inf:
            return
        while now >= self._doubles_at and not self.ended:
            self._credit += self._rate * max(0.0, self._doubles_at - self._updated)
            self._updated = max(self._updated, self._doubles_at)
            self._doubles_at += _DOUBLE
            self._rate *= 2.0
            self.ended = self._rate > _ENOUGH
        self._credit += self._rate * max(0.0, now - self._updated)
        self._updated = max(self._updated, now)
