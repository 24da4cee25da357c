"""The mirror of one of the provider's token buckets.

The client's own picture of a bucket that it cannot see: the rate at which it fills, its level, its capacity. Every
departure takes its cost; every answer tells the true level at the moment when its request was admitted, and what
the picture was wrong by is corrected, for that moment and so for all that left since.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

from dagtui.core.pacing.departure import Departure, History, Kind

JITTER = 0.015
"""Seconds within which two departures may be admitted in either order."""

_RESERVE_S = 0.03  # seconds of refill kept back, so that jitter on the way causes no refusal
_GAIN = 0.25  # share of a small difference that is believed at once: an alpha-beta filter's alpha ...
_DRIFT_GAIN = 0.3  # ... and its beta
_DRIFT_WINDOW = 0.5  # seconds over which differences are summed before they count as drift
_DRIFT_FADES = 30.0  # seconds after which little is left of a drift that nothing confirms
_LEAST_DRIFT = 0.02  # share of the rate below which it is none
_UNIT_S = 0.1  # seconds of refill that a request's worth in reserve may be at most
_SPREAD = 2.5  # standard deviations of what others take that are kept back
_FAR_S = 1.0  # seconds of refill that are far from empty
_LOOK = 0.01  # seconds between two looks at a bucket that is twice as far from it: more would tell nothing new
_SLACK = 1e-3  # units that do not matter, so that a wait computed in floats suffices
_THOUSANDS = 500.0  # half of what Anthropic rounds token figures to


class Source(StrEnum):
    """Where a rate is known from."""

    UNKNOWN = "unknown"
    TOLD = "told"  # by the user
    REMEMBERED = "remembered"  # from an earlier run
    MESSAGE = "message"  # a refusal named it
    HEADER = "header"
    MEASURED = "measured"  # between two moments of an empty bucket


class Mirror:
    """One bucket. `rate` is in units a second, None while no limit is known; `level` and `capacity` in units.

    While the rate is unknown the level only counts what has left, below zero.
    """

    __slots__ = (
        "_drift_since", "_drift_sum", "_lag", "_looked_at", "_time", "anchor", "capacity", "drift", "error",
        "kind", "level", "limit", "margin", "rate", "seen", "shifted", "source", "told_at", "trusted", "unit",
    )  # fmt: skip

    def __init__(self, kind: Kind, now: float) -> None:
        self.kind = kind
        self.rate: float | None = None
        self.source = Source.UNKNOWN
        self.level = 0.0
        self.capacity = math.inf
        self.shifted = 0.0  # the sum of all corrections
        self.drift = 0.0  # units a second that others of the same organisation take; below zero
        self.margin = 0.0  # kept back beyond the usual, after refusals that nothing explained
        self.trusted = True  # whether "remaining" speaks of the bucket that is enforced
        self.limit: int | None = None  # a minute, as a header said
        self.told_at = -math.inf  # when the request left whose answer told the limit last
        self.anchor = -1  # the departure at which the level was last set anew
        self.error = 0.0  # how wrong the picture was of late, in units
        self.seen = 0  # answers that it was compared with
        self._time = now
        self._looked_at = -math.inf
        self._lag = 0.0  # seconds from a departure to its answer
        self.unit = 1.0 if kind is Kind.REQUESTS else 0.0  # what a departure takes
        self._drift_sum = 0.0
        self._drift_since = now

    # --- what the pacer asks ---

    def delay(self, cost: float, now: float) -> float:
        """Seconds until `cost` may leave; only with a known rate."""
        assert self.rate is not None
        if self.level - cost >= _FAR_S * self.rate + self.margin:
            return 0.0  # far from empty, whatever has flowed in since
        self.refill(now)
        short = min(cost + self.reserve, self.capacity) - self.level
        return short / self._refilled_a_second(self.rate) if short > _SLACK else 0.0

    @property
    def reserve(self) -> float:
        """Units kept in the bucket: a moment's refill, and a request's worth where many leave a second."""
        if self.source is Source.MEASURED:
            return 0.0  # a pace is known, but no level of which to keep anything
        rate = self.rate or 0.0
        kept = _RESERVE_S * rate + self.margin
        if self.drift:  # what others take comes in a random order, and is heard of an answer later
            kept += _SPREAD * math.sqrt(-self.drift * self._lag * self.unit)
        return kept + min(self.unit, _UNIT_S * rate)

    def depart(self, departure: Departure, now: float) -> None:
        """Take the cost of `departure`, and leave a note in it of how the level stood."""
        kind = self.kind
        if now > self._time:
            self.refill(now)
        cost = departure.cost[kind]
        if kind:  # of requests, a departure is always one
            self.unit += (0.05 if self.unit else 1.0) * (cost - self.unit)
        self.level = departure.levels[kind] = self.level - cost
        departure.shifts[kind] = self.shifted

    def refill(self, now: float) -> None:
        """Follow the clock."""
        if now <= self._time:
            return  # it begins later, or it is the same moment
        if (rate := self.rate) is not None:
            elapsed = now - self._time
            level = self.level + elapsed * (self._refilled_a_second(rate) if self.drift else rate)
            self.level = level if level < self.capacity else self.capacity
            if self.drift:
                self._drift_to(self.drift * max(0.0, 1.0 - elapsed / _DRIFT_FADES))
        self._time = now

    def _refilled_a_second(self, rate: float) -> float:
        return max(rate + self.drift, 0.05 * rate)

    # --- what answers say ---

    def is_sure(self, now: float) -> bool:
        """Whether what one more answer says can be left unread: there is plenty, and one was read just now."""
        if now - self._looked_at < _LOOK and self.rate is not None and self.level > 2.0 * _FAR_S * self.rate:
            return True
        self._looked_at = now
        return False

    def predicted(self, departure: Departure) -> float:
        """The level just after `departure`, as far as is known by now."""
        return departure.levels[self.kind] + self.shifted - departure.shifts[self.kind]

    def shift(self, units: float) -> None:
        """Correct the level, for all that is under way too."""
        self.level += units
        self.shifted += units

    def observe(self, departure: Departure, remaining: float, exact: bool, history: History, now: float) -> None:
        """The answer to `departure` says that so much was left just after it was admitted.

        What the order of neighbours on the way or the header's rounding explains is no difference.
        """
        kind, rate = self.kind, self.rate
        self.seen += 1
        assert rate is not None
        if departure.unsure >> kind & 1:
            return
        predicted = departure.levels[kind] + self.shifted - departure.shifts[kind]
        off = remaining + (0.5 if exact else 0.0) - predicted
        grain = 0.5 if exact else (_THOUSANDS if remaining % 1000 == 0 else 1.0)
        far = 2.0 * _FAR_S * rate
        if remaining > far and self.level > far and -far < off < far:
            # Of a bucket that is far from empty nobody needs to know quite how far.
            self.error += 0.05 * (max(0.0, abs(off) - grain) - self.error)
            return
        self._lag += 0.05 * (now - departure.at - self._lag)
        if off > grain:
            off = max(0.0, off - grain - history.before(departure, JITTER, self.kind))
        elif off < -grain:
            off = min(0.0, off + grain + history.after(departure, JITTER, self.kind))
        else:
            off = 0.0
        self.error += 0.05 * (abs(off) - self.error)
        if off:
            self.refill(now)
            self._believe((_GAIN if abs(off) < 0.25 * rate else 1.0) * off, now)

    def doubt(self, departure: Departure, remaining: float, history: History) -> float:
        """How much less than `remaining` there may be: by what was rounded, and by neighbours that came later."""
        rounded = _THOUSANDS if self.kind is not Kind.REQUESTS and remaining % 1000 == 0 else 0.0
        return rounded + history.before(departure, JITTER, self.kind)

    def place(self, departure: Departure, level: float, now: float) -> None:
        """Just after `departure` the bucket held `level`: what was thought before was a guess."""
        self.refill(now)
        self.shift(level - self.predicted(departure))

    def empty(self, departure: Departure, under_way: Iterable[Departure], now: float) -> bool:
        """The bucket held less than `departure` needed. Say whether that was news.

        Those that left at about the same moment either took their share before it or will be refused too: they
        are left out of the count, and what their answers say of the level is not believed.
        """
        self.refill(now)
        cost = departure.cost[self.kind]
        off = 0.5 * cost - (self.predicted(departure) + cost)
        if off >= 0 or departure.unsure >> self.kind & 1:
            return False
        self._believe(off, now)
        self.anchor = departure.number
        aside = 0.0
        for other in under_way:
            if other is departure:
                continue
            if abs(other.at - departure.at) <= JITTER:
                other.unsure |= 1 << self.kind
                if other.number > departure.number:
                    aside += other.cost[self.kind]
        self._raise_later(departure, aside, under_way)
        return True

    def refund(self, departure: Departure, under_way: Iterable[Departure]) -> None:
        """`departure` was not admitted: its cost is still there, for those that left after it."""
        if departure.unsure >> self.kind & 1 or departure.number < self.anchor:
            return
        cost = departure.cost[self.kind]
        self.level += cost
        for other in under_way:
            if other.number > departure.number:
                other.levels[self.kind] += cost

    def settle(self, units: float, now: float) -> None:
        """Given back at this moment: it changes nothing of what was true before."""
        if self.rate is not None:
            self.refill(now)
        self.level = min(self.capacity, self.level + units)

    # --- how the limit becomes known ---

    def learn(
        self, rate: float, source: Source, departure: Departure, level: float,
        under_way: Iterable[Departure], now: float,
    ) -> None:  # fmt: skip
        """The rate is known from now on, and just after `departure` the bucket held `level`."""
        was_unknown = self.rate is None
        off = level - self.predicted(departure)
        for other in under_way:
            if other is not departure:
                other.levels[self.kind] += off + (rate * (other.at - departure.at) if was_unknown else 0.0)
        departure.levels[self.kind] += off
        self.level += off + (rate * (now - departure.at) if was_unknown else 0.0)
        self.rate, self.source, self._time = rate, source, now
        self.anchor = departure.number
        self.drift, self._drift_sum, self._drift_since = 0.0, 0.0, now

    def begin(self, rate: float, source: Source, level: float, now: float) -> None:
        """The rate is known before anything has left."""
        self.rate, self.source, self.level, self._time = rate, source, level, now

    def change(self, rate: float, source: Source, now: float) -> None:
        """The limit itself has changed. A smaller one holds less: what was saved up shrinks with it."""
        self.refill(now)
        if self.rate is not None and rate < self.rate:
            if self.level > 0:
                self.shift(self.level * (rate / self.rate - 1.0))
            self.capacity *= rate / self.rate
        elif self.rate is not None:
            self.capacity *= rate / self.rate
        self.rate, self.source = rate, source
        self.drift = 0.0

    def _believe(self, off: float, now: float) -> None:
        """Apply a correction; corrections that keep one sign mean that others drink from the same bucket.

        Unless it is far from empty: then it may only be full, and what would fill it further is lost.
        """
        assert self.rate is not None
        full = self.level > _FAR_S * self.rate
        self.shift(off)
        if full or self.source is Source.MEASURED:  # what is measured is what others leave
            self._drift_sum, self._drift_since = 0.0, now
            return
        self._drift_sum += off
        elapsed = now - self._drift_since
        if elapsed >= _DRIFT_WINDOW:
            self._drift_to(self.drift + _DRIFT_GAIN * self._drift_sum / elapsed)
            self._drift_sum, self._drift_since = 0.0, now

    def _drift_to(self, drift: float) -> None:
        assert self.rate is not None
        self.drift = 0.0 if drift > -_LEAST_DRIFT * self.rate else max(-0.95 * self.rate, drift)

    def _raise_later(self, departure: Departure, units: float, under_way: Iterable[Departure]) -> None:
        if not units:
            return
        self.level += units
        for other in under_way:
            if other.at > departure.at + JITTER:
                other.levels[self.kind] += units
