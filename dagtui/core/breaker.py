"""What an outage may cost: a circuit breaker (Nygard, "Release It!", 2007) and a retry budget (as Finagle has it).

Pure: moments are passed in, in seconds of one clock that does not run backwards.
"""

from __future__ import annotations

import math

_ROW, _LEAST_ROW = 8, 3  # failures and nothing else that open it; fewer where few are in flight
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 2.0, 1.5  # seconds between two probes


class Breaker:
    """Opens when everything fails, lets one attempt through now and then, and closes with the first answer."""

    __slots__ = ("_pause", "_row", "opened_at", "probe_at")

    def __init__(self) -> None:
        self.opened_at: float | None = None
        self.probe_at = 0.0  # when the next one may leave
        self._row = 0
        self._pause = _FIRST_PAUSE

    @property
    def open(self) -> bool:
        """Whether attempts are held back."""
        return self.opened_at is not None

    def delay(self, now: float) -> float:
        """Seconds until an attempt may leave; 0 while closed."""
        return 0.0 if self.opened_at is None else max(0.0, self.probe_at - now)

    def departed(self, now: float) -> None:
        """An attempt left. While open it is a probe, and the next one waits, longer each time."""
        if self.opened_at is not None:
            self.probe_at = now + self._pause
            self._pause = min(_LONGEST_PAUSE, self._pause * _GROWTH)

    def answered(self) -> bool:
        """Somebody answered, be it with a refusal. Say whether that ended an outage."""
        was_open, self.opened_at, self._row = self.open, None, 0
        return was_open

    def failed(self, now: float, target: int) -> bool:
        """An attempt got no answer, or one that says the provider is broken. Say whether that opened it."""
        self._row += 1
        if self.opened_at is not None or self._row < max(_LEAST_ROW, min(_ROW, 2 * target)):
            return False
        self.opened_at, self._pause = now, _FIRST_PAUSE
        self.probe_at = now + _FIRST_PAUSE
        return True


_FLOOR = 10.0  # retries a second that are always allowed, so that small runs go on
_MEMORY = 10.0  # seconds for which a success stands for a retry
_STEP = 0.01  # seconds in which nothing is forgotten
_SLACK = 1e-6  # of a retry, so that a wait computed in floats suffices


class RetryBudget:
    """Each success of the last seconds allows one retry, so that retries never outnumber what succeeds by much.

    Refusals by a limit are no matter of this budget: the pacer sees to them.
    """

    __slots__ = ("_balance", "_updated")

    def __init__(self, now: float) -> None:
        self._balance = _FLOOR * _MEMORY
        self._updated = now

    def succeeded(self, now: float) -> None:
        """One more request was answered."""
        self._follow(now)
        self._balance += 1.0

    def delay(self, now: float) -> float:
        """Seconds until a retry may leave."""
        self._follow(now)
        full = _FLOOR * _MEMORY
        return 0.0 if self._balance >= 1.0 - _SLACK else _MEMORY * math.log((full - self._balance) / (full - 1.0))

    def take(self) -> None:
        """A retry leaves."""
        self._balance -= 1.0

    def _follow(self, now: float) -> None:
        """Forget slowly, and never all: the balance tends to what the floor gives."""
        elapsed = now - self._updated
        if elapsed > _STEP:
            kept = math.exp(-elapsed / _MEMORY)
            self._balance = self._balance * kept + _FLOOR * _MEMORY * (1.0 - kept)
            self._updated = now
