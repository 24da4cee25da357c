"""Keeps an eye on what binds: for the log when that changes, and for the report what it was most of the time."""

from __future__ import annotations

from collections.abc import Callable

from dagtui.core.held import Hold, Holder, sentence

LOOK = 0.5
"""Seconds between two looks."""

# What is worth no line in the log when it begins to bind: it is what anybody expects, or is told otherwise.
_UNTOLD = frozenset(
    {
        Holder.YOU,
        Holder.READING,
        Holder.NOTHING,
        Holder.WAITING,
        Holder.LOWERED,
        Holder.PAUSED,
        Holder.PILOT,
        Holder.OUTAGE,
        Holder.ENDING,
    }
)


_SATURATED = 0.9  # share of one processor core that is all a single loop can use
# What seems to bind when in truth the program cannot keep up with it.
_OURS = frozenset({Holder.YOU, Holder.AUTOMATIC, Holder.CEILING, Holder.READING, Holder.NOTHING})


class Watch:
    """Is shown what binds, once every `LOOK` seconds.

    `used` tells the processor seconds that the process has used so far.
    """

    def __init__(self, used: Callable[[], float] = lambda: 0.0) -> None:
        self._used = used
        self._used_before = 0.0
        self._looked_at: float | None = None
        self._saturated = False
        self._told: Holder = Holder.NOTHING
        self._before: Holder = Holder.NOTHING

    def measure(self, now: float) -> None:
        """Find out how busy this program was since the last look; `now` is loop time."""
        used = self._used()
        if self._looked_at is not None:
            self._saturated = used - self._used_before > _SATURATED * (now - self._looked_at)
        self._used_before, self._looked_at = used, now

    def seen(self, hold: Hold) -> Hold:
        """`hold`, unless it is this program that is too slow for it."""
        return Hold(Holder.CPU) if self._saturated and hold.by in _OURS else hold

    def look(self, hold: Hold) -> str | None:
        """Take note; returns a line for the log when what binds has changed, and still does a look later."""
        news = hold.by is self._before and hold.by is not self._told and hold.by not in _UNTOLD
        self._before = hold.by
        if not news:
            return None
        self._told = hold.by
        return f"held by {sentence(hold)}"
