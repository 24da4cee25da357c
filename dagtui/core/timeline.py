"""A run over time, for a chart: what came back, what was under way and what was refused, bin by bin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Touch:
    """The concurrency was changed to `target`, `at` seconds after the beginning, by whom."""

    at: float
    target: int
    by: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The last session in bins of `width` seconds.

    `answered` and `throttled` count attempts that were answered and refused with 429 in a bin, `in_flight` those
    under way at its end.
    """

    width: float
    answered: tuple[int, ...]
    in_flight: tuple[int, ...]
    throttled: tuple[int, ...]
    touches: tuple[Touch, ...] = ()

    @property
    def length(self) -> float:
        """Seconds that it spans."""
        return self.width * len(self.answered)
