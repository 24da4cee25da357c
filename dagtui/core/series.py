"""Counts over time for a chart: a fixed number of bins that always span the whole run.

When the bins are full, neighbours are merged and each bin stands for twice the time, so memory is constant from
the first second to the last day.
"""

from __future__ import annotations

from collections import deque

_FIRST_WIDTH = 0.1  # seconds


class Series:
    """Counts per bin since `start`; `width` is the seconds a bin stands for."""

    def __init__(self, bins: int = 240) -> None:
        self._bins = bins
        self._counts: list[int] = [0]
        self._start: float | None = None
        self.width = _FIRST_WIDTH

    def add(self, now: float, count: int = 1) -> None:
        """Count at `now` (seconds, any epoch)."""
        self._reach(now)
        self._counts[-1] += count

    def rates(self, now: float) -> tuple[float, ...]:
        """Counts a second for each bin that has begun, oldest first; the last bin by the time it has lasted."""
        if self._start is None:
            return ()
        self._reach(now)
        rates = [count / self.width for count in self._counts]
        lasted = now - self._start - (len(self._counts) - 1) * self.width
        if lasted < self.width / 2 and len(rates) > 1:
            rates.pop()  # too short yet to tell a rate
        else:
            rates[-1] = self._counts[-1] / max(lasted, self.width / 2)
        return tuple(rates)

    def _reach(self, now: float) -> None:
        if self._start is None:
            self._start = now
        wanted = int((now - self._start) / self.width) + 1
        while wanted > self._bins:
            counts = self._counts
            if len(counts) % 2:
                counts.append(0)
            self._counts = [a + b for a, b in zip(counts[::2], counts[1::2], strict=True)]
            self.width *= 2
            wanted = int((now - self._start) / self.width) + 1
        if wanted > len(self._counts):
            self._counts.extend([0] * (wanted - len(self._counts)))


class RecentRate:
    """Events a second over the last few seconds."""

    def __init__(self, window: float = 4.0, step: float = 0.1) -> None:
        self._window = window
        self._step = step
        self._slots: deque[tuple[int, int]] = deque()
        self._first: float | None = None
        self.peak = 0.0

    def add(self, now: float, count: int = 1) -> None:
        """Count at `now` (seconds)."""
        if self._first is None:
            self._first = now
        slot = int(now / self._step)
        if self._slots and self._slots[-1][0] == slot:
            self._slots[-1] = (slot, self._slots[-1][1] + count)
        else:
            self._slots.append((slot, count))
            self._forget(now)
            if now - self._first >= 1.0:
                self.peak = max(self.peak, self._last_second(slot))

    def now(self, now: float) -> float:
        """Events a second over the window, or over the time since the first event while that is shorter."""
        if self._first is None:
            return 0.0
        self._forget(now)
        lasted = min(self._window, max(now - self._first, 2 * self._step))
        return sum(count for _, count in self._slots) / lasted

    def _last_second(self, slot: int) -> float:
        back = round(1.0 / self._step)
        return float(sum(count for at, count in self._slots if slot - back <= at < slot))

    def _forget(self, now: float) -> None:
        oldest = int((now - self._window) / self._step)
        while self._slots and self._slots[0][0] < oldest:
            self._slots.popleft()
