"""The transport against raw sockets that misbehave: what is kept, sent again, closed."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from typing import Any

import httpx
import pytest

from dagtui.io import connector
from dagtui.io import transport as module
from dagtui.io.transport import PooledTransport
from tests.io.raw_server import (
    OK,
    Reader,
    Server,
    Writer,
    a_request,
    a_transport,
    answering,
    read_request,
    serving,
)


async def test_an_answer_comes_with_status_headers_and_body() -> None:
    async with serving(answering(OK)) as server, a_transport() as transport:
        response = await transport.handle_async_request(a_request(server.url))
    assert (response.status_code, await response.aread(), response.headers["set-cookie"]) == (200, b"ok", "a=b")
    assert server.requests[0].startswith(b"POST /v1/messages HTTP/1.1\r\n")
    assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')


async def test_the_head_is_what_the_request_says_and_nothing_else() -> None:
    async with serving(answering(OK)) as server, a_transport() as transport:
        await transport.handle_async_request(a_request(server.url))
    names = {line.split(b":")[0].lower() for line in server.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]}
    assert names == {b"host", b"x-api-key", b"content-length"}


async def test_connections_are_kept_and_cookies_are_not() -> None:
    async with serving(answering(OK, times=2)) as server, a_transport() as transport:
        for _ in range(2):
            await transport.handle_async_request(a_request(server.url))
    assert (server.connections, len(server.requests)) == (1, 2)
    assert b"cookie" not in server.requests[1].lower()


async def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with serving(answering(moved)) as server, a_transport() as transport:
        response = await transport.handle_async_request(a_request(server.url))
    assert response.status_code == 307


async def test_a_reset_after_the_request_was_sent_is_a_read_error() -> None:
    async with serving(answering(b"", reset=True)) as server, a_transport() as transport:
        with pytest.raises(httpx.ReadError):
            await transport.handle_async_request(a_request(server.url))
    assert len(server.requests) == 1


async def test_an_end_without_an_answer_is_a_read_error_and_the_request_is_sent_once() -> None:
    async with serving(answering(b"")) as server, a_transport() as transport:
        with pytest.raises(httpx.ReadError, match="before an answer came"):
            await transport.handle_async_request(a_request(server.url))
    assert len(server.requests) == 1


async def test_a_cancelled_request_closes_the_connection_so_that_the_server_sees_it() -> None:
    asked = asyncio.Event()

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        told.requests.append(await read_request(reader))
        asked.set()
        await reader.readexactly(1)

    async with serving(serve) as server, a_transport() as transport:
        task = asyncio.create_task(transport.handle_async_request(a_request(server.url)))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_cancelling_in_the_middle_of_a_body_closes_the_connection_too() -> None:
    asked = asyncio.Event()

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        asked.set()
        await reader.readexactly(1)

    async with serving(serve) as server, a_transport() as transport:
        task = asyncio.create_task(transport.handle_async_request(a_request(server.url)))
        await asked.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_what_could_not_be_sent_twice_is_told_as_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = connector.Connector.connect

    async def closed(self: connector.Connector, origin: connector.Origin, timeout: float | None) -> Any:
        opened = await connect(self, origin, timeout)
        opened.abort()
        return opened

    monkeypatch.setattr(connector.Connector, "connect", closed)
    async with serving(answering(OK, times=2)) as server, a_transport() as transport:
        with pytest.raises(httpx.WriteError, match="before anything was sent"):
            await transport.handle_async_request(a_request(server.url))
    assert server.requests == []


async def test_a_server_that_closes_kept_connections_never_gets_a_request_twice() -> None:
    async with serving(answering(OK)) as server, a_transport() as transport:
        outcomes: list[str] = []
        for number in range(60):
            body = b"%d" % number
            try:
                await transport.handle_async_request(a_request(server.url, body))
                outcomes.append("answered")
            except (httpx.ReadError, httpx.RemoteProtocolError):
                outcomes.append("ambiguous")
        bodies = [request.rsplit(b"\r\n\r\n", 1)[1] for request in server.requests]
    assert len(bodies) == len(set(bodies))
    assert outcomes.count("answered") == len(bodies)


async def test_a_kept_connection_that_the_server_closed_is_replaced_without_an_error() -> None:
    async with serving(answering(OK)) as server, a_transport() as transport:
        await transport.handle_async_request(a_request(server.url))
        for _ in range(20):
            await asyncio.sleep(0)
        response = await transport.handle_async_request(a_request(server.url))
    assert response.status_code == 200


async def test_a_header_that_would_break_the_request_is_refused_before_sending() -> None:
    async with serving(answering(OK)) as server, a_transport() as transport:
        request = a_request(server.url)
        request.headers["x-evil"] = "a\r\nx-injected: b"
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(request)
    assert server.requests == []


async def test_nothing_can_be_sent_after_closing() -> None:
    transport = PooledTransport()
    await transport.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await transport.handle_async_request(a_request("http://127.0.0.1:9/"))


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ],
    ids=["more than was asked for", "told to close", "http 1.0"],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(answer: bytes) -> None:
    async with serving(answering(answer, times=2)) as server, a_transport() as transport:
        for _ in range(2):
            response = await transport.handle_async_request(a_request(server.url))
            assert (response.status_code, await response.aread()) == (200, b"ok")
    assert server.connections == 2


async def test_an_idle_connection_is_closed_before_the_gateway_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_ALIVE", 0.02)

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        while True:
            told.requests.append(await read_request(reader))
            writer.write(OK)

    async with serving(serve) as server, a_transport() as transport:
        await transport.handle_async_request(a_request(server.url))
        await asyncio.wait_for(server.gone.wait(), 5)
        await transport.handle_async_request(a_request(server.url))
    assert (server.connections, len(server.requests)) == (2, 2)


async def test_closing_ends_what_is_in_flight() -> None:
    asked = asyncio.Event()

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        told.requests.append(await read_request(reader))
        asked.set()
        await reader.readexactly(1)

    async with serving(serve) as server:
        transport = PooledTransport()
        task = asyncio.create_task(transport.handle_async_request(a_request(server.url)))
        await asked.wait()
        await transport.aclose()
        with pytest.raises(httpx.ReadError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


@pytest.mark.parametrize("method", ["HEAD", "CONNECT"])
async def test_a_method_whose_answer_has_rules_of_its_own_is_refused(method: str) -> None:
    async with a_transport() as transport:
        with pytest.raises(httpx.LocalProtocolError, match=method):
            await transport.handle_async_request(httpx.Request(method, "http://127.0.0.1:9/"))


END, RESET = b"end", b"reset"
LATE = b"HTTP/1.1 408 Late\r\ncontent-length: 0\r\n\r\n"


class Unseen:
    """A server in a thread that says more on a connection after its answer, while the client's loop is busy."""

    def __init__(self, more: bytes) -> None:
        self.requests: list[bytes] = []
        self._more = more
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1/messages"
        self.said = threading.Event()
        self.go_on = threading.Event()
        self._peers: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            peer, _ = self._listening.accept()
            self._peers.append(peer)
            if not (request := peer.recv(65536)):
                return
            self.requests.append(request)
            peer.sendall(OK)
            self.go_on.wait(5)
            if self._more == END:
                peer.shutdown(socket.SHUT_WR)
            elif self._more == RESET:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            else:
                peer.sendall(self._more)
            self.said.set()

    def close(self) -> None:
        socket.create_connection(self._listening.getsockname()).close()
        self._thread.join(5)
        for peer in (*self._peers, self._listening):
            peer.close()


