"""What is to come, with how sure that is: the time that is left, and what the whole run will cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from statistics import fmean, stdev

from dagtui.core.held import Holder

_SLICES = 20  # of the throughput's series that the spread is taken from
_SIGMAS = 2.0
_BY_TARGET = frozenset({Holder.YOU, Holder.CEILING})


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds: as it looks, at best, at worst; `at_twice` with twice the target, None where that is no help."""

    likely: float
    least: float
    most: float
    at_twice: float | None = None


class CostSpread:
    """Mean and spread of what requests cost, in billionths of a dollar."""

    __slots__ = ("_number", "_squares", "_sum")

    def __init__(self) -> None:
        self._number = 0
        self._sum = self._squares = 0

    def add(self, cost: int) -> None:
        """A request has ended and cost so much."""
        self._number += 1
        self._sum += cost
        self._squares += cost * cost

    def around(self, left: int) -> Decimal | None:
        """Dollars that the cost of `left` more requests may be off their mean times `left`; None if too few are
        known.

        Two standard errors of a sum of `left` whose mean is estimated from n: v (left + left^2 / n).
        """
        n = self._number
        if n < 2:
            return None
        variance = max(0.0, (self._squares - self._sum * self._sum / n) / (n - 1))
        return Decimal(_SIGMAS * sqrt(variance * (left + left * left / n)) / 1e9)


def time_left(requests: int, rate: float, series: Sequence[float], holder: Holder | None) -> Left | None:
    """How long `requests` take at `rate` a second, with the spread of the last of `series`; None if it is 0."""
    if rate <= 0:
        return None
    recent = series[-_SLICES:]
    spread = stdev(recent) / fmean(recent) if len(recent) >= 3 and fmean(recent) > 0 else 0.5
    spread = min(0.9, _SIGMAS * spread / sqrt(max(1, len(recent))) + 0.02)
    likely = requests / rate
    twice = likely / 2 if holder in _BY_TARGET else None
    return Left(likely, likely / (1 + spread), likely / (1 - spread), twice)
