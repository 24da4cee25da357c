"""What the gateway client costs: requests a second against a server without latency, in a process of its own.

    python benchmarks/transport.py

Compares a bare aiohttp session, `dagtui.io.portkey.Portkey` over `dagtui.io.transport.AiohttpTransport`, and
httpx's client as it comes, at 1, 100 and 500 requests in flight. Takes about half a minute. Ratios are worth
comparing between machines, absolute numbers are not; the best of three rounds counts.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import httpx

from dagtui.core.model import Prompt, ProviderChoice, Request
from dagtui.core.settings import GatewaySettings
from dagtui.io.portkey import Portkey

IN_FLIGHT = (1, 100, 500)
ROUND_S = 0.8
ROUNDS = 3
TEXT = "All that is gold does not glitter, not all those who wander are lost. " * 10
ANSWER = json.dumps(
    {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 210, "output_tokens": 180},
    }
).encode()
LIMITS = {
    f"anthropic-ratelimit-{what}-{part}": value
    for what in ("requests", "input-tokens", "output-tokens")
    for part, value in (("limit", "4000"), ("remaining", "3999"), ("reset", "2026-01-01T00:00:01Z"))
}
HEADERS = {"Content-Type": "application/json", "request-id": "req_01", "x-portkey-provider": "anthropic", **LIMITS}
HEAD = "".join(f"{name}: {value}\r\n" for name, value in {**HEADERS, "content-length": str(len(ANSWER))}.items())
WHOLE_ANSWER = f"HTTP/1.1 200 OK\r\n{HEAD}\r\n".encode() + ANSWER

Ask = Callable[[], Awaitable[object]]


class Canned(asyncio.Protocol):
    """Answers every request alike, and does so little else that the client is what is measured."""

    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if found and len(rest) >= int(re.search(rb"(?i)content-length: *(\d+)", head)[1]):  # type: ignore[index]
            self.received = b""
            self.transport.write(WHOLE_ANSWER)


async def serve() -> None:
    """Answer on a free port, and print it."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@asynccontextmanager
async def bare_aiohttp(url: str) -> AsyncIterator[Ask]:
    """The session beneath our transport, with nothing above it."""
    body = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": TEXT}]}
    headers = {"content-type": "application/json", "x-api-key": "key", "x-portkey-provider": "anthropic"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask() -> object:
            async with session.post(f"{url}/v1/messages", data=json.dumps(body), headers=headers) as response:
                return json.loads(await response.read())

        yield ask


@asynccontextmanager
async def portkey(url: str) -> AsyncIterator[Ask]:
    """Ours: the body built, the headers set, the answer checked and taken apart."""
    gateway = Portkey(GatewaySettings(name="local", base_url=url, provider_key="key"), run_id="run")
    choice = ProviderChoice("anthropic", "claude-haiku-4-5", max_tokens=64)
    request = Request(0, "record", "dimension", Prompt(TEXT), choice, "run/0")
    yield lambda: gateway.complete(request, 1)
    await gateway.aclose()


@asynccontextmanager
async def default_httpx(url: str) -> AsyncIterator[Ask]:
    """What one writes first."""
    body = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": TEXT}]}
    headers = {"x-api-key": "key", "x-portkey-provider": "anthropic"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:

        async def ask() -> object:
            return (await client.post(f"{url}/v1/messages", json=body, headers=headers)).json()

        yield ask


async def rate(ask: Ask, in_flight: int) -> float:
    """Requests a second that `in_flight` workers get through."""
    end = time.perf_counter() + ROUND_S
    done = 0

    async def work() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await ask()
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return done / (time.perf_counter() - started)


async def measure(url: str) -> None:
    clients = {"aiohttp, bare": bare_aiohttp, "dagtui Portkey": portkey, "httpx, default": default_httpx}
    found: dict[tuple[str, int], float] = {}
    async with AsyncExitStack() as stack:
        asks = {name: await stack.enter_async_context(client(url)) for name, client in clients.items()}
        for in_flight in IN_FLIGHT:
            for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits all alike
                for name, ask in asks.items():
                    best = found.get((name, in_flight), 0.0)
                    found[name, in_flight] = max(best, await rate(ask, in_flight))
    print(f"{'requests/s':<16}" + "".join(f"{n:>8} in flight" for n in IN_FLIGHT))
    for name in clients:
        print(f"{name:<16}" + "".join(f"{found[name, n]:>18,.0f}" for n in IN_FLIGHT))
    for other in ("aiohttp, bare", "httpx, default"):
        ratios = (found["dagtui Portkey", n] / found[other, n] for n in IN_FLIGHT)
        print(f"{'Portkey ÷ ' + other.split(',')[0]:<16}" + "".join(f"{ratio:>18.2f}" for ratio in ratios))


def main() -> None:
    if "--serve" in sys.argv:
        asyncio.run(serve())
        return
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            asyncio.run(measure(f"http://127.0.0.1:{int(server.stdout.readline())}"))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
