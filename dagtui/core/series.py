"""Rates over time, in constant memory. Both are told when the run began: no rate is of less than a second."""

from __future__ import annotations

from collections import deque
from math import ceil, inf

_FIRST_WIDTH = 0.1  # seconds
_LEAST = 1.0  # seconds that a rate is taken over: within less, a few answers at once would look like hundreds


class Series:
    """Counts per bin for a chart, over the whole run: `width` is the seconds a bin stands for.

    When the bins are full, neighbours are merged and each stands for twice the time.
    """

    def __init__(self, bins: int = 240) -> None:
        self._bins = bins
        self._counts: list[int] = [0]
        self._start: float | None = None
        self._full_at = -inf  # when the last bin ends
        self.width = _FIRST_WIDTH

    def begin(self, now: float) -> None:
        """The run begins (seconds, any epoch)."""
        self._start = now

    def add(self, now: float, count: int = 1) -> None:
        """Count at `now`."""
        if now >= self._full_at:
            self._reach(now)
        self._counts[-1] += count

    def rates(self, now: float) -> tuple[float, ...]:
        """Counts a second at the end of each bin since the beginning, oldest first.

        Each is taken over the bins that make up the second before it, so it agrees with the best second. The last
        bin, which still goes on, is left out while it alone is too short to tell a rate.
        """
        if self._start is None:
            return ()
        self._reach(now)
        window = ceil(_LEAST / self.width)
        counts, lasting = self._counts, now - self._start - (len(self._counts) - 1) * self.width
        sums = [0]
        for count in counts:
            sums.append(sums[-1] + count)
        spans = [window * self.width] * (len(counts) - 1) + [max(_LEAST, (window - 1) * self.width + lasting)]
        rates = [(sums[end] - sums[max(0, end - window)]) / spans[end - 1] for end in range(1, len(sums))]
        if window == 1 and lasting < self.width / 2 and len(rates) > 1:
            rates.pop()
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
        self._full_at = self._start + len(self._counts) * self.width


class RecentRate:
    """Events a second over the last few seconds. It depends on the events alone, not on who looked when."""

    def __init__(self, window: float = 4.0, step: float = 0.1) -> None:
        self._window = window
        self._step = step
        self._across = round(window / step)  # slots
        self._slots: deque[tuple[int, int]] = deque()  # those that ended
        self._held = 0  # the sum of the slots
        self._total = 0  # of all events
        self._slot = -1  # the slot that goes on
        self._count = 0  # of that slot
        self._last = 0.0  # when it counted last
        self._start: float | None = None
        self._peak = 0.0

    def begin(self, now: float) -> None:
        """The run begins (seconds, any epoch)."""
        self._start = now

    def add(self, now: float) -> None:
        """Count one event at `now`."""
        if self._start is None:
            self._start = now
        slot = int(now / self._step)
        if slot != self._slot:
            self._turn_to(slot)
        self._count += 1
        self._total += 1
        self._last = now
        elapsed = now - self._start
        mean = self._total / (elapsed if elapsed > _LEAST else _LEAST)
        if mean > self._peak:  # within a slot, the mean alone can fall
            self._peak = mean

    def now(self, now: float) -> float:
        """Events a second over the window, or since the beginning while that is shorter."""
        if self._start is None:
            return 0.0
        oldest, held = int(now / self._step) - self._across, self._held
        for at, count in self._slots:
            if at > oldest:
                break
            held -= count
        count = self._count if self._slot > oldest else 0
        return (held + count) / min(self._window, max(_LEAST, now - self._start))

    @property
    def peak(self) -> float:
        """The best that the rate, the mean since the beginning, or one second ever was."""
        return max(self._peak, self.now(self._last), self._last_second())

    def _turn_to(self, slot: int) -> None:
        if self._count:
            self._peak = self.peak
            self._slots.append((self._slot, self._count))
            self._held += self._count
        while self._slots and self._slots[0][0] <= slot - self._across:
            self._held -= self._slots.popleft()[1]
        self._slot, self._count = slot, 0

    def _last_second(self) -> float:
        """The count of the second that ends with the slot that goes on."""
        oldest, found = self._slot - round(1.0 / self._step), self._count
        for at, count in reversed(self._slots):
            if at <= oldest:
                break
            found += count
        return float(found)
