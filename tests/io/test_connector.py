"""Connecting: what fails before anything was sent, TLS, proxies; against real sockets."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trustme

from dagtui.io import connector
from tests.io.raw_server import (
    KEY,
    OK,
    Reader,
    Server,
    Writer,
    a_request,
    a_transport,
    answering,
    read_request,
    serving,
    unused_port,
)


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

    monkeypatch.setattr(connector, "start_connection", never)
    request = httpx.Request("POST", "http://127.0.0.1:9/", content=b"x", extensions={"timeout": {"connect": 0.01}})
    async with a_transport() as transport:
        with pytest.raises(httpx.ConnectTimeout):
            await transport.handle_async_request(request)


@pytest.mark.parametrize("url", ["ftp://example.com/", "http:///nothing", "file:///etc/passwd"])
async def test_an_address_that_is_no_web_address_is_refused(url: str) -> None:
    async with a_transport() as transport:
        with pytest.raises(httpx.UnsupportedProtocol):
            await transport.handle_async_request(a_request(url))


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


async def test_a_name_is_resolved_once_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async with serving(answering(OK)) as server, a_transport() as transport:
        port = int(server.url.split(":")[2].split("/")[0])

        async def getaddrinfo(host: str, *_: object, **__: object) -> Any:
            asked.append(host)
            await asyncio.sleep(0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        url = f"http://gateway.example:{port}/"
        monkeypatch.setenv("no_proxy", "*")
        await asyncio.gather(*(transport.handle_async_request(a_request(url)) for _ in range(20)))
    assert asked == ["gateway.example"]
    assert server.connections == 20


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def serving_tls(authority: trustme.CA, name: str = "127.0.0.1") -> AsyncIterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    told = Server("")

    async def connected(reader: Reader, writer: Writer) -> None:
        told.connections += 1
        try:
            while True:
                told.requests.append(await read_request(reader))
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            told.gone.set()
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    told.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/messages"
    try:
        yield told
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Any:
    with authority.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        yield


@pytest.mark.usefixtures("trusted")
async def test_a_server_whose_certificate_is_trusted_is_asked_over_tls(authority: trustme.CA) -> None:
    async with serving_tls(authority) as server, a_transport() as transport:
        for _ in range(2):
            response = await transport.handle_async_request(a_request(server.url, b"x" * 300_000))
            assert await response.aread() == b"ok"
    assert (server.connections, [len(request) > 300_000 for request in server.requests]) == (1, [True, True])


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
    authority: trustme.CA,
) -> None:
    async with serving_tls(authority) as server, a_transport() as transport:
        with pytest.raises(httpx.ConnectError, match=r"TLS: .*certificate"):
            await transport.handle_async_request(a_request(server.url))
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_name_is_refused(authority: trustme.CA) -> None:
    async with serving_tls(authority, "elsewhere.example") as server, a_transport() as transport:
        with pytest.raises(httpx.ConnectError, match=r"TLS: .*127\.0\.0\.1"):
            await transport.handle_async_request(a_request(server.url))
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
async def test_https_goes_through_a_proxy_in_a_tunnel_which_sees_nothing_of_it(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving_tls(authority, "gateway.example") as server:
        port = int(server.url.split(":")[2].split("/")[0])

        async def tunnel(told: Server, reader: Reader, writer: Writer) -> None:
            told.requests.append(await reader.readuntil(b"\r\n\r\n"))
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

            async def pump(source: Reader, target: Writer) -> None:
                try:
                    while piece := await source.read(65536):
                        told.requests.append(piece)
                        target.write(piece)
                finally:
                    target.close()

            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

        async with serving(tunnel) as proxy:
            address = proxy.url.removesuffix("/v1/messages").removeprefix("http://")
            monkeypatch.setenv("https_proxy", f"http://me:{KEY}@{address}")
            monkeypatch.delenv("no_proxy", raising=False)
            async with a_transport() as transport:
                for _ in range(2):
                    response = await transport.handle_async_request(a_request("https://gateway.example/v1/x"))
                    assert await response.aread() == b"ok"
    asked = proxy.requests[0].decode().split("\r\n")
    assert asked[:2] == ["CONNECT gateway.example:443 HTTP/1.1", "Host: gateway.example:443"]
    assert asked[2].startswith("Proxy-Authorization: Basic ")
    assert not any(b"v1/x" in piece for piece in proxy.requests)
    assert (proxy.connections, server.connections, len(server.requests)) == (1, 1, 2)


async def test_a_plain_proxy_is_told_the_password_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(OK)) as proxy:
        address = proxy.url.removesuffix("/v1/messages").removeprefix("http://")
        monkeypatch.setenv("http_proxy", f"http://me:secret@{address}")
        monkeypatch.delenv("no_proxy", raising=False)
        async with a_transport() as transport:
            await transport.handle_async_request(a_request("http://gateway.example/v1/x"))
    assert b"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.requests[0]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
async def test_a_name_that_no_resolver_takes_is_a_connect_error(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    async with a_transport() as transport:
        with pytest.raises((httpx.ConnectError, httpx.InvalidURL)):
            await transport.handle_async_request(a_request(f"http://{host}/"))


async def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
    async with a_transport() as transport:
        with pytest.raises(httpx.UnsupportedProtocol, match="SSL_CERT_FILE"):
            await transport.handle_async_request(a_request("https://127.0.0.1:9/"))


async def test_a_resolver_that_fails_after_everybody_left_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> Any:
        await asyncio.sleep(0.02)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("no_proxy", "*")
    request = httpx.Request("GET", "http://slow.example/", extensions={"timeout": {"connect": 0.001}})
    async with a_transport() as transport:
        with pytest.raises(httpx.ConnectTimeout):
            await transport.handle_async_request(request)
        await asyncio.sleep(0.03)
    gc.collect()
    assert caplog.records == []


async def test_hundreds_of_handshakes_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "MOST_AT_ONCE", 3)
    start, opening, most = connector.start_connection, 0, 0

    async def counted(*args: Any, **options: Any) -> socket.socket:
        nonlocal opening, most
        opening += 1
        most = max(most, opening)
        await asyncio.sleep(0)
        opening -= 1
        return await start(*args, **options)

    monkeypatch.setattr(connector, "start_connection", counted)
    async with serving(answering(OK)) as server, a_transport() as transport:
        await asyncio.gather(*(transport.handle_async_request(a_request(server.url)) for _ in range(20)))
    assert (most, server.connections) == (3, 20)
