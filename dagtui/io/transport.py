"""An httpx transport of our own: asyncio connections, kept and used again; faults told as they are.

httpx's own pool looks at every connection for every request, which is quadratic in the number in flight. The
ready-made bridges to quicker clients report a reset after sending as "could not connect", which would hide that
money may have been spent; aiohttp, which told the truth, took half of an attempt's CPU (docs/performance.md). So
this one is ours: no redirects, no cookies, no retries (but the one of `exchange`), and the exception says on
which side of "sent" the exchange broke:

    ConnectError, ConnectTimeout, ProxyError, WriteError    nothing was sent, nothing can have been billed
    ReadError                                               the request was sent, the answer never began or broke
    ReadTimeout                                             the answer stopped in the middle
    RemoteProtocolError                                     what came is not a complete HTTP answer
    LocalProtocolError, UnsupportedProtocol                 the request itself cannot be sent
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

import httpx

from dagtui.io.connection import Answer, Connection, unpacked
from dagtui.io.connector import Connector, Origin, origin_of, proxy_authorization

MAX_BODY = 32 * 1024 * 1024
"""Bytes that an answer may have, before and after decompression."""

KEEP_ALIVE = 4.0
"""Seconds an idle connection is kept: Portkey's gateway closes after 5, and must not be the first to."""

_REMEMBERED_TARGETS = 64


