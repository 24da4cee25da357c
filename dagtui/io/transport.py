"""An httpx transport over aiohttp: one exchange, its faults told as they are.

httpx's own pool looks at every connection for every request, which is quadratic in the number in flight, and
the ready-made bridges report a reset after sending as "could not connect", which would hide that money may
have been spent. So this one is ours: no redirects, no cookies, no retries (but the one of `_exchange`), and
the exception says on which side of "sent" the exchange broke:

    ConnectError, ConnectTimeout, ProxyError, WriteError    nothing was answered, nothing can have been billed
    ReadError                                               the request was sent, the answer never began or broke
    RemoteProtocolError                                     what came is not a complete HTTP answer
    LocalProtocolError, UnsupportedProtocol                 the request itself cannot be sent

aiohttp's exceptions stay here: the repr of some shows request headers, hence keys.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

MAX_BODY = 32 * 1024 * 1024
"""Bytes that an answer may have once decompressed."""

KEEP_ALIVE = 4.0
"""Seconds an idle connection is kept: Portkey's gateway closes after 5, and must not be the first to."""

_MAX_HEADER = 64 * 1024
_UNUSUAL_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_SKIPPED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_OF_THE_PACKED = (b"content-encoding", b"content-length")
_REMEMBERED_TARGETS = 64


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests through one aiohttp session, opened in the loop that sends the first.

    There is no limit to connections and none to the time of an exchange: who calls holds a permit, and gives
    up by cancelling, which closes the connection. `request.extensions["timeout"]["connect"]` is honoured, in
    seconds. Proxies come from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) and from the
    system's settings; loopback hosts are never proxied.
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._targets: dict[str, _Target] = {}
        self._tls: ssl.SSLContext | None = None
        self._timeouts: dict[float | None, aiohttp.ClientTimeout] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and read its whole answer.

        Raises:
            httpx.TransportError: see the head of this module.
        """
        try:
            return await self._exchange(request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure, cause = _translated(error)
        # Outside the except block: inside it Python would hang aiohttp's error on ours as its context.
        raise failure from cause

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        target = self._target(str(request.url))
        stream = request.stream
        content = stream.content if isinstance(stream, Whole) else await request.aread()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        timeout = self._timeout(request)
        session = self._session or self._open()
        may_resend = True
        while True:
            body = _Body(content) if content else None
            try:
                answer = await session.request(
                    request.method,
                    target.url,
                    data=body,
                    headers=headers,
                    proxy=target.proxy,
                    ssl=target.tls or True,
                    timeout=timeout,
                    allow_redirects=False,
                )
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                # The server closed a kept connection between our taking it and our first byte. aiohttp sends
                # only idempotent methods again; this is the one case in which a POST is safe too.
                if body is None or body.begun:
                    raise
                if not may_resend:
                    raise _NothingSent from None
                may_resend = False
                continue
            return await self._read(answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> httpx.Response:
        try:
            headers: Iterable[tuple[bytes, bytes]] = answer.raw_headers
            encoding = answer.headers.get("Content-Encoding", "").strip().lower()
            if encoding in ("", "identity"):
                content = await self._read_plain(answer)
            else:
                content = await self._read_packed(answer, encoding)
                headers = [pair for pair in headers if pair[0].lower() not in _OF_THE_PACKED]
        except BaseException:
            answer.close()
            raise
        return httpx.Response(answer.status, headers=list(headers), stream=Whole(content))

    async def _read_plain(self, answer: aiohttp.ClientResponse) -> bytes:
        stream = answer.content
        content = await stream.readany()
        if stream.at_eof():
            return self._within(content)
        chunks, size = [content], len(content)
        while chunk := await stream.readany():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body:
                break
        return self._within(b"".join(chunks))

    async def _read_packed(self, answer: aiohttp.ClientResponse, encoding: str) -> bytes:
        """Nothing compressed is asked for, so this is rare; a little of it may still become a lot."""
        if encoding not in _UNUSUAL_ENCODINGS:
            raise httpx.RemoteProtocolError(f"the answer is encoded as {encoding[:20]!r}, which was not asked for")
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, whichever it is
        content = bytearray()
        try:
            while chunk := await answer.content.readany():
                content += inflate.decompress(chunk, self._max_body + 1 - len(content))
                self._within(content)
                if inflate.eof:
                    break
        except zlib.error as error:
            raise httpx.RemoteProtocolError("the answer's compression is broken") from error
        if not inflate.eof:
            raise httpx.RemoteProtocolError("the answer was cut short")
        answer.release()
        return bytes(content)

    def _within(self, content: Any) -> Any:
        if len(content) > self._max_body:
            most = self._max_body / 1048576
            raise httpx.RemoteProtocolError(f"the answer is too large: more than {most:.0f} MB")
        return content

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("The transport is closed; nothing can be sent.")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_SKIPPED,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
            # Not trust_env: aiohttp would ask two threads for every request, and add what ~/.netrc says.
        )
        return self._session

    def _target(self, text: str) -> _Target:
        known = self._targets.get(text)
        if known is None:
            if len(self._targets) >= _REMEMBERED_TARGETS:
                self._targets.clear()
            url = URL(text, encoded=True)
            if url.scheme not in ("http", "https") or not url.host:
                raise httpx.UnsupportedProtocol(f"{text!r} is not an http or https address")
            if url.scheme == "https":
                self._tls = self._tls or _tls()
            known = self._targets[text] = _Target(url, _proxy(url), self._tls)
        return known

    def _timeout(self, request: httpx.Request) -> aiohttp.ClientTimeout:
        connect: float | None = request.extensions.get("timeout", {}).get("connect")
        known = self._timeouts.get(connect)
        if known is None:
            known = self._timeouts[connect] = aiohttp.ClientTimeout(total=None, connect=connect)
        return known


class Whole(httpx.AsyncByteStream):
    """A body that is all there; who knows it takes `content` and spares httpx the reading."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


