"""What a run was at over time, in constant memory: requests in flight, the target, and the slow answers."""

from __future__ import annotations

from collections import Counter
from math import ceil, inf, log

_FIRST_WIDTH = 0.1  # seconds
_SMALLEST = 1e-3  # seconds of latency; anything quicker counts as this
_SCALE = 1.0 / log(1.1)  # latencies are told within 10%


class Levels:
    """Bins over the whole run, of the same widths as `Series`: when they are full, neighbours are merged.

    Times are seconds of any epoch and do not run backwards. A level holds from when it is set.
    """

    def __init__(self, bins: int = 240) -> None:
        self._bins = bins
        self._start: float | None = None
        self._at = 0.0  # up to when the lanes were counted
        self._ends = -inf  # when the last bin ends
        self._flying = self._target = 0
        self._flown: list[float] = [0.0]  # lane seconds
        self._targets: list[int] = [0]  # at the end of the bin
        self._slow: list[Counter[int]] = [Counter()]
        self._told: list[float | None] = [None]  # the percentiles of the bins that have ended
        self.width = _FIRST_WIDTH

    def begin(self, now: float) -> None:
        """The run begins."""
        self._start = self._at = now
        self._ends = now + self.width

    def set(self, now: float, flying: int, target: int) -> None:
        """From `now` on so many requests are in flight, of `target` at most."""
        if self._start is None:
            self.begin(now)
        if now >= self._ends:
            self._reach(now)
        if now > self._at:
            self._flown[-1] += self._flying * (now - self._at)
            self._at = now
        self._flying = flying
        if target != self._target:
            self._target = self._targets[-1] = target

    def answered(self, now: float, latency: float) -> None:
        """An answer came that took `latency` seconds."""
        if now >= self._ends and self._start is not None:
            self._reach(now)
        place = int(log(latency / _SMALLEST) * _SCALE) if latency > _SMALLEST else 0
        self._slow[-1][place] += 1

    def in_flight(self, now: float) -> tuple[float, ...]:
        """The mean number in flight of each bin up to `now`."""
        self.set(now, self._flying, self._target)
        if self._start is None:
            return ()
        lasting = self._at - (self._ends - self.width)
        last = self._flown[-1] / lasting if lasting > 1e-6 else float(self._flying)
        return (*(flown / self.width for flown in self._flown[:-1]), last)

    def targets(self, now: float) -> tuple[int, ...]:
        """The target at the end of each bin."""
        self.set(now, self._flying, self._target)
        return tuple(self._targets)

    def p95(self, now: float) -> tuple[float | None, ...]:
        """The latency, in seconds, that 95% of the answers of each bin stayed within; None for none."""
        self.set(now, self._flying, self._target)
        return (*self._told[:-1], _percentile(self._slow[-1], 0.95))

    def _reach(self, now: float) -> None:
        """Begin the bins up to the one that `now` is in; what flew has flown in all of them."""
        assert self._start is not None
        while now >= self._ends:
            self._flown[-1] += self._flying * (self._ends - self._at)
            self._at = self._ends
            self._told[-1] = _percentile(self._slow[-1], 0.95)
            if len(self._flown) == self._bins:
                self._merge()
            self._flown.append(0.0)
            self._targets.append(self._target)
            self._slow.append(Counter())
            self._told.append(None)
            self._ends = self._start + len(self._flown) * self.width

    def _merge(self) -> None:
        self.width *= 2
        self._flown = [sum(self._flown[i : i + 2]) for i in range(0, len(self._flown), 2)]
        self._targets = self._targets[1::2]
        self._slow = [a + b for a, b in zip(self._slow[::2], self._slow[1::2], strict=True)]
        self._told = [_percentile(slow, 0.95) for slow in self._slow]


def _percentile(counts: Counter[int], share: float) -> float | None:
    wanted, seen = ceil(share * counts.total()), 0
    for place in sorted(counts):
        seen += counts[place]
        if seen >= wanted:
            return _SMALLEST * 1.1 ** (place + 0.5)
    return None
