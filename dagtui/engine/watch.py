"""Keeps an eye on what binds: for the log when that changes, and for the report what it was most of the time."""

from __future__ import annotations

from collections import Counter

from dagtui.core.held import Hold, Holder, sentence

LOOK = 1.0
"""Seconds between two looks."""

# What is worth no line in the log when it begins to bind: it is what anybody expects, or is told otherwise.
_UNTOLD = frozenset(
    {Holder.YOU, Holder.READING, Holder.NOTHING, Holder.WAITING, Holder.LOWERED, Holder.PAUSED, Holder.OUTAGE}
)


class Watch:
    """Is shown what binds, once every `LOOK` seconds while there is work."""

    def __init__(self) -> None:
        self._next = 0.0
        self._looks: Counter[Holder] = Counter()
        self._told: Holder = Holder.NOTHING
        self._before: Holder = Holder.NOTHING

    @property
    def mostly(self) -> Holder | None:
        """What bound most of the time; None before the first look."""
        return self._looks.most_common(1)[0][0] if self._looks else None

    def is_due(self, now: float) -> bool:
        """Whether it is time to look again; `now` is loop time."""
        if now < self._next:
            return False
        self._next = now + LOOK
        return True

    def look(self, hold: Hold) -> str | None:
        """Take note; returns a line for the log when what binds has changed, and still does a look later."""
        self._looks[hold.by] += 1
        news = hold.by is self._before and hold.by is not self._told and hold.by not in _UNTOLD
        self._before = hold.by
        if not news:
            return None
        self._told = hold.by
        return f"held by {sentence(hold)}"
