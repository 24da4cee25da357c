"""Figures that nobody knows yet: the least, the likely and the most that they may be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Span:
    """A figure between `low` and `high`, and `likely` what it will be."""

    low: float
    likely: float
    high: float

    def times(self, factor: float) -> Span:
        """So many of it."""
        return Span(self.low * factor, self.likely * factor, self.high * factor)

    def capped(self, most: float) -> Span:
        """The same, and never more than `most`."""
        return Span(min(self.low, most), min(self.likely, most), min(self.high, most))

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Dollars:
    """A span of US dollars."""

    low: Decimal
    likely: Decimal
    high: Decimal

    def __add__(self, other: Dollars) -> Dollars:
        return Dollars(self.low + other.low, self.likely + other.likely, self.high + other.high)


NOTHING = Span(0.0, 0.0, 0.0)


def longest(spans: Iterable[Span]) -> Span:
    """What takes as long as the longest of `spans`, whichever that turns out to be."""
    found = list(spans)
    return Span(max(s.low for s in found), max(s.likely for s in found), max(s.high for s in found))


def total(members: Iterable[Span | None], of: int) -> Span:
    """The sum over `of` things, of which `members` are a sample spread evenly; None is one that takes nothing.

    It is as wide as its members are, and a little wider while only some of them are known.
    """
    seen = list(members)
    if not seen:
        return NOTHING
    known = [member for member in seen if member is not None]
    factor = of / len(seen)
    low, likely, high = (sum(getattr(m, name) for m in known) * factor for name in ("low", "likely", "high"))
    off = _sampling_error([0.0 if member is None else member.likely for member in seen], of)
    return Span(low * max(0.0, 1.0 - off), likely, high * (1.0 + off))


def _sampling_error(values: list[float], of: int) -> float:
    """How far the sum of all may be from what the sample says, as a share of it: three standard errors or more."""
    n, mean = len(values), sum(values) / len(values)
    if n >= of or mean <= 0:
        return 0.0
    if n < 2:
        return 1.0
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    missing = 1.0 - n / of  # nothing is left to chance where every one was looked at
    return (3.0 + 10.0 / n) * math.sqrt(variance / n * missing) / mean
