"""When an attempt takes so long that it is worth sending the request once more (Dean and Barroso, "The Tail at
Scale", CACM 2013: a hedged request). Seconds."""

from __future__ import annotations

from dagtui.core.histogram import Histogram

_LEAST_ANSWERS = 20
_TIMES, _LEAST = 3.0, 1.0  # of the latency that 95% stay within; and never sooner
_FRESH = 32  # answers after which it is worked out anew


class Patience:
    """Learns from answers how long is far too long."""

    __slots__ = ("_latency", "seconds")

    def __init__(self) -> None:
        self.seconds: float | None = None  # None until enough is known
        self._latency = Histogram()

    def note(self, latency: float) -> None:
        """An answer took so long."""
        self._latency.add(latency)
        count = self._latency.count
        if count == _LEAST_ANSWERS or count % _FRESH == 0:
            self.seconds = max(_LEAST, _TIMES * (self._latency.percentile(0.95) or 0.0))
