"""One exchange on a connection: where an answer ends, and which break is told as which exception."""

from __future__ import annotations

import asyncio
import gzip
import socket
import traceback
import zlib
from collections.abc import Callable

import httpx
import pytest

from dagtui.io import connection
from dagtui.io import transport as module
from tests.io.raw_server import (
    KEY,
    Reader,
    Server,
    Writer,
    a_request,
    a_transport,
    answering,
    read_request,
    serving,
)


async def test_a_long_body_in_many_pieces_is_read_whole() -> None:
    body = bytes(range(256)) * 4096
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    async with serving(answering(answer)) as server, a_transport() as transport:
        response = await transport.handle_async_request(a_request(server.url, b"x" * 3_000_000))
    assert await response.aread() == body
    assert len(server.requests[0]) > 3_000_000


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


@pytest.mark.parametrize(
    "bomb", [gzip.compress(b"\0" * 50_000_000, 1, mtime=0), zlib.compress(b"\0" * 50_000_000, 1)]
)
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
    "answer",
    [packed(b"gzip", b"not gzip"), packed(b"gzip", gzip.compress(b"hello", mtime=0)[:-9]), packed(b"br", b"xx")],
)
async def test_broken_or_unknown_compression_is_a_protocol_error(answer: bytes) -> None:
    async with serving(answering(answer)) as server, a_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError):
            await transport.handle_async_request(a_request(server.url))


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nlate: 1\r\n\r\n", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok"),
    ],
    ids=["interim", "http 1.0", "until the end", "chunked with a trailer", "no content", "bare line feeds"],
)
async def test_every_way_of_telling_where_an_answer_ends(answer: bytes, body: bytes) -> None:
    async with serving(answering(answer)) as server, a_transport() as transport:
        response = await transport.handle_async_request(a_request(server.url))
    assert await response.aread() == body
    assert not {"link", "late"} & set(response.headers)


async def test_an_answer_is_the_same_in_whatever_pieces_it_comes() -> None:
    answer = b"HTTP/1.1 200 OK\r\nx-one: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            told.requests.append(await read_request(reader))
            for i in range(len(answer)):
                writer.write(answer[i : i + 1])
                await asyncio.sleep(0)

    async with serving(serve) as server, a_transport() as transport:
        for _ in range(2):
            response = await transport.handle_async_request(a_request(server.url))
            assert (await response.aread(), response.headers["x-one"]) == (b"abcde", "a")
    assert server.connections == 1


async def test_endless_headers_are_given_up() -> None:
    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        told.requests.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"0" * 8000 + b"\r\n")
            await writer.drain()

    async with serving(serve) as server, a_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="headers are too large"):
            await transport.handle_async_request(a_request(server.url))
    assert connection.MAX_HEAD == 128 * 1024


async def test_a_gzip_of_several_members_is_unpacked_whole() -> None:
    body = gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0)
    async with serving(answering(packed(b"gzip", body))) as server, a_transport() as transport:
        assert await (await transport.handle_async_request(a_request(server.url))).aread() == b"hello"


async def test_an_answer_that_changes_the_protocol_is_a_protocol_error() -> None:
    answer = b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00"
    async with serving(answering(answer)) as server, a_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="does not speak HTTP"):
            await transport.handle_async_request(a_request(server.url))


async def test_a_body_that_stops_in_the_middle_is_given_up_after_a_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "IDLE", 0.02)

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await reader.readexactly(1)

    async with serving(serve) as server, a_transport() as transport:
        with pytest.raises(httpx.ReadTimeout, match="in the middle of an answer"):
            await transport.handle_async_request(a_request(server.url))
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_a_silence_before_the_body_begins_is_a_model_that_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE", 0.1)
    head, body = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", b"an end"

    async def serve(told: Server, reader: Reader, writer: Writer) -> None:
        for _ in range(2):  # the second on the same connection, after one that came in pieces
            await read_request(reader)
            for piece in (head, body[:3], body[3:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0 if piece in body else 0.25)

    async with serving(serve) as server, a_transport() as transport:
        for _ in range(2):
            response = await transport.handle_async_request(a_request(server.url))
            assert await response.aread() == body
    assert server.connections == 1
