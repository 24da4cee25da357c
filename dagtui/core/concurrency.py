"""Automatic concurrency: how many requests should be in flight.

Where a limit is known, as many as it needs: rate times latency (Little's law), and some more for latency that
varies. Where none is, the published adaptive limits show the way: slow start as TCP's, then Netflix's Gradient2
(the limit times usual latency over present latency, plus a little room to explore) while answers are sound, and
AIMD's cut on overload (529, 503), at most once a round trip. A provider whose limit is known may be overloaded all
the same: then AIMD follows the share of a round trip's attempts that found it so.

Latency of language models follows the length of their answers, so a tolerance keeps ordinary spread from counting
as a queue. What is usual does not follow what a queue adds, or it would soon be usual to queue; but where a
smaller limit does not make answers faster, there was no queue, and the present latency becomes the usual one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_FIRST = 20
_TOLERANCE = 2.0  # times the usual latency that are no queue
_SMOOTHING = 0.3
_CUT = 0.8
_USED = 0.8  # share of the limit that must be in flight for it to be what binds
_LEAST_ANSWERS = 10  # that make a window
_USUAL_FOLLOWS = 0.05  # share of a window's latency that the usual one takes over ...
_USUAL_FALLS = 0.1  # ... and where it is less
_SOUND = 1.5  # times the usual latency that may become usual
_TRIAL = 0.5  # of the limit as it was when latency became too high: there it stays, to see whether that helped
_IN_VAIN = 0.75  # of the latency as it was then
_SPREAD = 2.0  # times what the mean latency needs, for those that take longer
_OVERLOADED = 0.1  # share of a round trip's attempts that may find the provider full before fewer are sent
_EASES = 1.1  # times as many a round trip later, where fewer found it full


class Automatic:
    """Proposes a target, from 1 to `ceiling`."""

    __slots__ = (
        "_busy", "_count", "_cut_at", "_growing", "_limit", "_relief", "_total", "_trial", "_worst", "ceiling",
        "latency", "usual",
    )  # fmt: skip

    def __init__(self, ceiling: int, start: int | None = None) -> None:
        self.ceiling = ceiling
        self.latency: float | None = None  # seconds, of late
        self.usual: float | None = None  # seconds, where nothing queues
        self._limit = float(min(ceiling, start or _FIRST))
        self._growing = True  # slow start
        self._count = self._busy = 0
        self._total = 0.0
        self._cut_at = -math.inf
        self._worst: tuple[float, float] | None = None  # limit and latency, at their highest since a queue showed
        self._trial: _Trial | None = None
        self._relief = _Relief()

    def answered(self, left_at: float, now: float, in_flight: int) -> None:
        """An answer, to what left at `left_at` as the last of `in_flight`."""
        latency = now - left_at
        self._relief.ended(False, in_flight)
        if self._trial is not None:
            self._try(self._trial, left_at, latency)
            return
        self._count += 1
        self._total += latency
        self._busy += in_flight >= _USED * int(self._limit)
        if self._growing and in_flight >= 0.5 * _USED * self._limit:  # which may have doubled since it left
            self._limit = min(float(self.ceiling), self._limit + 1.0)
        # The first to come back are the fastest, so the first window is a longer one.
        if self._count >= max(_LEAST_ANSWERS, (0.7 if self.usual is None else 0.5) * self._limit):
            self._end_window(now)

    def overloaded(self, left_at: float, now: float, in_flight: int) -> None:
        """The provider is full, says the attempt that left at `left_at` as the last of `in_flight`.

        What left before the last cut tells nothing new.
        """
        self._relief.ended(True, in_flight)
        if left_at > self._cut_at:
            self._limit, self._cut_at, self._growing = max(1.0, _CUT * self._limit), now, False

    def target(self, rate: float | None) -> int:
        """How many should be in flight, where `rate` requests a second may leave (None: no limit is known)."""
        wanted = self._limit
        if rate is not None and self.latency is not None:
            needed = max(4.0, math.ceil(_SPREAD * rate * self.latency) + 2.0)
            wanted = min(needed, self._relief.most)
        return max(1, min(self.ceiling, int(wanted)))

    def _end_window(self, now: float) -> None:
        mean = self._total / self._count
        self.latency = mean if self.latency is None else self.latency + _SMOOTHING * (mean - self.latency)
        usual = self.usual = self._usual(mean)
        gradient = min(1.0, max(0.5, _TOLERANCE * usual / mean)) if mean > 0 else 1.0
        if gradient < 1.0:
            self._growing = False
            limit, latency = self._worst or (0.0, 0.0)
            self._worst = (max(limit, self._limit), max(latency, mean))
        elif mean < _SOUND * usual:
            self._worst = None
        if not self._growing and (gradient < 1.0 or self._busy > 0.5 * self._count):
            aim = self._limit * gradient + math.sqrt(self._limit)
            self._limit += _SMOOTHING * (aim - self._limit)
            self._limit = min(float(self.ceiling), max(1.0, self._limit))
        if self._worst is not None and self._limit <= _TRIAL * self._worst[0]:
            self._trial, self._worst = _Trial(now, self._worst[1]), None
        self._count, self._total, self._busy = 0, 0.0, 0

    def _usual(self, mean: float) -> float:
        """What latency is usual, after a window in which it was `mean` seconds."""
        usual = self.usual
        if usual is None:
            return mean
        if mean < usual:
            return usual + _USUAL_FALLS * (mean - usual)
        return usual + _USUAL_FOLLOWS * (mean - usual) if mean < _SOUND * usual else usual

    def _try(self, trial: _Trial, left_at: float, latency: float) -> None:
        """Only what left since the limit is small tells whether it helped."""
        if left_at < trial.since:
            return
        trial.count += 1
        trial.total += latency
        if trial.count >= max(_LEAST_ANSWERS, self._limit):
            mean = trial.total / trial.count
            if mean > _IN_VAIN * trial.before:
                self.usual = mean
            self.latency, self._trial = mean, None


@dataclass(slots=True)
class _Trial:
    """A smaller limit, held since a moment, and the latency before."""

    since: float
    before: float
    count: int = 0
    total: float = 0.0


class _Relief:
    """Spares a provider that is full although its limit would let more through: at most `most` are in flight."""

    __slots__ = ("_full", "_seen", "most")

    def __init__(self) -> None:
        self.most = math.inf
        self._seen = self._full = 0

    def ended(self, full: bool, in_flight: int) -> None:
        """An attempt ended that left as the last of `in_flight`; `full`: the provider was."""
        self._seen += 1
        self._full += full
        if self._seen < max(2 * _LEAST_ANSWERS, min(self.most, in_flight)):
            return
        if self._full > _OVERLOADED * self._seen:
            self.most = max(1.0, _CUT * min(self.most, in_flight))
        else:
            self.most = _EASES * self.most + 1.0
        self._seen = self._full = 0
