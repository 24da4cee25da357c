"""Automatic concurrency: how many requests should be in flight.

Where a limit is known, as many as it needs: rate times latency (Little's law), and some more for latency that
varies. Where none is, the published adaptive limits show the way: slow start as TCP's, then Netflix's Gradient2
(the limit times usual latency over present latency, plus a little room to explore) while answers are sound, and
AIMD's cut on overload (529, 503), at most once a round trip. Latency of language models follows the length of
their answers, so a tolerance keeps ordinary spread from counting as a queue.
"""

from __future__ import annotations

import math

_FIRST = 20
_TOLERANCE = 2.0  # times the usual latency that are no queue
_SMOOTHING = 0.3
_CUT = 0.8
_LEAST_ANSWERS = 10  # that make a window
_USUAL_FOLLOWS = 0.05  # share of a window's latency that the usual one takes over; all of it when it is less
_SPREAD = 1.5  # times what the mean latency needs, for those that take longer


class Automatic:
    """Proposes a target, from 1 to `ceiling`."""

    __slots__ = ("_busy", "_count", "_cut_at", "_growing", "_limit", "_total", "ceiling", "latency", "usual")

    def __init__(self, ceiling: int, start: int | None = None) -> None:
        self.ceiling = ceiling
        self.latency: float | None = None  # seconds, of late
        self.usual: float | None = None  # seconds, where nothing queues
        self._limit = float(min(ceiling, start or _FIRST))
        self._growing = True  # slow start
        self._count = self._busy = 0
        self._total = 0.0
        self._cut_at = -math.inf

    def answered(self, left_at: float, now: float, in_flight: int) -> None:
        """An answer, to what left at `left_at` as the last of `in_flight`."""
        latency = now - left_at
        self._count += 1
        self._total += latency
        self._busy += in_flight >= 0.8 * self._limit
        if self._growing and in_flight >= 0.8 * self._limit:
            self._limit = min(float(self.ceiling), self._limit + 1.0)
        if self._count >= max(_LEAST_ANSWERS, 0.5 * self._limit):
            self._end_window()

    def overloaded(self, left_at: float, now: float) -> None:
        """The provider is full. What left before the last cut tells nothing new."""
        if left_at > self._cut_at:
            self._limit, self._cut_at, self._growing = max(1.0, _CUT * self._limit), now, False

    def target(self, rate: float | None) -> int:
        """How many should be in flight, where `rate` requests a second may leave (None: no limit is known)."""
        wanted = self._limit
        if rate is not None and self.latency is not None:
            wanted = max(4.0, math.ceil(_SPREAD * rate * self.latency) + 2.0)
        return max(1, min(self.ceiling, int(wanted)))

    def _end_window(self) -> None:
        mean = self._total / self._count
        self.latency = mean if self.latency is None else self.latency + _SMOOTHING * (mean - self.latency)
        follow = 1.0 if self.usual is None or mean < self.usual else _USUAL_FOLLOWS
        self.usual = mean if self.usual is None else self.usual + follow * (mean - self.usual)
        gradient = min(1.0, max(0.5, _TOLERANCE * self.usual / mean)) if mean > 0 else 1.0
        if gradient < 1.0:
            self._growing = False
        if not self._growing and (gradient < 1.0 or self._busy > 0.5 * self._count):
            aim = self._limit * gradient + math.sqrt(self._limit)
            self._limit += _SMOOTHING * (aim - self._limit)
            self._limit = min(float(self.ceiling), max(1.0, self._limit))
        self._count, self._total, self._busy = 0, 0.0, 0
