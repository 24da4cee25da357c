"""One HTTP/1.1 connection: a request goes out, its whole answer comes back, taken apart by httptools (llhttp).

Everything that can go wrong after the first byte has left is told here, as the httpx error that says how far the
exchange came (see `transport`).
"""

from __future__ import annotations

import asyncio
import select
import socket
import zlib
from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple, cast

import httptools
import httpx

MAX_HEAD = 128 * 1024
"""Bytes that the status line and headers of an answer may have together, interim answers included."""

IDLE = 60.0
"""Seconds of silence after which a body that has begun is given up. Before it begins the model thinks, and how
long that may take is for the caller to say."""

_UNUSUAL_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_OF_THE_PACKED = (b"content-encoding", b"content-length")

_name = itemgetter(0)


class Answer(NamedTuple):
    """A whole answer, its body no longer compressed."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. `max_body` is in bytes; `lost` is told when the connection is closed."""

    def __init__(self, max_body: int, lost: Callable[[Connection], None]) -> None:
        self._max_body = max_body
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._readable: Callable[[], bool] | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._keep_alive = False
        self._received = 0
        self._body_size = 0
        self._in_body = False
        self._until_end = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._heard_at = 0.0  # when the last piece of a body came that is not whole yet
        self._idle: asyncio.TimerHandle | None = None
        self._parser = _parser_for(self)

    # --- what the transport asks ---

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow the last."""
        transport = self._transport
        return (
            self._keep_alive
            and self._waiter is None
            and transport is not None
            and not transport.is_closing()
            and not transport.get_write_buffer_size()  # answered before it had read the whole request
        )

    @property
    def disturbed(self) -> bool:
        """Whether something came while the connection was idle which the loop, being busy, has not seen yet.

        Its end, most often; or an answer to a question that nobody asked, which must not become the next one's.
        """
        return self._readable is None or self._readable()

    def send(self, message: bytes) -> asyncio.Future[Answer] | None:
        """Send `message`, a whole request; None if it is certain that not a byte of it left.

        The future fails with `httpx.ReadError`, `httpx.ReadTimeout` or `httpx.RemoteProtocolError`. Who stops
        waiting for it calls `abort`, so that the server learns of it.
        """
        if self._transport is None or self._transport.is_closing():
            return None
        self._received = self._body_size = 0
        self._in_body = self._until_end = self._keep_alive = False
        self._transport.write(message)
        if self._transport.is_closing():  # the very first write failed: the server had hung up
            return None
        self._waiter = self._loop.create_future()
        return self._waiter

    def abort(self) -> None:
        """Close at once."""
        self._keep_alive = self._until_end = False
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # by its methods: uvloop's is of another class
        self._readable = _readable(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        if not self._in_body:
            self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(httpx.RemoteProtocolError("what answered does not speak HTTP"))
        if not self._in_body and self._received > MAX_HEAD:
            self._fail(httpx.RemoteProtocolError("the answer's headers are too large"))
        if self._waiter is not None and self._body_size:
            self._heard_at = self._loop.time()
            if self._idle is None:
                self._idle = self._loop.call_later(IDLE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._idle is not None:
            self._idle.cancel()
        self._lost(self)
        if self._waiter is None:
            return
        if exc is not None:
            self._fail(httpx.ReadError("the connection was reset before the answer was complete"))
        elif self._in_body and self._until_end:
            self.on_message_complete()
        elif self._received:
            self._fail(httpx.RemoteProtocolError("the answer was cut short"))
        else:
            self._fail(httpx.ReadError("the connection was closed before an answer came"))

    # --- httptools ---

    def on_message_begin(self) -> None:
        if self._waiter is None:  # nobody asked: a server that says so before it hangs up, or one gone astray
            self.abort()
        self._headers, self._body = [], []

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:  # else a trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            return
        self._in_body = True
        self._keep_alive = self._parser.should_keep_alive()
        if not self._keep_alive:
            named = {name.lower() for name, _ in self._headers}
            self._until_end = not named & {b"content-length", b"transfer-encoding"}

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._max_body:
            self._fail(_too_large(self._max_body))
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        waiter = self._waiter
        if waiter is None or not self._in_body:  # in no body: an interim answer such as 103
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        answer = Answer(self._parser.get_status_code(), self._headers, body)
        self._waiter, self._headers, self._body = None, [], []
        if not waiter.done():
            waiter.set_result(answer)

    def _look(self) -> None:
        """Give up the body that is under way, if there is one, when nothing came of it for long."""
        self._idle = None
        if self._waiter is None or not self._body_size:
            return
        rest = self._heard_at + IDLE - self._loop.time()
        if rest > 0:
            self._idle = self._loop.call_later(rest, self._look)
        else:
            self._fail(httpx.ReadTimeout(f"nothing came for {IDLE:.0f} s in the middle of an answer"))

    def _fail(self, error: httpx.TransportError) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.abort()


def unpacked(answer: Answer, max_body: int) -> Answer:
    """`answer` with its body decompressed; nothing compressed is asked for, so this is rare.

    Raises:
        httpx.RemoteProtocolError: the encoding is unknown or broken, or a little of it became too much.
    """
    if len(b"content-encoding") not in map(len, map(_name, answer.headers)):
        return answer  # at a glance, since this is asked of every answer
    encoding = _encoding(answer.headers)
    if encoding in ("", "identity"):
        return answer
    if encoding not in _UNUSUAL_ENCODINGS:
        raise httpx.RemoteProtocolError(f"the answer is encoded as {encoding[:20]!r}, which was not asked for")
    body, packed = b"", answer.body
    while packed:  # more than once for a gzip of several members
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, whichever it is
        try:
            body += inflate.decompress(packed, max_body + 1 - len(body))
        except zlib.error as error:
            raise httpx.RemoteProtocolError("the answer's compression is broken") from error
        if len(body) > max_body:
            raise _too_large(max_body)
        if not inflate.eof:
            raise httpx.RemoteProtocolError("the answer was cut short")
        packed = inflate.unused_data
    headers = [pair for pair in answer.headers if pair[0].lower() not in _OF_THE_PACKED]
    return Answer(answer.status, headers, body)


def _encoding(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name.lower() == b"content-encoding":
            return value.decode("latin-1").strip().lower()
    return ""


def _readable(sock: socket.socket) -> Callable[[], bool]:
    """A function that says whether there is anything to read from `sock`, its end included."""
    if not hasattr(select, "poll"):  # on Windows
        return lambda: bool(select.select([sock], [], [], 0)[0])
    watched = select.poll()
    watched.register(sock.fileno(), select.POLLIN)
    return lambda: bool(watched.poll(0))


def _parser_for(connection: Connection) -> httptools.HttpResponseParser:
    parser = httptools.HttpResponseParser(connection)
    # What real gateways get wrong without anything being ambiguous; browsers and aiohttp allow it too.
    parser.set_dangerous_leniencies(
        lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser


def _too_large(max_body: int) -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError(f"the answer is too large: more than {max_body / 1048576:.0f} MB")
