"""Who may leave, and when: a concurrency limit that can be changed while it is in use, and a rate cap.

A slot is held by what is in flight and by nothing else: a request that waits to retry, or for the rate cap, holds
none. Raising the limit admits at once; lowering it admits nobody until enough have come back, and kills nobody.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

from aiolimiter import AsyncLimiter


class LimiterClosed(Exception):  # noqa: N818 - a signal, not an error
    """Nothing leaves any more; the run is ending."""


class Limiter:
    """Admits attempts in the order in which they asked.

    `requests_per_minute` is a cap of the user's own. It is enforced with a burst of a tenth of a second's worth,
    because a bucket of a whole minute lets nearly twice the rate through in the worst minute (the worst window of
    a leaky bucket is rate + burst - 1).
    """

    def __init__(self, target: int, requests_per_minute: float | None = None) -> None:
        self.target = target
        self.in_flight = 0
        self.paused = False
        self.closed = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._sleeping: set[asyncio.Future[None]] = set()
        self._pace: AsyncLimiter | None = None
        self._pacing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        if requests_per_minute is not None:
            burst = max(1, math.ceil(requests_per_minute / 600))
            self._pace = AsyncLimiter(burst, burst * 60 / requests_per_minute)

    async def acquire(self) -> None:
        """Wait until an attempt may leave, and take a slot for it. Give it back with `release`.

        Raises:
            LimiterClosed: nothing leaves any more.
        """
        if self._pace is None:
            await self._slot()
            return
        async with self._turn:  # one waits for the rate cap, the others queue behind it
            self._reject_if_closed()
            if not self._pace.has_capacity():
                await self._paced(self._pace)
            else:
                await self._pace.acquire()
            await self._slot()

    def release(self) -> None:
        """Give a slot back, when its attempt has truly ended."""
        self.in_flight -= 1
        self._admit()

    def retune(self, target: int) -> None:
        """Set the limit."""
        self.target = target
        self._admit()

    def pause(self) -> None:
        """Admit nobody until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Admit again."""
        self.paused = False
        self._admit()

    def close(self) -> None:
        """Send everybody home who waits here, now and from now on. What is in flight is left alone."""
        self.closed = True
        for future in (*self._queue, *self._sleeping):
            if not future.done():
                future.set_exception(LimiterClosed())
        self._queue.clear()
        if self._pacing is not None:
            self._pacing.cancel()

    async def wait(self, seconds: float) -> None:
        """Sleep between two attempts.

        Raises:
            LimiterClosed: at once when the limiter closes.
        """
        self._reject_if_closed()
        loop = asyncio.get_running_loop()
        awake = loop.create_future()
        timer = loop.call_later(seconds, _wake, awake)
        self._sleeping.add(awake)
        try:
            await awake
        finally:
            timer.cancel()
            self._sleeping.discard(awake)

    def held_by(self, reading: bool = False) -> str:
        """What keeps the number in flight where it is, as a sentence's end; `reading`: more records come."""
        if self.paused:
            return "paused by you"
        if self._pace is not None and self._turn.locked() and self.in_flight < self.target:
            return "held by your requests-a-minute cap"
        if self.in_flight > self.target:
            return f"lowered: {self.in_flight - self.target} more to come back"
        if self._queue:
            return "set by you"
        if reading and self.in_flight < self.target:
            return "filling: records are still being read"
        return "set by you" if self.in_flight == self.target else "below the limit: nothing else is ready"

    async def _paced(self, pace: AsyncLimiter) -> None:
        """Wait for the rate cap in a task of its own, which `close` can end."""
        self._pacing = asyncio.ensure_future(pace.acquire())
        try:
            await self._pacing
        except asyncio.CancelledError:
            self._reject_if_closed()
            raise
        finally:
            self._pacing = None

    async def _slot(self) -> None:
        self._reject_if_closed()
        if self._free() and not self._queue:
            self.in_flight += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()  # the slot was ours already: hand it on
            raise

    def _free(self) -> bool:
        return self.in_flight < self.target and not self.paused and not self.closed

    def _admit(self) -> None:
        while self._queue and self._free():
            turn = self._queue.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def _reject_if_closed(self) -> None:
        if self.closed:
            raise LimiterClosed


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
