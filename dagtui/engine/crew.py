"""The tasks that carry a run's requests. A task is not made for each: it takes the next one when it is done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

Work = TypeVar("Work")


class Crew(Generic[Work]):
    """Carries pieces of work in the order in which they come.

    `carry` does one piece, and books it however it ends; `wanted` says how many tasks there should be: one for
    each piece that could be under way.
    """

    def __init__(self, carry: Callable[[Work], Coroutine[Any, Any, None]], wanted: Callable[[], int]) -> None:
        self._carry = carry
        self._wanted = wanted
        self._group: asyncio.TaskGroup | None = None
        self._owner: asyncio.Task[Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._hands = 0  # tasks that go on
        self._backlog: deque[Work] = deque()
        self._cancelled = False

    def enlist(self, group: asyncio.TaskGroup) -> None:
        """The tasks belong to `group`, which belongs to the current task."""
        self._group = group
        self._owner = asyncio.current_task()

    def add(self, work: Work) -> None:
        """More to do."""
        self._backlog.append(work)
        self.staff()

    def add_first(self, work: Iterable[Work]) -> None:
        """More to do, before all that waits."""
        self._backlog.extendleft(reversed(list(work)))
        self.staff()

    def staff(self) -> None:
        """Make tasks while there is work and more are wanted."""
        while self._backlog and self._group is not None and self._hands < self._wanted():
            self._hands += 1
            task = self._group.create_task(self._work(self._backlog.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def dismiss(self) -> list[Work]:
        """Begin nothing more; what was not begun is given back."""
        left = list(self._backlog)
        self._backlog.clear()
        return left

    def cancel(self) -> None:
        """Cancel what is under way. A task that has not begun yet would not book its work: wait a turn first."""
        self._cancelled = True
        for task in tuple(self._tasks):
            task.cancel()

    async def _work(self, work: Work) -> None:
        try:
            while True:
                await self._carry(work)
                if not self._goes_on() or not self._backlog or self._hands > self._wanted():
                    return
                work = self._backlog.popleft()
        finally:
            self._hands -= 1

    def _goes_on(self) -> bool:
        """Whether the current task may take more. A cancellation that somebody swallowed does not end it."""
        if self._cancelled or (self._owner is not None and self._owner.cancelling()):
            return False
        this = asyncio.current_task()
        while this is not None and this.cancelling():
            this.uncancel()
        return True