class Wire(Protocol):
    """What carries whole requests: `PooledTransport`, or any httpx transport through `ThroughHttpx`."""

    async def exchange(
        self, method: str, url: str, lines: bytes, body: bytes, connect_timeout: float | None
    ) -> Answer:
        """Send a request and read its whole answer; `connect_timeout` is in seconds.

        `lines` are the headers as they go over the wire, `host` and `content-length` among them, each with its
        CR LF: whoever makes them sees to it that no value holds a line break.

        Raises:
            httpx.TransportError: see the head of this module.
            httpx.InvalidURL: `url` is none.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends requests over HTTP/1.1 from the loop that sends the first; whole bodies both ways.

    There is no limit to connections and none to the time of an exchange: who calls holds a permit, and gives
    up by cancelling, which closes the connection. `exchange` is for who has a request's bytes already: httpx's
    own Request and Response cost as much as all the rest. As an httpx transport it honours
    `request.extensions["timeout"]["connect"]`, in seconds. Proxies come from the environment (HTTP_PROXY,
    HTTPS_PROXY, ALL_PROXY, NO_PROXY) and from the system's settings; loopback hosts are never proxied.
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._closed = False
        self._connector = Connector(lambda: Connection(max_body, self._forget))
        self._targets: dict[tuple[str, str], _Target] = {}
        self._pools: dict[Origin, dict[Connection, float]] = {}
        self._open: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and read its whole answer.

        Raises:
            httpx.TransportError: see the head of this module.
        """
        stream = request.stream
        body = stream.content if isinstance(stream, Whole) else await _content(request)
        connect: float | None = request.extensions.get("timeout", {}).get("connect")
        answer = await self.exchange(request.method, str(request.url), _lines(request), body, connect)
        return httpx.Response(answer.status, headers=answer.headers, stream=Whole(answer.body))

    async def exchange(
        self, method: str, url: str, lines: bytes, body: bytes, connect_timeout: float | None
    ) -> Answer:
        """See `Wire`."""
        if self._closed:
            raise RuntimeError("The transport is closed; nothing can be sent.")
        target = self._targets.get((method, url)) or self._target(method, url)
        message = b"".join((target.first_lines, lines, b"\r\n", body))
        connection, coming = self._idle(target), None
        for _ in range(2):
            connection = connection or await self._connect(target, connect_timeout)
            coming = connection.send(message)
            if coming is not None:
                break
            # The server closed it between our last look and our first byte. This is the one case in which a POST
            # may be sent again: nothing of it has left.
            self._forget(connection)
            connection = None
        if connection is None or coming is None:
            raise httpx.WriteError("the connection was closed before anything was sent")
        try:
            answer = await coming
        except BaseException:
            connection.abort()
            raise
        self._keep(target, connection)
        return unpacked(answer, self._max_body)

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        for connection in tuple(self._open):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._connector.close()
        await asyncio.sleep(0)  # in which asyncio closes them

    async def _connect(self, target: _Target, timeout: float | None) -> Connection:
        connection = await self._connector.connect(target.origin, timeout)
        self._open.add(connection)
        if self._closed:
            connection.abort()
        return connection

    def _idle(self, target: _Target) -> Connection | None:
        """The connection that rested least, so that those which are too many grow old and go."""
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE
        while target.pool:
            connection, since = target.pool.popitem()
            if connection.reusable and since > oldest and not connection.disturbed:
                return connection
            connection.abort()
        return None

    def _keep(self, target: _Target, connection: Connection) -> None:
        if not connection.reusable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        target.pool[connection] = loop.time()
        if self._sweep is None:
            self._sweep = loop.call_later(KEEP_ALIVE, self._drop_old)

    def _drop_old(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - KEEP_ALIVE
        for pool in self._pools.values():
            for connection in [kept for kept, since in pool.items() if since <= oldest]:
                del pool[connection]
                connection.abort()
        waiting = any(self._pools.values())
        self._sweep = loop.call_later(KEEP_ALIVE / 4, self._drop_old) if waiting else None

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        for pool in self._pools.values():
            pool.pop(connection, None)

    def _target(self, method: str, url: str) -> _Target:
        if len(self._targets) >= _REMEMBERED_TARGETS:
            self._targets.clear()
        parsed = httpx.URL(url)
        origin = origin_of(parsed)
        pool = self._pools.setdefault(origin, {})
        target = self._targets[method, url] = _Target(origin, pool, _first_lines(method, parsed, origin))
        return target


class ThroughHttpx:
    """Any other httpx transport as a `Wire`; respx and `httpx.MockTransport` stand in for the network so."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def exchange(
        self, method: str, url: str, lines: bytes, body: bytes, connect_timeout: float | None
    ) -> Answer:
        """See `Wire`."""
        headers: list[tuple[bytes, bytes]] = []
        for line in lines.splitlines():
            name, _, value = line.partition(b": ")
            headers.append((name, value))
        extensions = {"timeout": {"connect": connect_timeout}}
        request = httpx.Request(method, url, headers=headers, stream=Whole(body), extensions=extensions)
        response = await self._transport.handle_async_request(request)
        return Answer(response.status_code, response.headers.raw, await response.aread())

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


class Whole(httpx.AsyncByteStream):
    """A body that is all there; who knows it takes `content` and spares itself the reading."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


class _Target(NamedTuple):
    """All that is worked out once for an address."""

    origin: Origin
    pool: dict[Connection, float]
    """Idle connections, the one that rested least last, each with the loop's time at which its rest began."""
    first_lines: bytes
    """The request line, and what a proxy must be told, each with its line break."""


def _first_lines(method: str, url: httpx.URL, origin: Origin) -> bytes:
    if method not in ("GET", "POST"):
        raise httpx.LocalProtocolError(f"the method {method[:20]!r} is not supported")
    where, told = url.raw_path, b""
    if origin.proxy is not None and not origin.secure:
        where = b"http://" + url.netloc + where
        authorization = proxy_authorization(origin.proxy)
        if authorization is not None:
            told = b"Proxy-Authorization: " + authorization + b"\r\n"
    return b"%b %b HTTP/1.1\r\n%b" % (method.encode("ascii"), where, told)


def _lines(request: httpx.Request) -> bytes:
    """The headers, as they go over the wire."""
    headers = request.headers.raw
    lines = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
        raise httpx.LocalProtocolError("the request's headers cannot be sent")
    return lines


async def _content(request: httpx.Request) -> bytes:
    if "transfer-encoding" in request.headers:
        raise httpx.LocalProtocolError("a streamed body is not supported: its length must be known")
    return await request.aread()
