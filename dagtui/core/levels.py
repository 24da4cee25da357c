"""What a run was at over time, in constant memory: requests in flight, the target, and the slow answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import ceil, inf

from dagtui.core.histogram import middle

_FIRST_WIDTH = 0.1  # seconds


class Levels:
    """Bins over the whole run, of the same widths as `Series`: when they are full, neighbours are merged.

    `flown` tells the lane seconds in flight up to a time, from which each bin's mean follows. Times are epoch
    seconds and do not run backwards; whoever adds something calls `reach` first, once `now` is at `ends`.
    """

    def __init__(self, flown: Callable[[float], float], bins: int = 240) -> None:
        self._bins = bins
        self._flown = flown
        self._start: float | None = None
        self._edges: list[float] = []  # lane seconds flown at the beginning of each bin
        self._targets: list[int] = []  # at the end of each
        self._slow: list[Counter[int]] = []  # answers by the histogram's buckets
        self._told: list[float | None] = []  # the percentiles of the bins that have ended
        self.target = 0
        self.width = _FIRST_WIDTH
        self.ends = inf
        """When the last bin does."""

    def begin(self, now: float) -> None:
        """The run begins."""
        self._start = now
        self._add(self._flown(now))

    def answered(self, bucket: int) -> None:
        """An answer came, of a latency in that bucket of the histogram."""
        if self._slow:
            self._slow[-1][bucket] += 1

    def reach(self, now: float) -> None:
        """Begin the bins up to the one that `now` is in."""
        while now >= self.ends:
            self._told[-1] = _percentile(self._slow[-1], 0.95)
            self._targets[-1] = self.target
            flown = self._flown(self.ends)
            if len(self._edges) == self._bins:
                self._merge()
            self._add(flown)

    def in_flight(self, now: float) -> tuple[float, ...]:
        """The mean number in flight of each bin up to `now`."""
        if self._start is None:
            return ()
        self.reach(now)
        edges = self._edges
        lasting = now - (self.ends - self.width)
        begun = edges[-1]
        last = (self._flown(now) - begun) / lasting if lasting > 1e-3 * self.width else None
        means = [(after - before) / self.width for before, after in pairwise(edges)]
        return (*means, last if last is not None else means[-1] if means else 0.0)

    def targets(self, now: float) -> tuple[int, ...]:
        """The target at the end of each bin."""
        self.reach(now)
        return (*self._targets[:-1], self.target)[: len(self._targets)]

    def p95(self, now: float) -> tuple[float | None, ...]:
        """The latency, in seconds, that 95% of the answers of each bin stayed within; None for none."""
        self.reach(now)
        return (*self._told[:-1], _percentile(self._slow[-1], 0.95)) if self._slow else ()

    def _add(self, flown: float) -> None:
        assert self._start is not None
        self._edges.append(flown)
        self._targets.append(self.target)
        self._slow.append(Counter())
        self._told.append(None)
        self.ends = self._start + len(self._edges) * self.width

    def _merge(self) -> None:
        self.width *= 2
        self._edges = self._edges[::2]
        self._targets = self._targets[1::2]
        self._slow = [a + b for a, b in zip(self._slow[::2], self._slow[1::2], strict=True)]
        self._told = [_percentile(slow, 0.95) for slow in self._slow]


def _percentile(counts: Counter[int], share: float) -> float | None:
    wanted, seen = ceil(share * counts.total()), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return middle(bucket)
    return None
