"""The transport against raw sockets that misbehave: which fault is told as which exception."""

from __future__ import annotations

import asyncio
import gzip
import socket
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import pytest

from dagtui.io import transport as module
from dagtui.io.transport import AiohttpTransport

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
async def a_transport(**options: Any) -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(**options)
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


async def test_a_long_body_in_many_pieces_is_read_whole() -> None:
    body = bytes(range(256)) * 4096
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    async with serving(answering(answer)) as server, a_transport() as transport:
        response = await transport.handle_async_request(a_request(server.url, b"x" * 3_000_000))
    assert await response.aread() == body
    assert len(server.requests[0]) > 3_000_000


async def test_a_refused_connection_is_a_connect_error() -> None:
    async with a_transport() as transport:
        with pytest.raises(httpx.ConnectError, match="connection refused"):
            await transport.handle_async_request(a_request(f"http://127.0.0.1:{unused_port()}/"))


async def test_a_host_that_does_not_exist_is_a_connect_error() -> None:
    async with a_transport() as transport:
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(a_request("http://no-such-host.invalid/"))


async def test_a_failed_handshake_is_a_connect_error() -> None:
    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 this is not TLS\r\n\r\n")

    async with serving(serve) as server, a_transport() as transport:
        with pytest.raises(httpx.ConnectError, match="TLS"):
            await transport.handle_async_request(a_request(server.url.replace("http:", "https:")))


async def test_connecting_too_long_is_a_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", never)
    request = httpx.Request("POST", "http://127.0.0.1:9/", content=b"x", extensions={"timeout": {"connect": 0.01}})
    async with a_transport() as transport:
        with pytest.raises(httpx.ConnectTimeout):
            await transport.handle_async_request(request)


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


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "part",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-le",
    ],
)
async def test_an_answer_cut_short_is_told_as_a_broken_answer(part: bytes, reset: bool) -> None:
    async with serving(answering(part, reset=reset)) as server, a_transport() as transport:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await transport.handle_async_request(a_request(server.url))
    assert len(server.requests) == 1


async def test_what_is_not_http_is_a_protocol_error_and_shows_no_key_anywhere() -> None:
    async with serving(answering(b"SSH-2.0-OpenSSH\r\n\r\n")) as server, a_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="does not speak HTTP") as caught:
            await transport.handle_async_request(a_request(server.url))
    error: BaseException | None = caught.value
    assert error is not None
    assert KEY not in "".join(traceback.format_exception(error)) + repr(error)
    assert error.__context__ is None
    assert error.__cause__ is None


async def test_no_exception_of_aiohttp_hangs_on_ours() -> None:
    async with a_transport() as transport:
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.handle_async_request(a_request(f"http://127.0.0.1:{unused_port()}/"))
    assert caught.value.__context__ is None
    assert not isinstance(caught.value.__cause__, aiohttp.ClientError)


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


async def test_a_huge_body_is_given_up_at_the_cap_and_the_connection_closed() -> None:
    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"0" * 65536)
            await writer.drain()

    async with serving(serve) as server, a_transport(max_body=1 << 20) as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="too large: more than 1 MB"):
            await transport.handle_async_request(a_request(server.url))
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_the_cap_is_32_megabytes_and_one_byte_less_passes() -> None:
    assert module.MAX_BODY == 32 * 1024 * 1024
    body = b"x" * 1000
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + body
    async with serving(answering(answer)) as server, a_transport(max_body=1000) as transport:
        assert await (await transport.handle_async_request(a_request(server.url))).aread() == body
    async with serving(answering(answer)) as server, a_transport(max_body=999) as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="too large"):
            await transport.handle_async_request(a_request(server.url))


def packed(encoding: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n"
    return head % (encoding, len(body)) + body


@pytest.mark.parametrize("bomb", [gzip.compress(b"\0" * 50_000_000, 1), zlib.compress(b"\0" * 50_000_000, 1)])
async def test_a_compressed_bomb_is_not_unpacked_beyond_the_cap(bomb: bytes) -> None:
    encoding = b"gzip" if bomb[:2] == b"\x1f\x8b" else b"deflate"
    async with serving(answering(packed(encoding, bomb))) as server, a_transport(max_body=1 << 20) as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="too large"):
            await transport.handle_async_request(a_request(server.url))


