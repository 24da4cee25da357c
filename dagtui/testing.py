"""For our tests and for plugin authors: a gateway without a network, and a loop whose clock jumps.

def test_my_plugin():
    gateway = FakeGateway(answer='{"category": "spam"}', latency=0.3)
    result = run_in_virtual_time(Session(plugin=MyPlugin(), records=[...], gateway=gateway).run())
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from dagtui.core.errors import GatewayError
from dagtui.core.model import Record, Request, Response, Usage

T = TypeVar("T")

Reply = str | Response | GatewayError
"""What the fake gateway does with an attempt: answer with a text or a response, or fail."""


class FakeGateway:
    """Answers without a network, and remembers what it was asked.

    `answer` is one reply for all, or a function of the request and the attempt's number. `latency` is in seconds.
    `sent` lists (loop time, request, attempt); `in_flight` and `peak` count what is under way.
    """

    def __init__(
        self,
        answer: Reply | Callable[[Request, int], Reply] = "ok",
        latency: float = 0.3,
        usage: Usage | None = None,
    ) -> None:
        self.answer = answer
        self.latency = latency
        self.usage = usage or Usage(90, 40)
        self.sent: list[tuple[float, Request, int]] = []
        self.in_flight = 0
        self.peak = 0
        self.closed = False

    async def complete(self, request: Request, attempt: int) -> Response:
        """Wait the latency, then reply."""
        self.sent.append((asyncio.get_running_loop().time(), request, attempt))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.in_flight -= 1
        reply = self.answer(request, attempt) if callable(self.answer) else self.answer
        if isinstance(reply, GatewayError):
            raise reply
        return Response(reply, self.usage, request.choice.model) if isinstance(reply, str) else reply

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def records(rows: Iterable[str | dict[str, Any]]) -> list[Record]:
    """Records from texts (field `text`) or from dicts."""
    fields = [{"text": row} if isinstance(row, str) else row for row in rows]
    return [Record(i, str(row.get("id", i + 1)), row, i + 1) for i, row in enumerate(fields)]


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting for a timer, it jumps to it. Works for everything that waits by the loop's own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("Deadlock: nothing is scheduled, and nothing can happen any more.")
        # Strictly forwards: a timer that lies a rounding error away must not spin the loop.
        self.now += max(timeout, 1e-9)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on which three minutes of waiting take milliseconds. Threads and sockets do not follow it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._jumping.now


def run_in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on a loop of its own, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
