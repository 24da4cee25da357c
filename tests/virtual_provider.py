"""The real simulator behind the real gateway client, in virtual time: everything of a run but the sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import httpx

from dagtui.io.transport import Whole
from dagtui.simulator.ledger import Clock
from dagtui.simulator.provider import Provider

_EPOCH = 1_790_000_000.0


class LoopClock(Clock):
    """The running loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()

    def epoch(self) -> float:
        return _EPOCH + self._loop.time()

    def elapsed(self) -> float:
        return self._loop.time()


class InProcess(httpx.AsyncBaseTransport):
    """Hands requests to `provider` after a jittered way there, and its answers back after another.

    `up` says whether anybody listens: nobody does while a gateway is dead.
    """

    def __init__(
        self, provider: Provider, seed: int = 0, way: float = 0.001, up: Callable[[], bool] = lambda: True
    ) -> None:
        self._provider = provider
        self._draw = random.Random(seed).expovariate
        self._way = way
        self._up = up
        self.refused: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._up():
            self.refused.append(asyncio.get_running_loop().time())
            raise httpx.ConnectError("connection refused", request=request)
        await asyncio.sleep(self._way + self._draw(1 / self._way))
        ledger, gone = self._provider.ledger, False
        arrival = ledger.arrive()
        shape = "messages" if request.url.path == "/v1/messages" else "chat"
        body = request.stream.content if isinstance(request.stream, Whole) else await request.aread()
        try:
            outcome = await self._provider.respond(shape, request.headers, body, arrival, lambda: gone)
        except asyncio.CancelledError:
            gone = True
            raise
        if not self._up():
            raise httpx.ReadError("connection reset", request=request)
        await asyncio.sleep(self._way + self._draw(1 / self._way))
        if outcome.cut is not None:
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(outcome.status, headers=dict(outcome.headers), stream=Whole(outcome.body))
