"""A latency histogram with logarithmic buckets: fixed memory, percentiles within 5%."""

from __future__ import annotations

import math
from array import array

_SMALLEST = 1e-4  # seconds; anything quicker counts as this
_GROWTH = 1.05
_BUCKETS = 360  # up to about 4,000 seconds
_SCALE = 1.0 / math.log(_GROWTH)


class Histogram:
    """Counts durations in seconds."""

    __slots__ = ("_counts", "count", "total")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * _BUCKETS))
        self.count = 0
        self.total = 0.0

    def add(self, seconds: float) -> int:
        """Count one duration; returns its bucket."""
        index = int(math.log(seconds / _SMALLEST) * _SCALE) if seconds > _SMALLEST else 0
        if index >= _BUCKETS:
            index = _BUCKETS - 1
        self._counts[index] += 1
        self.count += 1
        self.total += seconds
        return index

    @property
    def mean(self) -> float | None:
        """Mean duration in seconds, None before the first."""
        return self.total / self.count if self.count else None

    def percentile(self, share: float) -> float | None:
        """The duration in seconds that `share` (0 to 1) of all stay within; None before the first."""
        if not self.count:
            return None
        wanted = math.ceil(share * self.count) or 1
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return middle(index)
        return None


def middle(bucket: int) -> float:
    """The duration in seconds that stands for all of a bucket."""
    return _SMALLEST * _GROWTH ** (bucket + 0.5)
