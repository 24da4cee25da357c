"""Do the answers change while the run goes on? The mix of their categories now, against the first tenth."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sqrt

_FEWEST, _MOST = 20, 2_000
"""Answers that a mix is taken over, at least and at most: below, chance is all that one would see."""

_MUCH = 10.0  # points


@dataclass(frozen=True, slots=True)
class Mix:
    """A category's share of the first and of the last answers, 0 to 1; `before` is None while those come in."""

    category: str
    number: int
    before: float | None
    now: float


def moved(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """How far two mixes are apart, in points: the share of the answers that would have to change category."""
    first, last = sum(before.values()), sum(now.values())
    if not first or not last:
        return 0.0
    names = before.keys() | now.keys()
    return 50.0 * sum(abs(before.get(name, 0) / first - now.get(name, 0) / last) for name in names)


class Drift:
    """Counts categories of answers in the order in which they come."""

    def __init__(self) -> None:
        self._size: int | None = None
        self._first: Counter[str] = Counter()
        self._recent: Counter[str] = Counter()
        self._ring: deque[str] = deque()
        self._seen = 0

    def expect(self, answers: int | None) -> None:
        """So many are to come in all; from the first answer on, what a tenth is stays as it is."""
        if not self._seen:
            self._size = None if answers is None else min(max(answers // 10, _FEWEST), _MOST)

    def note(self, category: str) -> None:
        """An answer."""
        if self._size is None:
            self._size = _FEWEST * 5
        self._seen += 1
        if self._seen <= self._size:
            self._first[category] += 1
        self._ring.append(category)
        self._recent[category] += 1
        if len(self._ring) > self._size:
            self._recent[self._ring.popleft()] -= 1

    @property
    def known(self) -> bool:
        """The last answers are others than the first."""
        return self._size is not None and self._seen >= 2 * self._size

    @property
    def points(self) -> float | None:
        """How far the mixes are apart: percentage points that changed their category; None while not known."""
        return moved(self._first, self._recent) if self.known else None

    @property
    def much(self) -> bool:
        """The mixes are further apart than chance alone would have them: ten points, and twice what it would do.

        In two samples of n of one mix, the share p of a category differs by sqrt(4 p (1 - p) / (pi n)) on average.
        """
        points, size = self.points, self._size
        if points is None or not size:
            return False
        shares = [number / size / 2 for number in (self._first + self._recent).values()]
        chance = 50.0 * sum(sqrt(4 * share * (1 - share) / (pi * size)) for share in shares)
        return points >= max(_MUCH, 2 * chance)

    def mix(self, totals: tuple[tuple[str, int], ...]) -> tuple[Mix, ...]:
        """The categories of `totals`, in that order, with their shares."""
        recent = len(self._ring) or 1
        known, size = self.known, self._size or 1
        return tuple(
            Mix(name, number, self._first[name] / size if known else None, self._recent[name] / recent)
            for name, number in totals
        )
