"""Opens connections: names resolved once for many, both families of addresses, TLS, proxies.

asyncio does the TLS and aiohappyeyeballs the race between IPv6 and IPv4 (RFC 8305). Whatever fails here failed
before anything was sent, and is told as `httpx.ConnectError`, `ConnectTimeout` or `ProxyError`.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias, TypeVar, cast
from urllib.request import getproxies, proxy_bypass

import httpx
from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]

from dagtui.io.connection import Connection

RESOLVED_FOR = 10.0
"""Seconds a name's addresses are believed: hundreds of connections opened at once ask the resolver once."""

MOST_AT_ONCE = 256
"""Connections opened at once. A TLS handshake takes 2 ms of CPU: thousands together would all time out."""

_EYEBALLS_DELAY = 0.25  # what RFC 8305 section 5 recommends
# Routers on the way forget connections that wait minutes for a model, and a dead peer says nothing: probed after a
# minute of silence, given up after five more probes, in seconds.
_PROBES = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 5}
_MAX_TUNNEL_HEAD = 16 * 1024

_P = TypeVar("_P", bound=asyncio.BaseProtocol)
_Addresses: TypeAlias = Sequence[tuple[Any, Any, int, str, Any]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead: a host and port, with TLS or not, through a proxy or not."""

    secure: bool
    host: str
    port: int
    proxy: httpx.URL | None

    @property
    def authority(self) -> bytes:
        """Host and port as a CONNECT names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}".encode("ascii")


