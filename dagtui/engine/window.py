"""How far the reader may be ahead of what is sent: memory is bounded by this, not by the file."""

from __future__ import annotations

import asyncio

# Requests kept ready beyond the limit, so that a freed slot never waits for the source; but no more than there are
# slots: what was read and never sent is called cancelled when a run is stopped.
_LEAST_AHEAD, _MOST_AHEAD = 2, 32
_MOST_WAITING = 8  # requests between two attempts, times the limit: they hold no slot, but memory


class Window:
    """Counts the requests of the records that were read and have not ended.

    `ready` could leave now or are in flight; `waiting` of them are between two attempts.
    """

    def __init__(self) -> None:
        self.ready = 0
        self.waiting = 0
        self._room: list[asyncio.Future[None]] = []
        self._first = 0

    def wanted(self, target: int, building: bool) -> int:
        """How many tasks there should be: one for each slot and each wait, and more if building takes time."""
        return target + self.waiting + (_ahead(target) if building else 0)

    async def wait(self, target: int) -> None:
        """Until there is room for one more record; `target` is the concurrency limit."""
        while self._first or not self._has_room(target, _ahead(target)):
            await self._woken()

    async def wait_first(self, target: int) -> None:
        """The same, before whoever only waits."""
        self._first += 1
        try:
            while not self._has_room(target, _ahead(target)):
                await self._woken()
        finally:
            self._first -= 1
            self.wake(target)

    async def _woken(self) -> None:
        room = asyncio.get_running_loop().create_future()
        self._room.append(room)
        await room

    def wake(self, target: int) -> None:
        """Wake the reader if there is room for several: waking it costs as much as reading a record."""
        if self._room and self._has_room(target, _ahead(target) // 2):
            for room in self._room:
                if not room.done():
                    room.set_result(None)
            self._room.clear()

    def _has_room(self, target: int, ahead: int) -> bool:
        could_leave = self.ready - self.waiting
        return could_leave < target + ahead and self.ready < _MOST_WAITING * (target + _MOST_AHEAD)


def _ahead(target: int) -> int:
    return min(max(_LEAST_AHEAD, target), _MOST_AHEAD)
