"""Identical requests: the first is sent, the others have its answer, and cost nothing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from dagtui.core.model import Outcome, Request, Success, Usage

_RECENT = 4096  # answers kept at hand; older ones are looked up


class Twins:
    """Remembers what was answered, by fingerprint: about a hundred bytes for each distinct request.

    `recall` looks up an answer by its request's number; `waiting` is told +1 and -1 as a request begins and ceases
    to wait for its twin.
    """

    def __init__(self, recall: Callable[[int], Success | None], waiting: Callable[[int], None]) -> None:
        self._recall = recall
        self._waiting = waiting
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._answered: dict[int, int] = {}
        self._recent: OrderedDict[int, Success] = OrderedDict()

    async def outcome(self, request: Request, ask: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The outcome of `request`: that of a twin if it succeeded, else by `ask`."""
        mark = request.fingerprint
        while True:
            if (answer := self._known(mark)) is not None:
                return _copied(answer)
            twin = self._asked.get(mark)
            if twin is None:
                return await self._lead(request, ask)
            self._waiting(+1)
            try:
                await asyncio.wait([twin])
            finally:
                self._waiting(-1)

    async def _lead(self, request: Request, ask: Callable[[], Awaitable[Outcome]]) -> Outcome:
        mark = request.fingerprint
        told = self._asked[mark] = asyncio.get_running_loop().create_future()
        try:
            outcome = await ask()
            if isinstance(outcome, Success):
                self._answered[mark] = request.seq
                self._recent[mark] = outcome
                if len(self._recent) > _RECENT:
                    self._recent.popitem(last=False)
            return outcome
        finally:
            del self._asked[mark]
            told.set_result(None)

    def _known(self, mark: int) -> Success | None:
        if (recent := self._recent.get(mark)) is not None:
            return recent
        seq = self._answered.get(mark)
        return None if seq is None else self._recall(seq)


def _copied(answer: Success) -> Success:
    """The answer once more, for nothing; its trace id is that of the attempt which was paid."""
    nothing = Usage()
    return replace(answer, attempts=0, latency=0.0, usage=nothing, cost=Decimal(0), saved=answer.cost)
