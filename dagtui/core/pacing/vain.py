"""Refusals that say nothing, with nothing let in between them: no pace would help, so ever longer pauses do.

A limit lets somebody in at every moment; a spend limit, or a key without quota, nobody. Pure, as all of pacing.
"""

from __future__ import annotations

import math

_PATIENCE = 4  # round trips in which everything was refused before it counts
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0  # seconds


class Vain:
    """Counts round trips in which everything was refused; lets one attempt through between two pauses."""

    __slots__ = ("_since", "_trips")

    def __init__(self) -> None:
        self._trips = 0
        self._since = -math.inf  # refusals of what left before are no news

    @property
    def probing(self) -> bool:
        """Whether only one may be under way."""
        return self._trips > _PATIENCE

    def let_in(self) -> None:
        """Somebody was let in, or was told when to come back."""
        self._trips = 0

    def refused(self, left_at: float, now: float) -> float:
        """One that left at `left_at` was refused; returns the moment before which nobody should leave."""
        if left_at < self._since:
            return self._since
        self._trips += 1
        self._since = now
        if self.probing:
            self._since += min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (self._trips - _PATIENCE - 1))
        return self._since
