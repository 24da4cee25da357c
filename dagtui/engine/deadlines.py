"""The time that each attempt has: one timer for all of them.

They all may take equally long, so the one that began first is due first. A timer an attempt, cancelled nearly
every time, costs more than this and stays in the loop's heap until it would have been due.
"""

from __future__ import annotations

import asyncio
from typing import Literal

_LATE, _GRACE = 0.25, 2.0  # seconds that the loop may be late, and that attempts get then, once each


class Deadline:
    """An attempt under way. `passed` says that its time is over, and that its task was cancelled for it; `because`
    why, where that was not its due time.
    """

    __slots__ = ("_cancelling", "because", "due", "ended", "passed", "spared", "task")

    def __init__(self, task: asyncio.Task[object], due: float) -> None:
        self.task = task
        self.due = due
        self.passed = self.ended = self.spared = False
        self.because: Literal["", "abandoned", "superseded"] = ""
        self._cancelling = task.cancelling()

    def end_now(self, because: Literal["abandoned", "superseded"]) -> bool:
        """Its time is over already; whether that is news."""
        if self.ended or self.passed:
            return False
        self.passed, self.because = True, because
        self.task.cancel()
        return True

    def is_cause(self) -> bool:
        """Whether a cancellation that has arrived in the task is this one's, and no one else's; call it once."""
        return self.passed and self.task.uncancel() <= self._cancelling


class Deadlines:
    """Cancels the tasks of attempts that take longer than `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._expected: float | None = None  # when the timer was to call

    def begin(self) -> Deadline:
        """An attempt begins in the current task."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        deadline = Deadline(task, loop.time() + self._seconds)
        self._under_way[deadline] = None
        if self._timer is None:
            self._wait_for(deadline.due)
        return deadline

    def end(self, deadline: Deadline) -> None:
        """It is over."""
        deadline.ended = True
        self._under_way.pop(deadline, None)

    def _wait_for(self, due: float) -> None:
        self._expected = due
        self._timer = asyncio.get_running_loop().call_at(due, self._sweep)

    def _spare(self, now: float) -> None:
        """The process was stopped, the machine slept, or the loop was blocked: answers may have come meanwhile,
        and wait to be read. They have been paid for.
        """
        for deadline in self._under_way:
            if deadline.due > now:
                break
            if not deadline.spared:
                deadline.due, deadline.spared = now + _GRACE, True

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        now = loop.time()
        if self._expected is not None and now - self._expected > _LATE:
            self._spare(now)
        while self._under_way:
            first = next(iter(self._under_way))
            if first.due > now:
                self._wait_for(first.due)
                return
            del self._under_way[first]
            # One more turn of the loop: an answer read in this very turn has been paid for.
            loop.call_soon(self._pass, first)

    @staticmethod
    def _pass(deadline: Deadline) -> None:
        if not (deadline.ended or deadline.passed):
            deadline.passed = True
            deadline.task.cancel()
