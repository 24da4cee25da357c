"""Faults of the network between us and the gateway, over real sockets: no record is lost, no charge goes untold.

Each row of `docs/failures.md` that has a socket in it; the simulator's ledger says what was paid.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from typing import Any

import pytest

from dagtui.core.errors import ErrorKind, ExitCode, GatewayError
from dagtui.core.model import Success
from dagtui.io import connection
from dagtui.opening import open_session
from dagtui.plan import Plan, sample_folder
from tests.faults import proxy as faults
from tests.faults.harness import RECORDS, SPOILT, Played, play
from tests.faults.proxy import Proxy, Verb, http
from tests.io.raw_server import unused_port

CONNECTION, TIMEOUT, UNREADABLE = ErrorKind.CONNECTION, ErrorKind.TIMEOUT, ErrorKind.INVALID_RESPONSE


def once(verb: Verb) -> Any:
    """Spoil the first attempt of some requests."""
    return lambda seq, attempt: verb if seq in SPOILT and attempt == 1 else None


def succeeded(played: Played) -> int:
    return sum(isinstance(outcome, Success) for outcome in played.outcomes.values())


def outage_is_told(played: Played) -> bool:
    return any("nothing answers any more" in line for line in played.log) and any(
        "it answers again" in line for line in played.log
    )


# --- nothing was sent ---


async def until_outage(proxy: Proxy, played: Played) -> None:
    async with asyncio.timeout(10):
        while not played.log:  # noqa: ASYNC110 - the session's events are read elsewhere
            await asyncio.sleep(0.01)
    await proxy.up()


async def test_a_refused_connection_costs_time_no_attempt_and_no_record() -> None:
    played = await play(begin=until_outage, attempts=1)
    assert succeeded(played) == RECORDS
    assert set(played.errors) == {(CONNECTION, "no")}
    assert 8 <= played.errors[CONNECTION, "no"] <= 8 + 5  # those in flight when it was told, and a probe
    assert played.duplicates == 0
    assert outage_is_told(played)


async def test_a_name_that_cannot_be_resolved_for_a_while_costs_time_no_attempt_and_no_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, found = asyncio.get_running_loop(), False

    async def getaddrinfo(host: str, port: int, **_: object) -> Any:
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def begin(proxy: Proxy, played: Played) -> None:
        nonlocal found
        await until_outage(proxy, played)
        found = True

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("no_proxy", "*")
    played = await play(host="gateway.example", begin=begin, attempts=1)
    assert succeeded(played) == RECORDS
    assert set(played.errors) == {(CONNECTION, "no")}
    assert outage_is_told(played)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1"])
async def test_a_gateway_that_is_not_there_at_the_start_is_told_by_its_name_before_anything_is_sent(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    plan = Plan(
        path=str(sample_folder() / "emails.csv"), task="email", gateway=f"http://{host}:{unused_port()}/v1"
    )
    with pytest.raises(GatewayError, match=f"No gateway answers at http://{host}") as caught:
        await open_session(plan, {"ANTHROPIC_API_KEY": "sk-ant-test-0123456789"})
    assert caught.value.exit_code == ExitCode.UNREACHABLE


async def test_a_connection_that_is_cut_before_the_request_is_passed_on_is_not_known_to_be_free() -> None:
    played = await play(once(faults.reset(paid=False)))
    assert succeeded(played) == RECORDS
    assert set(played.errors) == {(CONNECTION, "maybe")}
    assert played.duplicates == 0  # it was free; nobody here could know


# --- the request was sent, and its answer was lost ---


LOST = {
    "reset before the answer": (faults.reset(faults.nothing), CONNECTION),
    "reset in the headers": (faults.reset(faults.in_headers), None),
    "reset before the body": (faults.reset(faults.headers), None),
    "reset in the body": (faults.reset(faults.half), None),
    "closed before the answer": (faults.truncate(faults.nothing), CONNECTION),
    "closed in the headers": (faults.truncate(faults.in_headers), UNREADABLE),
    "closed in the body": (faults.truncate(faults.half), UNREADABLE),
    "closed after 10 bytes": (faults.truncate(lambda answer: 10), UNREADABLE),
}


@pytest.mark.parametrize(("verb", "kind"), LOST.values(), ids=LOST)
async def test_an_answer_that_was_lost_is_paid_twice_and_told_as_perhaps_paid(
    verb: Verb, kind: ErrorKind | None
) -> None:
    played = await play(once(verb))
    assert succeeded(played) == RECORDS
    assert played.duplicates == len(SPOILT)
    assert sum(played.errors.values()) == len(SPOILT)
    # What was read before a reset is the kernel's affair, so there it may be either.
    assert set(played.errors) <= {(which, "maybe") for which in ([kind] if kind else [CONNECTION, UNREADABLE])}


@pytest.mark.parametrize(
    ("verb", "tries"), [(faults.reset(), 3), (faults.truncate(faults.half), 2)], ids=["reset", "cut short"]
)
async def test_what_is_lost_each_time_is_not_paid_without_end(verb: Verb, tries: int) -> None:
    played = await play(lambda seq, attempt: verb if seq in (1, 11) else None, attempts=9)
    assert sorted(played.failures) == [1, 11]
    assert all(failure.attempts == tries for failure in played.failures.values())
    assert all(failure.error.billed == "maybe" for failure in played.failures.values())
    assert played.duplicates == 2 * (tries - 1)
    assert played.result is not None
    assert played.result.outcome == "partial"


# --- what answers is no answer ---


BOMB = gzip.compress(b" " * 64_000_000, 1, mtime=0)
STREAM = b"""event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}}

