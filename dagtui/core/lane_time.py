"""Where the lanes' time goes. A lane is one of the places that the target gives, busy with an answer or idle."""

from __future__ import annotations

from dagtui.core.held import Holder


class LaneTime:
    """Lane seconds since the run began. Times are epoch seconds; one that runs backwards counts as no time.

    Lanes beyond those in flight are put down to what the engine said last that holds it.
    """

    __slots__ = ("_at", "_flying", "_holder", "_idle", "_target", "flown")

    def __init__(self) -> None:
        self._at: float | None = None
        self._flying = self._target = 0
        self._holder = Holder.FINDING
        self._idle: dict[Holder, float] = {}
        self.flown = 0.0

    def set(self, now: float, flying: int, target: int) -> None:
        """From `now` on so many of `target` lanes wait for answers."""
        self._count(now)
        self._flying, self._target = flying, target

    def hold(self, now: float, holder: Holder) -> None:
        """From `now` on it is `holder` that keeps lanes idle."""
        self._count(now)
        self._holder = holder

    def stop(self, now: float) -> None:
        """The run has ended: no lane has time any more."""
        self.set(now, 0, 0)

    def spent(self, now: float) -> tuple[float, tuple[tuple[Holder, float], ...]]:
        """Lane seconds in flight, and those idle by what held them, most first."""
        self._count(now)
        return self.flown, tuple(sorted(self._idle.items(), key=lambda item: (-item[1], item[0])))

    def _count(self, now: float) -> None:
        if self._at is None:
            self._at = now
        lasted = now - self._at
        if lasted <= 0:
            return
        self._at = now
        self.flown += self._flying * lasted
        idle = self._target - self._flying
        if idle > 0:
            self._idle[self._holder] = self._idle.get(self._holder, 0.0) + idle * lasted
