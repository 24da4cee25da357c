"""Says what binds, and puts it into the log when that has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dagtui.core.events import Event, Looked, Noted
from dagtui.core.held import Hold, Holder
from dagtui.engine.gate import PilotGate
from dagtui.engine.limiter import Limiter
from dagtui.engine.watch import LOOK, Watch

_FILLED_S = 0.05  # seconds after which the first records have been read, and what binds is no longer the start


class Lookout:
    """Looks twice a second while `keep_looking` runs, and whenever `look` is called.

    `hold` tells what binds, None while the run has not begun; `used` the processor seconds of the process so far.
    """

    def __init__(
        self,
        limiter: Limiter,
        gate: PilotGate,
        hold: Callable[[], Hold | None],
        used: Callable[[], float],
        emit: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> None:
        self._limiter = limiter
        self._gate = gate
        self._hold = hold
        self._watch = Watch(used)
        self._emit = emit
        self._clock = clock

    async def keep_looking(self) -> None:
        """Until it is cancelled."""
        self.look()
        await asyncio.sleep(_FILLED_S)
        while True:
            self._watch.measure(asyncio.get_running_loop().time())
            told = self._watch.look(self.look())
            if told is not None:
                self._emit(Noted(self._clock(), told))
            await asyncio.sleep(LOOK)

    def look(self) -> Hold:
        """Say what only the engine knows; returns what binds."""
        hold = self._hold()
        if hold is None:
            return Hold(Holder.NOTHING)
        hold = self._watch.seen(hold)
        limiter, limits, limits_at, now = self._limiter, None, None, self._clock()
        if limiter.told is not None:
            limits, at = limiter.told
            limits_at = now - (asyncio.get_running_loop().time() - at)
        budget, automatic = limiter.budget, limiter.automatic is not None
        money = (budget.cap, budget.reserved, budget.uncertain)
        self._emit(Looked(now, hold, automatic, limits, limits_at, *money, self._gate.waiting))
        return hold