@pytest.mark.parametrize("more", [END, RESET, OK.replace(b"ok", b"no"), LATE], ids=["end", "reset", "200", "408"])
async def test_what_came_unseen_on_an_idle_connection_is_not_the_next_answer(more: bytes) -> None:
    server = Unseen(more)
    try:
        async with a_transport() as transport:
            await transport.handle_async_request(a_request(server.url))
            server.go_on.set()
            server.said.wait(5)  # not awaited: the loop is busy meanwhile
            time.sleep(0.01)  # noqa: ASYNC251 - and while it crosses the loopback
            response = await transport.handle_async_request(a_request(server.url))
            assert (response.status_code, await response.aread()) == (200, b"ok")
    finally:
        server.close()
    assert len(server.requests) == 2


async def test_a_connection_on_which_the_last_request_is_still_being_sent_is_not_used_again() -> None:
    read = asyncio.Event()

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        told.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await read.wait()

    async with serving(serve) as server, a_transport() as transport:
        await transport.handle_async_request(a_request(server.url, b"x" * 20_000_000))
        await transport.handle_async_request(a_request(server.url))
        read.set()
    assert server.connections == 2


async def test_closing_does_not_pass_half_an_answer_off_as_a_whole_one() -> None:
    begun = asyncio.Event()

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        told.requests.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await writer.drain()
        begun.set()
        await reader.readexactly(1)

    async with serving(serve) as server:
        transport = PooledTransport()
        task = asyncio.create_task(transport.handle_async_request(a_request(server.url)))
        await begun.wait()
        await asyncio.sleep(0.01)  # until the half has crossed the loopback
        await transport.aclose()
        with pytest.raises(httpx.RemoteProtocolError, match="cut short"):
            await task