event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}

"""
EMPTY_ANSWER = json.dumps({"type": "message", "content": [{"type": "text", "text": "hollow"}]}).encode()
WRONG = {
    "bad json": http(b'{"type": "message", "content": [}'),
    "half a json": http(b'{"type": "message", "content": [{"type": "te'),
    "empty": http(b""),
    "a page": http(b"<html><title>Log in</title></html>", 200, "text/html"),
    "a page that is called json": http(b"<html><title>Log in</title></html>"),
    "text": http(b"ok", 200, "text/plain"),
    "an answer without usage": http(EMPTY_ANSWER),
    "an error at 200": http(b'{"error": {"message": "strange"}}'),
    "binary": http(bytes(range(256)) * 4, 200, "application/octet-stream"),
    "a stream that breaks off": http(STREAM, 200, "text/event-stream"),
    "a gzip bomb": http(BOMB, 200, "application/json", "Content-Encoding: gzip"),
    "no gzip, but called so": http(b"{}", 200, "application/json", "Content-Encoding: gzip"),
    "no http": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
async def test_a_200_that_is_no_answer_is_never_stored_and_is_asked_for_once_more(words: bytes) -> None:
    played = await play(once(faults.instead(words)))
    assert succeeded(played) == RECORDS
    assert played.errors == {(UNREADABLE, "maybe"): len(SPOILT)}
    assert played.duplicates == len(SPOILT)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad json", '"content": [}'),
        ("empty", "answered 200"),
        ("a page", "login page"),
        ("a stream that breaks off", "is a stream"),
    ],
)
async def test_a_200_that_is_never_an_answer_is_paid_twice_and_fails_with_what_it_said(
    name: str, words: str
) -> None:
    verb = faults.instead(WRONG[name])
    played = await play(lambda seq, attempt: verb if seq in (1, 11) else None)
    assert sorted(played.failures) == [1, 11]
    for failure in played.failures.values():
        assert (failure.attempts, failure.error.billed) == (2, "maybe")
        assert words in failure.error.message
    assert played.duplicates == 2


async def test_a_body_of_endless_size_is_given_up_at_the_cap() -> None:
    async def flood(exchange: faults.Exchange) -> None:
        await exchange.asked()
        exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n")
        for _ in range(200_000_000 // 1_000_000):
            exchange.writer.write(b"0" * 1_000_000)
            await exchange.writer.drain()

    played = await play(lambda seq, attempt: flood if seq == 7 and attempt == 1 else None)
    assert succeeded(played) == RECORDS
    error = played.attempts[7, 1].error
    assert error is not None
    assert (error.kind, error.billed) == (UNREADABLE, "maybe")
    assert "more than 32 MB" in error.message
    assert played.duplicates == 1


# --- slow ones ---


@pytest.mark.parametrize(
    "verb",
    [faults.slicer, faults.slow_close(0.05), faults.latency(0.05)],
    ids=["a byte at a time", "slow close", "late"],
)
async def test_an_answer_that_is_only_slow_or_badly_ended_counts_and_is_paid_once(verb: Verb) -> None:
    played = await play(once(verb))
    assert succeeded(played) == RECORDS
    assert not played.errors
    assert played.duplicates == 0


async def test_headers_that_never_come_time_out_as_perhaps_paid_and_hold_nobody_else_up() -> None:
    played = await play(once(faults.hang()), timeout=0.3, concurrency=10)
    assert succeeded(played) == RECORDS
    assert played.errors == {(TIMEOUT, "maybe"): len(SPOILT)}
    assert played.duplicates == len(SPOILT)
    assert all(played.tries(seq) == 1 for seq in range(RECORDS) if seq not in SPOILT)


async def test_a_body_that_falls_silent_is_given_up_long_before_the_attempts_whole_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "IDLE", 0.2)
    played = await play(once(faults.hang(faults.half)), timeout=600.0)
    assert succeeded(played) == RECORDS
    assert played.errors == {(TIMEOUT, "maybe"): len(SPOILT)}
    assert played.duplicates == len(SPOILT)


# --- a gateway that comes and goes ---


@pytest.mark.parametrize("verb", [faults.then_close, faults.reset(faults.everything)], ids=["closed", "reset"])
async def test_a_connection_that_is_ended_after_each_answer_costs_at_most_an_attempt_and_nothing_else(
    verb: Verb,
) -> None:
    played = await play(lambda seq, attempt: verb)
    assert succeeded(played) == RECORDS
    # The end may cross the next request on its way: then nobody knows whether that was read.
    assert set(played.errors) <= {(CONNECTION, "maybe")}
    assert played.duplicates == 0


async def test_a_gateway_that_dies_with_some_in_flight_costs_these_once_more_and_no_record() -> None:
    died = asyncio.Event()
    to_die: set[int] = set()

    async def hang(exchange: faults.Exchange) -> None:
        await exchange.asked()
        assert exchange.name is not None
        to_die.add(exchange.name[0])
        if len(to_die) == 5:
            died.set()
        await exchange.reader.read()

    async def begin(proxy: Proxy, played: Played) -> None:
        await proxy.up()
        await died.wait()
        await proxy.down()
        await until_outage(proxy, played)

    played = await play(
        lambda seq, attempt: hang if not died.is_set() and seq >= 6 else None, begin=begin, attempts=2
    )
    assert succeeded(played) == RECORDS
    assert played.errors[CONNECTION, "maybe"] == 5
    assert played.duplicates == 5
    assert outage_is_told(played)
