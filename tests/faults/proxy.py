"""A proxy on loopback, between dagtui and the simulator, that spoils what it is told to, as toxiproxy does.

A verb spoils one request. It may have it answered first (`Exchange.asked`), so that the simulator's ledger calls
it paid, or never pass it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.io.raw_server import Reader, Writer, read_request

_TRACE = re.compile(rb"\r\nx-portkey-trace-id: [^/\r]+/(\d+)/(\d+)\r\n", re.IGNORECASE)
_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # SO_LINGER: close with a reset


@dataclass
class Exchange:
    """One request that came in, and the way back."""

    proxy: Proxy
    request: bytes
    reader: Reader
    writer: Writer
    name: tuple[int, int] | None  # the request and the attempt

    async def asked(self) -> bytes:
        """The simulator's whole answer, for which it has been paid."""
        host, _, port = self.proxy.upstream.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(self.request)
            answer = await read_request(reader)
        finally:
            writer.close()
        if self.name is not None:
            self.proxy.answers[self.name] = answer.partition(b"\r\n\r\n")[2]
        return answer

    async def say(self, words: bytes) -> None:
        """Send it, and let it arrive."""
        self.writer.write(words)
        await self.writer.drain()
        for _ in range(5):
            await asyncio.sleep(0)

    def reset(self) -> None:
        """Cut the connection as a machine that fails does."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()


Verb = Callable[[Exchange], Awaitable[None]]


class Proxy:
    """Listens from `up` to `down`.

    `choose` says what happens to an attempt, by the numbers of request and attempt: None passes it on. `answers`
    are the simulator's.
    """

    def __init__(self, upstream: str, choose: Callable[[int, int], Verb | None]) -> None:
        self.upstream = upstream
        self.answers: dict[tuple[int, int], bytes] = {}
        self._choose = choose
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Listen, at the same port each time."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def down(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: Reader, writer: Writer) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    request = await read_request(reader)
                    found = _TRACE.search(request)
                    name = (int(found[1]), int(found[2])) if found else None
                    verb = self._choose(*name) if name is not None else None
                    await (verb or whole)(Exchange(self, request, reader, writer, name))
        finally:
            writer.transport.abort()


# --- how much of an answer comes ---

Where = Callable[[bytes], int]


def nothing(answer: bytes) -> int:
    """None of it."""
    return 0


def in_headers(answer: bytes) -> int:
    """Half of the headers."""
    return answer.index(b"\r\n\r\n") // 2


def headers(answer: bytes) -> int:
    """The headers, and nothing of the body."""
    return answer.index(b"\r\n\r\n") + 4


def half(answer: bytes) -> int:
    """Half of the body, too."""
    return (headers(answer) + len(answer)) // 2


def everything(answer: bytes) -> int:
    """All of it."""
    return len(answer)


# --- verbs ---


async def whole(exchange: Exchange) -> None:
    """Spoil nothing."""
    await exchange.say(await exchange.asked())


def latency(seconds: float) -> Verb:
    """Answer so much later."""

    async def verb(exchange: Exchange) -> None:
        answer = await exchange.asked()
        await asyncio.sleep(seconds)
        await exchange.say(answer)

    return verb


def reset(where: Where = nothing, *, paid: bool = True) -> Verb:
    """Cut the connection where so much of the answer has come; unless `paid` the request goes nowhere."""

    async def verb(exchange: Exchange) -> None:
        if paid:
            answer = await exchange.asked()
            await exchange.say(answer[: where(answer)])
        exchange.reset()

    return verb


def truncate(where: Where) -> Verb:
    """Say goodbye where so much of the answer has come. (toxiproxy: limit_data)"""

    async def verb(exchange: Exchange) -> None:
        answer = await exchange.asked()
        await exchange.say(answer[: where(answer)])
        exchange.writer.close()

    return verb


def slow_close(seconds: float) -> Verb:
    """An answer that ends with the connection, which ends so much later."""

    async def verb(exchange: Exchange) -> None:
        head, _, body = (await exchange.asked()).partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        await exchange.say(b"\r\n".join([*kept, b"Connection: close", b"", body]))
        await asyncio.sleep(seconds)
        exchange.writer.close()

    return verb


async def slicer(exchange: Exchange) -> None:
    """A byte at a time."""
    exchange.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in await exchange.asked():
        exchange.writer.write(bytes([byte]))
        await asyncio.sleep(0)


def hang(where: Where = nothing, *, paid: bool = True) -> Verb:
    """Say so much, then nothing, until the other side leaves. (toxiproxy: timeout)"""

    async def verb(exchange: Exchange) -> None:
        if paid:
            answer = await exchange.asked()
            await exchange.say(answer[: where(answer)])
        await exchange.reader.read()

    return verb


def instead(answer: bytes, *, paid: bool = True) -> Verb:
    """Say this in place of the answer."""

    async def verb(exchange: Exchange) -> None:
        if paid:
            await exchange.asked()
        await exchange.say(answer)

    return verb


async def then_close(exchange: Exchange) -> None:
    """Answer, and close the connection that the other side means to keep."""
    await whole(exchange)
    exchange.writer.close()


def http(body: bytes, status: int = 200, content_type: str = "application/json", *more: str) -> bytes:
    """An answer on the wire."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body