@pytest.mark.parametrize(("encoding", "pack"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
async def test_a_compressed_answer_is_unpacked_though_none_was_asked_for(
    encoding: bytes, pack: Callable[[bytes], bytes]
) -> None:
    async with serving(answering(packed(encoding, pack(b"hello")))) as server, a_transport() as transport:
        response = await transport.handle_async_request(a_request(server.url))
    assert await response.aread() == b"hello"
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "answer", [packed(b"gzip", b"not gzip"), packed(b"gzip", gzip.compress(b"hello")[:-9]), packed(b"br", b"xx")]
)
async def test_broken_or_unknown_compression_is_a_protocol_error(answer: bytes) -> None:
    async with serving(answering(answer)) as server, a_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError):
            await transport.handle_async_request(a_request(server.url))


def closing_connections(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the next connections that are taken be closed between being taken and being written to."""
    original = aiohttp.TCPConnector.connect
    left = times

    async def connect(self: aiohttp.TCPConnector, *args: Any, **options: Any) -> Any:
        nonlocal left
        connection = await original(self, *args, **options)
        if left:
            left -= 1
            connection.transport.close()
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect)


async def test_a_connection_that_closed_before_the_first_byte_costs_one_free_resend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(answering(OK, times=2)) as server, a_transport() as transport:
        await transport.handle_async_request(a_request(server.url))
        closing_connections(monkeypatch, 1)
        response = await transport.handle_async_request(a_request(server.url))
    assert await response.aread() == b"ok"
    assert (server.connections, len(server.requests)) == (2, 2)


async def test_the_free_resend_is_made_once_and_then_told_as_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(OK, times=2)) as server, a_transport() as transport:
        closing_connections(monkeypatch, 2)
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


@pytest.mark.parametrize("url", ["ftp://example.com/", "http:///nothing", "file:///etc/passwd"])
async def test_an_address_that_is_no_web_address_is_refused(url: str) -> None:
    async with a_transport() as transport:
        with pytest.raises(httpx.UnsupportedProtocol):
            await transport.handle_async_request(a_request(url))


async def test_a_header_that_would_break_the_request_is_refused_before_sending() -> None:
    async with serving(answering(OK)) as server, a_transport() as transport:
        request = a_request(server.url)
        request.headers["x-evil"] = "a\r\nx-injected: b"
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(request)
    assert server.requests == []


async def test_a_proxy_from_the_environment_is_used_but_never_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(answering(OK, times=2)) as proxy, serving(answering(OK)) as server:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1/messages"))
        monkeypatch.setenv("no_proxy", "inside.invalid")
        async with a_transport() as transport:
            await transport.handle_async_request(a_request("http://gateway.invalid/v1/messages"))
            await transport.handle_async_request(a_request(server.url))
            with pytest.raises(httpx.ConnectError):
                await transport.handle_async_request(a_request("http://inside.invalid/"))
    assert [request.split(b"\r\n")[0] for request in proxy.requests] == [
        b"POST http://gateway.invalid/v1/messages HTTP/1.1"
    ]
    assert len(server.requests) == 1


async def test_a_dead_proxy_is_told_as_a_proxy_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:{KEY}@127.0.0.1:{unused_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    async with a_transport() as transport:
        with pytest.raises(httpx.ProxyError) as caught:
            await transport.handle_async_request(a_request("http://gateway.invalid/"))
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


async def test_a_proxy_that_refuses_a_tunnel_is_told_as_a_proxy_error(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    async with serving(answering(refusal)) as proxy, a_transport() as transport:
        monkeypatch.setenv("https_proxy", proxy.url.removesuffix("/v1/messages"))
        with pytest.raises(httpx.ProxyError, match="407"):
            await transport.handle_async_request(a_request("https://gateway.invalid/"))


async def test_a_proxy_of_an_unsupported_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    async with a_transport() as transport:
        with pytest.raises(httpx.ProxyError, match="HTTP_PROXY"):
            await transport.handle_async_request(a_request("http://gateway.invalid/"))


async def test_nothing_can_be_sent_after_closing() -> None:
    transport = AiohttpTransport()
    await transport.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await transport.handle_async_request(a_request("http://127.0.0.1:9/"))