class Connector:
    """Opens connections for one event loop; `new` makes what will carry the exchanges."""

    def __init__(self, new: Callable[[], Connection]) -> None:
        self._new = new
        self._known: dict[tuple[str, int], tuple[float, asyncio.Task[_Addresses]]] = {}
        self._tls: ssl.SSLContext | None = None
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)

    async def connect(self, origin: Origin, timeout: float | None) -> Connection:
        """A connection to `origin` on which nothing was sent yet; `timeout` is in seconds.

        Raises:
            httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError: there is none to be had.
        """
        async with self._at_once:  # outside the timeout: who queues here is not slow to be connected
            try:
                async with asyncio.timeout(timeout):
                    if origin.proxy is not None:
                        return await self._through(origin.proxy, origin)
                    return await self._direct(origin)
            except TimeoutError as error:
                raise httpx.ConnectTimeout("connecting took too long") from error
            except OSError as error:
                raise httpx.ConnectError(_reason(error)) from error
            except ValueError as error:  # a name that no resolver takes, such as one with an empty label
                raise httpx.ConnectError(f"{origin.host!r} is not a valid host name") from error

    def close(self) -> None:
        """Ask no resolver any more."""
        for _, task in self._known.values():
            task.cancel()

    async def _direct(self, origin: Origin) -> Connection:
        tls, name = (self._context(), origin.host) if origin.secure else (None, None)
        sock = await self._socket(origin.host, origin.port)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(self._new, sock=sock, ssl=tls, server_hostname=name)
        return connection

    async def _through(self, proxy: httpx.URL, origin: Origin) -> Connection:
        if not origin.secure:  # the proxy reads the whole address in the request
            _, connection = await self._to_proxy(proxy, self._new)
            return connection
        tls = self._context()
        transport, tunnel = await self._to_proxy(proxy, _Tunnel)
        try:
            await tunnel.open(origin, proxy_authorization(proxy))
            connection = self._new()
            loop = asyncio.get_running_loop()
            inner = await loop.start_tls(transport, connection, tls, server_hostname=origin.host)
        except BaseException:
            transport.abort()
            raise
        assert inner is not None
        connection.connection_made(inner)  # start_tls leaves this to its caller
        return connection

    async def _to_proxy(self, proxy: httpx.URL, new: Callable[[], _P]) -> tuple[asyncio.Transport, _P]:
        secure = proxy.scheme == "https"
        tls, name = (self._context(), proxy.host) if secure else (None, None)
        try:
            sock = await self._socket(proxy.host, proxy.port or (443 if secure else 80))
            loop = asyncio.get_running_loop()
            return await loop.create_connection(new, sock=sock, ssl=tls, server_hostname=name)
        except TimeoutError:
            raise
        except OSError as error:
            raise httpx.ProxyError(f"the proxy cannot be reached: {_reason(error)}") from error

    async def _socket(self, host: str, port: int) -> socket.socket:
        addresses = await self._resolve(host, port)
        sock = await start_connection(addresses, happy_eyeballs_delay=_EYEBALLS_DELAY, interleave=1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _PROBES.items():
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return sock

    async def _resolve(self, host: str, port: int) -> _Addresses:
        loop = asyncio.get_running_loop()
        expires, task = self._known.get((host, port), (0.0, None))
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or (task.done() and loop.time() >= expires):
            task = loop.create_task(_addresses(host, port))
            task.add_done_callback(_heard)
            self._known[host, port] = (loop.time() + RESOLVED_FOR, task)
        return await asyncio.shield(task)

    def _context(self) -> ssl.SSLContext:
        """What httpx trusts (SSL_CERT_FILE, or the bundle of certifi), and what the system does."""
        if self._tls is None:
            try:
                context = httpx.create_ssl_context()
                context.load_default_certs()
            except OSError as error:
                reason = f"the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {_reason(error)}"
                raise httpx.UnsupportedProtocol(reason) from error
            context.set_alpn_protocols(["http/1.1"])
            self._tls = context
        return self._tls


class _Tunnel(asyncio.Protocol):
    """Asks a proxy for a way through to an https origin (CONNECT, RFC 9110 section 9.3.6)."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._opened: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    async def open(self, origin: Origin, authorization: bytes | None) -> None:
        """Raises httpx.ProxyError when the proxy will not."""
        assert self._transport is not None
        self._opened = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            raise httpx.ProxyError("the proxy hung up")
        lines = [b"CONNECT %b HTTP/1.1" % origin.authority, b"Host: %b" % origin.authority]
        if authorization is not None:
            lines.append(b"Proxy-Authorization: %b" % authorization)
        self._transport.write(b"\r\n".join([*lines, b"", b""]))
        head = await self._opened
        version, _, rest = head.split(b"\r\n", 1)[0].partition(b" ")
        status = rest[:3].decode("ascii", "replace")
        if not version.startswith(b"HTTP/1.") or not status.isdigit():
            raise httpx.ProxyError("the proxy does not speak HTTP")
        if not status.startswith("2"):
            raise httpx.ProxyError(f"the proxy refused with status {status}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._opened is None or self._opened.done():
            return
        if b"\r\n\r\n" in self._head:
            self._opened.set_result(bytes(self._head))
        elif len(self._head) > _MAX_TUNNEL_HEAD:
            self._opened.set_exception(httpx.ProxyError("the proxy does not speak HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(httpx.ProxyError("the proxy hung up"))


def origin_of(url: httpx.URL) -> Origin:
    """Where `url` is to be asked for, by what the environment says of proxies; loopback is never proxied.

    Raises:
        httpx.UnsupportedProtocol: it is no http or https address.
        httpx.ProxyError: the proxy is of a kind that is not supported.
    """
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol(f"{str(url)!r} is not an http or https address")
    secure = url.scheme == "https"
    host = url.raw_host.decode("ascii")
    return Origin(secure, host, url.port or (443 if secure else 80), _proxy(url))


def proxy_authorization(proxy: httpx.URL) -> bytes | None:
    """The value of Proxy-Authorization (RFC 7617) for what stands in the proxy's address."""
    if not proxy.username and not proxy.password:
        return None
    return b"Basic " + base64.b64encode(f"{proxy.username}:{proxy.password}".encode())


def _proxy(url: httpx.URL) -> httpx.URL | None:
    host = url.host
    if _is_loopback(host) or proxy_bypass(host if url.port is None else f"{host}:{url.port}"):
        return None
    proxies = getproxies()
    chosen = proxies.get(url.scheme) or proxies.get("all")
    if not chosen:
        return None
    try:
        proxy = httpx.URL(chosen if "://" in chosen else f"http://{chosen}")
    except httpx.InvalidURL:
        proxy = httpx.URL()
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


def _heard(task: asyncio.Task[Any]) -> None:
    """Take note of how `task` ended, though nobody waits any more: asyncio would log that nobody did."""
    if not task.cancelled():
        task.exception()


async def _addresses(host: str, port: int) -> _Addresses:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _reason(error: OSError) -> str:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files: raise the limit with ulimit -n, or lower the concurrency"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message or error.reason}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error.strerror or 'handshake failed'}"
    return error.strerror or str(error) or type(error).__name__
