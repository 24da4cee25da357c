"""The wave of retries to come: how many are due when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

STEP = 2
"""Seconds that a part of the wave stands for."""
PARTS = 15


@dataclass(frozen=True, slots=True)
class Wave:
    """Retries whose wait is over, those of the next `PARTS` times `STEP` seconds, and those after."""

    due: int = 0
    coming: tuple[int, ...] = (0,) * PARTS
    later: int = 0


class Due:
    """When each request that waits is due, to the second."""

    __slots__ = ("_at", "_by_second")

    def __init__(self) -> None:
        self._at: dict[int, int] = {}
        self._by_second: Counter[int] = Counter()

    def wait(self, seq: int, until: float) -> None:
        """Request `seq` waits until then, epoch seconds."""
        second = int(until)
        self._at[seq] = second
        self._by_second[second] += 1

    def go(self, seq: int) -> None:
        """It waits no longer."""
        second = self._at.pop(seq, None)
        if second is not None:
            self._by_second[second] -= 1
            if not self._by_second[second]:
                del self._by_second[second]

    def wave(self, now: float) -> Wave:
        """The wave as it stands at `now`."""
        first = int(now) + 1
        due = later = 0
        coming = [0] * PARTS
        for second, number in self._by_second.items():
            part = (second - first) // STEP
            if part < 0:
                due += number
            elif part < PARTS:
                coming[part] += number
            else:
                later += number
        return Wave(due, tuple(coming), later)
