"""A server that answers every request alike, and does so little else that its client is what is measured.

    python benchmarks/loopback.py   # prints two ports: that of the server without latency, and that with 20 ms

It reads a request by its content-length only and gives Anthropic Messages answers of about 1 KB, with the headers
that Anthropic sends. The room left in its rate limit differs from answer to answer, as it does in life: nobody
shall look quick because he has seen the very same answer before. About 40,000 requests a second.

It never sleeps. The kernel charges the waking of a process to whoever writes to it, on a virtual machine as much
as all else of a request: a client slow enough to let the server fall asleep would look slower still.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import cast

LATENCY = 0.020
"""Seconds that the slower of the two servers takes for each answer."""

MODEL = "claude-3-5-haiku-20241022"
_SAYS = {
    "category": "work",
    "confidence": 0.93,
    "priority": "high",
    "summary": "Anna asks the team to move the review of the quarterly figures to Thursday at ten. " * 5,
}
_ANSWER = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": json.dumps(_SAYS)}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 412,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 118,
        "service_tier": "standard",
    },
}
_VARIANTS = 997


_LIMIT = 40_000_000


def _whole_answer(remaining: int) -> bytes:
    body = json.dumps(_ANSWER).encode()
    named = {
        "Date": "Sun, 22 Nov 2026 19:15:00 GMT",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "keep-alive",
        "request-id": f"req_011CQ{remaining:012d}",
        "x-portkey-provider": "anthropic",
        "x-portkey-retry-attempt-count": "0",
        "via": "1.1 google",
    }
    for what, scale in (("requests", 1), ("input-tokens", 100), ("output-tokens", 20)):
        # Limits so high that nothing is held back, and yet are read and followed as any others.
        named[f"anthropic-ratelimit-{what}-limit"] = str(_LIMIT * scale)
        named[f"anthropic-ratelimit-{what}-remaining"] = str((_LIMIT - remaining) * scale)
        named[f"anthropic-ratelimit-{what}-reset"] = "2026-11-22T19:15:01Z"
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


class _Canned(asyncio.Protocol):
    """One connection; `answers` go round, each `latency` seconds after its request is complete."""

    def __init__(self, answers: Iterator[bytes], latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._write: Callable[[bytes], None] = lambda data: None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        ended = received.find(b"\r\n\r\n")
        if ended < 0 or len(received) < ended + 4 + _length(received, ended):
            self._received = received
            return
        self._received = b""
        if self._latency:
            self._loop.call_later(self._latency, self._write, next(self._answers))
        else:
            self._write(next(self._answers))


def _length(received: bytes, ended: int) -> int:
    at = received.find(b"ontent-", 0, ended)
    while at > 0 and received[at + 7 : at + 14].lower() != b"length:":
        at = received.find(b"ontent-", at + 7, ended)
    return int(received[at + 14 : received.find(b"\r", at)]) if at > 0 else 0


class _Sleepless(selectors.DefaultSelector):
    """Looks again at once instead of waiting."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(0)


async def _serve() -> None:
    loop, answers = asyncio.get_running_loop(), cycle([_whole_answer(n) for n in range(_VARIANTS)])
    for latency in (0.0, LATENCY):

        def answering(seconds: float = latency) -> _Canned:
            return _Canned(answers, seconds)

        server = await loop.create_server(answering, "127.0.0.1", 0, backlog=8192)
        print(server.sockets[0].getsockname()[1], flush=True)
    await loop.create_future()


@contextmanager
def serving() -> Iterator[tuple[str, str]]:
    """Runs it in a process of its own; the addresses without latency and with it."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            quick, slow = (f"http://127.0.0.1:{int(server.stdout.readline())}" for _ in range(2))
            yield quick, slow
        finally:
            server.kill()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Sleepless())) as runner:
        runner.run(_serve())
