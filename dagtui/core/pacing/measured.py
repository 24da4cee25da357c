"""A limit that only refusals tell.

Two moments at which the bucket was known to be empty: what was admitted between them is the rate times the time
between them. To have such moments, the pace is kept a little above the measured rate, so that the bucket runs dry
now and then and the rate is measured again; the longer it does not, the faster the pace grows, until a limit that
was raised is found.
"""

from __future__ import annotations

_EPISODE = 0.25  # seconds: refusals closer together are one event
_LEAST = 10  # admissions that make a rate
_PATIENCE = 10.0  # seconds after which fewer will do
_ABOVE = 0.005  # the pace over the measured rate, as a share of it
_MOST_ABOVE = 0.25
_CALM = 8.0  # seconds without a refusal after which the pace begins to grow ...
_STEP = 2.0  # ... and those between two steps
_FURTHER = 1.1  # times the rate with each step after the largest: the limit is not what it was
_DRAIN = 1.5  # the pace at which the bucket is drained for the first measurement, over the mean so far
_DOUBLE = 0.5  # seconds after which that doubles ...
_FASTEST = 20_000.0  # ... up to this, which holds nobody


class Measured:
    """Finds the rate of a limit from the moments of refusals. Rates are in requests a second."""

    __slots__ = ("_above", "_drain", "_empty_at", "_grows_at", "_refused", "idle", "rate")

    def __init__(self, now: float, rate: float | None = None) -> None:
        self.rate = rate
        self.idle = False  # the bucket may have been full since it was empty, so that what it gained is unknown
        self._drain = 0.0
        self._empty_at: float | None = None
        self._refused = 0
        self._above = _ABOVE
        self._grows_at = now + _CALM

    @property
    def empty_at(self) -> float | None:
        """When somebody left who met an empty bucket."""
        return self._empty_at

    def pace(self, now: float) -> float:
        """Departures a second at which the bucket runs dry in a while."""
        if self.rate is None:
            while now > self._grows_at and self._drain < _FASTEST:
                self._grows_at += _DOUBLE
                self._drain *= 2.0
            return self._drain
        while now > self._grows_at and not (self.idle and self._above == _MOST_ABOVE):
            self._grows_at += _STEP
            if self._above == _MOST_ABOVE:
                self.rate = min(_FASTEST, _FURTHER * self.rate)
            self._above = min(_MOST_ABOVE, 2.0 * self._above)
        return self.rate * (1.0 + self._above)

    def begin(self, left_at: float, mean: float, resumes_at: float) -> None:
        """The first refusal, after `mean` departures a second; the next will leave at `resumes_at`."""
        self._empty_at, self._refused = left_at, 0
        self._drain = max(4.0, _DRAIN * mean)
        self._grows_at = resumes_at + _DOUBLE

    def refused(self, left_at: float, sent: int, now: float) -> bool:
        """The bucket was empty again; `sent` left since it was before. Say whether the rate is known anew."""
        assert self._empty_at is not None
        admitted, elapsed = sent - self._refused - 1, left_at - self._empty_at
        self._refused += 1
        if elapsed < _EPISODE or admitted < 2 or (admitted < _LEAST and elapsed < _PATIENCE):
            return False
        news = not self.idle
        if news:
            self.rate = admitted / elapsed
        self._empty_at, self._refused, self.idle = left_at, 0, False
        self._above, self._grows_at = _ABOVE, now + _CALM
        return news
