"""Where the lanes' time goes. A lane is one of the places that the target gives, busy with an answer or idle."""

from __future__ import annotations

from dagtui.core.held import Holder


class LaneTime:
    """Lane seconds since the run began. Times are epoch seconds; one that runs backwards counts as no time.

    Lanes beyond those in flight are put down to what the engine said last that holds it.
    """

    __slots__ = ("_at", "_flown", "_holder", "_idle", "_spare", "flying", "target")

    def __init__(self) -> None:
        self._at: float | None = None
        self._holder = Holder.FINDING
        self._idle: dict[Holder, float] = {}
        self._spare = 0.0  # idle under the present holder
        self._flown = 0.0
        self.flying = self.target = 0

    def set(self, now: float, flying: int, target: int) -> None:
        """From `now` on so many of `target` lanes wait for answers. Told thrice a request: it has to be quick."""
        if self._at is None:
            self._at = now
        elif (lasted := now - self._at) > 0:
            self._at = now
            self._flown += self.flying * lasted
            if self.target > self.flying:
                self._spare += (self.target - self.flying) * lasted
        self.flying, self.target = flying, target

    def hold(self, now: float, holder: Holder) -> None:
        """From `now` on it is `holder` that keeps lanes idle."""
        self.set(now, self.flying, self.target)
        if holder is not self._holder:
            self._put_down()
            self._holder = holder

    def flown(self, now: float) -> float:
        """Lane seconds in flight up to `now`, which may lie before what was counted last by a little."""
        return self._flown + (self.flying * (now - self._at) if self._at is not None else 0.0)

    def idle(self, now: float) -> tuple[tuple[Holder, float], ...]:
        """Lane seconds idle up to `now` by what held them, most first."""
        self.set(now, self.flying, self.target)
        self._put_down()
        return tuple(sorted(self._idle.items(), key=lambda item: (-item[1], item[0])))

    def _put_down(self) -> None:
        if self._spare:
            self._idle[self._holder] = self._idle.get(self._holder, 0.0) + self._spare
            self._spare = 0.0
