"""What stops a run until somebody says go on: the pilot's gate after the first records, and the stop rule."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dagtui.core.dag import Dag
from dagtui.core.model import Outcome
from dagtui.core.stop_rule import RecentOutcomes, StopRule
from dagtui.core.store import State

_EVERY = 5  # outcomes between two judgements


class PilotGate:
    """Lets the first `records` records pass, and more once it was opened.

    `least_ok` is the share of them that must be done for it to open by itself, where nobody is there to ask.
    """

    def __init__(self, records: int | None, least_ok: float) -> None:
        self.records = records
        self.waiting = False
        """The pilot has ended, and somebody must say whether the run goes on."""
        self._least_ok = least_ok
        self._ended: asyncio.Future[None] | None = None
        self._open: asyncio.Future[None] | None = None

    def is_at(self, count: int, total: int | None) -> bool:
        """Whether the reader, which has `count` of `total` records, shall stop here."""
        return self.records is not None and count == self.records != total

    async def until_ended(self) -> None:
        """Until `ended` was told."""
        self._ended = asyncio.get_running_loop().create_future()
        await self._ended

    def ended(self) -> None:
        """No record is under way."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def until_open(self) -> None:
        """Until somebody says go on."""
        self._open = asyncio.get_running_loop().create_future()
        try:
            await self._open
        finally:
            self.waiting = False

    def open(self) -> None:
        """Go on."""
        self.waiting = False
        if self._open is not None and not self._open.done():
            self._open.set_result(None)

    def judge(self, dag: Dag, states: Sequence[int]) -> tuple[int, bool]:
        """How many records of the pilot are done, and whether that is good enough."""
        count, width = self.records or 0, len(dag)
        good = bytes([State.SUCCEEDED]) * width
        done = sum(bytes(states[at : at + width]) == good for at in range(0, count * width, width))
        return done, done >= self._least_ok * count


class Sentry:
    """Holds what ended last against the stop rule, if there is one."""

    def __init__(self, rule: StopRule | None) -> None:
        self.rule = rule
        self._recent = None if rule is None else RecentOutcomes(rule.window)
        self._noted = 0

    def note(self, outcome: Outcome) -> str:
        """A request has ended; which limit is passed now, as a phrase, or nothing."""
        if self.rule is None or self._recent is None:
            return ""
        self._recent.note(outcome)
        self._noted += 1
        return "" if self._noted % _EVERY else self.rule.hit(self._recent.recent)

    def forget(self) -> None:
        """Judge only what comes from now on."""
        if self._recent is not None:
            self._recent.forget()
