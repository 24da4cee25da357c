"""A server of raw sockets that misbehaves as it is told, and the transport that is let loose on it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from dagtui.io.transport import PooledTransport

KEY = "sk-canary-0123456789"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nset-cookie: a=b\r\n\r\nok"

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@dataclass
class Server:
    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)


async def read_request(reader: Reader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(serve: Callable[[Server, Reader, Writer], Awaitable[None]]) -> AsyncIterator[Server]:
    """A server on loopback whose every connection is given to `serve`."""
    told = Server("")

    async def connected(reader: Reader, writer: Writer) -> None:
        told.connections += 1
        try:
            await serve(told, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            told.gone.set()
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/messages"
    try:
        yield told
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def a_transport(**options: Any) -> AsyncIterator[PooledTransport]:
    transport = PooledTransport(**options)
    try:
        yield transport
    finally:
        await transport.aclose()


def a_request(url: str, body: bytes = b'{"a":1}') -> httpx.Request:
    return httpx.Request(
        "POST", url, headers={"x-api-key": KEY}, content=body, extensions={"timeout": {"connect": 2.0}}
    )


def answering(answer: bytes, *, reset: bool = False, times: int = 1) -> Callable[..., Awaitable[None]]:
    """Answer so many requests of a connection with `answer`, then close it (or reset it)."""

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        for _ in range(times):
            told.requests.append(await read_request(reader))
            writer.write(answer)
            await writer.drain()
        if reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    return serve


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