class _Target(NamedTuple):
    """All that is worked out once for an address."""

    url: URL
    proxy: URL | None
    tls: ssl.SSLContext | None


class _Body(aiohttp.Payload):
    """The request's bytes, which remember whether any may have left."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._size = len(content)
        self.begun = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._value.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        # aiohttp holds the head back until the first bytes of the body, and writes both at once.
        transport = getattr(writer, "transport", None)
        self.begun = transport is not None and not transport.is_closing()
        await writer.write(self._value)


class _NothingSent(aiohttp.ClientError):
    """Twice in a row the connection was closed before the first byte."""


def _tls() -> ssl.SSLContext:
    """What httpx trusts (SSL_CERT_FILE, or the bundle of certifi), and what the system does."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def _proxy(url: URL) -> URL | None:
    host = url.host or ""
    if _is_loopback(host) or proxy_bypass(host if url.port is None else f"{host}:{url.port}"):
        return None
    proxies = getproxies()
    chosen = proxies.get(url.scheme) or proxies.get("all")
    if not chosen:
        return None
    try:
        proxy = URL(chosen if "://" in chosen else f"http://{chosen}")
    except ValueError:
        proxy = URL()
    if proxy.scheme not in ("http", "https") or not proxy.host:
        name = f"{url.scheme.upper()}_PROXY or ALL_PROXY"
        raise httpx.ProxyError(f"{name} does not name an http proxy, and no other kind is supported")
    return proxy


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _translated(error: Exception) -> tuple[httpx.TransportError, Exception | None]:
    """The httpx error that tells the same, and what may be shown as its cause."""
    match error:
        case aiohttp.ClientProxyConnectionError():
            return httpx.ProxyError(f"the proxy cannot be reached: {_reason(error.os_error)}"), error.os_error
        case aiohttp.ClientHttpProxyError():
            return httpx.ProxyError(f"the proxy refused with status {error.status}"), None
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout("connecting took too long"), None
        case aiohttp.ClientConnectorCertificateError():
            return httpx.ConnectError(f"TLS: {error.certificate_error}"), error.certificate_error
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(_reason(error.os_error)), error.os_error
        case aiohttp.ServerFingerprintMismatch() | aiohttp.ClientSSLError():
            return httpx.ConnectError("TLS failed"), None
        case _NothingSent():
            return httpx.WriteError("the connection was closed before anything was sent"), None
        case aiohttp.ClientPayloadError():
            return httpx.RemoteProtocolError("the answer was cut short"), None
        case aiohttp.ClientResponseError():
            return httpx.RemoteProtocolError("what answered does not speak HTTP"), None
        case aiohttp.ServerDisconnectedError():
            return httpx.ReadError("the connection was closed before an answer came"), None
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return httpx.UnsupportedProtocol("the address is not a valid http or https address"), None
        case aiohttp.ClientError() | OSError():
            return httpx.ReadError("the connection was reset before the answer was complete"), None
        case _:
            return httpx.LocalProtocolError("the request's headers or address cannot be sent"), None


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error.strerror or 'handshake failed'}"
    if isinstance(error, asyncio.TimeoutError):
        return "connecting took too long"
    return error.strerror or str(error) or type(error).__name__
