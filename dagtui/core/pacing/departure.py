"""Attempts that left, as the pacer remembers them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from enum import IntEnum

KINDS = 4


class Kind(IntEnum):
    """What a provider's bucket counts. Output is mirrored twice, by the two ways in which providers charge it."""

    REQUESTS = 0
    INPUT = 1
    RESERVED_OUTPUT = 2  # max_tokens when the request is admitted, what is not used given back at its end
    ACTUAL_OUTPUT = 3  # what is produced, as it is produced


Cost = tuple[float, float, float, float]
"""What one attempt takes from each bucket, by `Kind`."""

_KEPT = 8192


class Departure:
    """One attempt under way.

    `levels` are the mirrored levels just after it left, `shifts` each mirror's sum of corrections at that moment:
    an answer speaks of the moment when its request was admitted, so it is compared with these, plus whatever was
    corrected since. `unsure` marks mirrors that were set anew by another departure of about the same moment, so
    that nobody knows which of the two came first.
    """

    __slots__ = ("at", "cost", "fate", "in_flight", "levels", "number", "overdue", "shifts", "unsure")

    def __init__(self, at: float, cost: Cost, number: int, in_flight: int) -> None:
        self.at = at
        self.cost = cost
        self.number = number
        self.in_flight = in_flight
        self.levels = [0.0] * KINDS
        self.shifts = [0.0] * KINDS
        self.unsure = 0
        self.fate = ""  # empty while under way, then "in time", "late", or "none" where that has no meaning
        self.overdue = False  # it has not come back, and is late


class History:
    """What left when: moments and summed costs of the last departures."""

    def __init__(self) -> None:
        self.count = 0
        self._first = 0
        self._times: list[float] = []
        self._sums: list[Cost] = [(0.0, 0.0, 0.0, 0.0)]

    def add(self, at: float, cost: Cost) -> None:
        """A departure; `at` never decreases."""
        requests, inputs, reserved, actual = self._sums[-1]
        self._times.append(at)
        self._sums.append((requests + cost[0], inputs + cost[1], reserved + cost[2], actual + cost[3]))
        self.count += 1
        if len(self._times) > 2 * _KEPT:
            self._first += _KEPT
            del self._times[:_KEPT]
            del self._sums[:_KEPT]

    def mean(self, kind: int) -> float:
        """What one departure took, in the mean."""
        return self._sums[-1][kind] / self.count if self.count else 1.0

    def before(self, departure: Departure, seconds: float, kind: int) -> float:
        """What left in the `seconds` before `departure`."""
        place = departure.number - self._first
        if place <= 0:
            return 0.0
        since = bisect_left(self._times, departure.at - seconds, 0, place)
        return self._sums[place][kind] - self._sums[since][kind]

    def after(self, departure: Departure, seconds: float, kind: int) -> float:
        """What left in the `seconds` after `departure`."""
        place = departure.number - self._first + 1
        if place <= 0:
            return 0.0
        until = bisect_right(self._times, departure.at + seconds, place)
        return self._sums[until][kind] - self._sums[place][kind]

    def between(self, start: float, end: float, kind: int) -> float:
        """What left after `start` and until `end`."""
        times = self._times
        return self._sums[bisect_right(times, end)][kind] - self._sums[bisect_right(times, start)][kind]
