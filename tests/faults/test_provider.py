"""What a provider says no with, and how long it takes: in virtual time, through the real gateway client."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from dagtui.core.errors import ErrorKind, ExitCode
from dagtui.core.model import Success
from tests.faults.harness import RECORDS, SPOILT, Played, Sent, good, play_virtually, refusal

RATE_LIMITED, SERVER, OVERLOADED = ErrorKind.RATE_LIMITED, ErrorKind.SERVER, ErrorKind.OVERLOADED
SLOW_DOWN = ("slow down", "rate_limit_error")


def succeeded(played: Played) -> int:
    return sum(isinstance(outcome, Success) for outcome in played.outcomes.values())


def first_attempts(
    response: httpx.Response, times: int = 1, count: int = RECORDS, **settings: object
) -> tuple[Played, Sent]:
    """A run in which so many attempts of each spoilt request get `response`."""

    async def reply(seq: int, attempt: int) -> httpx.Response:
        await asyncio.sleep(0.1)
        return _again(response) if seq in SPOILT and attempt <= times else good()

    return play_virtually(reply, count, **settings)


def each(response: httpx.Response, count: int = RECORDS, **settings: object) -> tuple[Played, Sent]:
    """A run in which nothing comes but `response`."""

    async def reply(seq: int, attempt: int) -> httpx.Response:
        await asyncio.sleep(0.1)
        return _again(response)

    return play_virtually(reply, count, **settings)


def _again(response: httpx.Response) -> httpx.Response:
    return httpx.Response(response.status_code, headers=response.headers, content=response.content)


# --- refusals by a limit ---


def test_a_429_with_a_retry_after_holds_all_for_so_long_and_costs_no_attempt() -> None:
    until = 0.05 + 7.0

    async def reply(seq: int, attempt: int) -> httpx.Response:
        refused = asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.1)
        return refusal(429, *SLOW_DOWN, {"retry-after": "7"}) if refused else good()

    played, sent = play_virtually(reply, attempts=1)
    assert succeeded(played) == RECORDS
    assert set(played.errors) == {(RATE_LIMITED, "no")}
    early = [at for at in sent.times if at < until]
    assert len(early) <= 3 * 5  # two more rounds of five until it is believed: one refusal alone stops nobody
    assert not [at for at in sent.times if 1.0 < at < until]


def test_a_429_without_a_retry_after_is_waited_out_and_costs_no_attempt() -> None:
    async def reply(seq: int, attempt: int) -> httpx.Response:
        await asyncio.sleep(0.1)
        return refusal(429, *SLOW_DOWN) if asyncio.get_running_loop().time() < 60.0 else good()

    played, sent = play_virtually(reply, attempts=1)
    assert succeeded(played) == RECORDS
    assert set(played.errors) == {(RATE_LIMITED, "no")}
    assert len([at for at in sent.times if 1.0 < at < 60.0]) < 30


@pytest.mark.parametrize("asked", [None, "86400", "1e9", "Thu, 01 Jan 2099 00:00:00 GMT", "0", "soon"])
def test_refusals_that_never_end_stop_the_run_with_a_question_and_without_a_silent_wait(asked: str | None) -> None:
    played, sent = each(refusal(429, *SLOW_DOWN, {} if asked is None else {"retry-after": asked}), 500)
    assert played.result is not None
    assert (played.result.outcome, played.result.exit_code) == ("stopped", ExitCode.BUDGET)
    assert "Is a spend or quota limit reached?" in played.result.reason
    assert ("stay away for" in played.result.reason) == (asked not in (None, "0", "soon"))
    assert not played.failures  # nothing was wrong with any of them: the next run asks them again
    assert 120.0 <= sent.times[-1] < 300.0
    assert len(sent.at) < 100


ABSURD = [
    "-5",
    "0",
    "0.0001",
    "1e9",
    "soon",
    "Thu, 01 Jan 2099 00:00:00 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "7, 9",
]


@pytest.mark.parametrize("asked", ABSURD)
def test_an_absurd_retry_after_is_neither_slept_out_nor_obeyed_to_the_letter(asked: str) -> None:
    played, sent = first_attempts(refusal(429, *SLOW_DOWN, {"retry-after": asked}), times=3, attempts=1)
    assert succeeded(played) == RECORDS
    assert played.errors == {(RATE_LIMITED, "no"): 3 * len(SPOILT)}
    assert sent.times[-1] < 60.0


def test_a_spend_limit_that_says_so_stops_the_run_at_once() -> None:
    played, sent = each(refusal(429, "This request would exceed your spend limit"), concurrency=1)
    assert played.result is not None
    assert (played.result.outcome, played.result.exit_code) == ("stopped", ExitCode.BUDGET)
    assert len(sent.at) == 1


# --- a provider that is full or broken ---


@pytest.mark.parametrize("status", [529, 503])
def test_a_provider_that_is_full_is_waited_for_and_costs_no_attempt_while_others_go_on(status: int) -> None:
    played, _ = first_attempts(refusal(status, "Overloaded", "overloaded_error"), times=6, attempts=1)
    assert succeeded(played) == RECORDS
    assert played.errors == {(OVERLOADED, "no"): 6 * len(SPOILT)}


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_provider_that_says_that_it_broke_is_asked_again_as_often_as_the_settings_say(status: int) -> None:
    played, _ = first_attempts(refusal(status, "Internal server error"), times=4)
    assert succeeded(played) == RECORDS
    assert played.errors == {(SERVER, "maybe" if status == 504 else "no"): 4 * len(SPOILT)}


BARE = httpx.Response(500, json={"status": "failure", "message": "Something went wrong"})
PAGE = httpx.Response(502, html="<html><title>Bad gateway</title></html>")


@pytest.mark.parametrize(("response", "tries"), [(BARE, 2), (PAGE, 3)], ids=["the gateway's own 500", "a page"])
def test_where_somebody_between_lost_the_answer_it_is_not_paid_for_again_and_again(
    response: httpx.Response, tries: int
) -> None:
    played, _ = first_attempts(response, times=99, count=60)
    assert sorted(played.failures) == sorted(SPOILT)
    for failure in played.failures.values():
        assert (failure.attempts, failure.error.kind, failure.error.billed) == (tries, SERVER, "maybe")


@pytest.mark.parametrize("response", [BARE, httpx.Response(200, text="")], ids=["bare 500", "empty 200"])
def test_where_all_answers_are_lost_after_they_were_paid_it_is_no_outage_that_would_excuse_them(
    response: httpx.Response,
) -> None:
    played, sent = each(response)
    assert len(played.failures) == RECORDS
    assert len(sent.at) == 2 * RECORDS
    assert any("nothing answers any more" in line for line in played.log)  # it pauses between them all the same


def test_a_request_that_breaks_the_gateway_is_given_up_although_it_looks_like_an_outage() -> None:
    async def reply(seq: int, attempt: int) -> httpx.Response:
        if seq == 19:
            raise httpx.ReadError("the connection was reset")
        return good()

    # One at a time, three failures in a row are an outage, and the last request has no other beside it.
    played, sent = play_virtually(reply, concurrency=1, attempts=9)
    assert succeeded(played) == RECORDS - 1
    assert list(played.failures) == [19]
    assert played.failures[19].attempts <= 10
    assert sent.times[-1] < 60.0


def test_a_500_after_the_gateways_300_seconds_is_never_asked_for_again_and_says_what_to_do() -> None:
    async def reply(seq: int, attempt: int) -> httpx.Response:
        await asyncio.sleep(301.1 if seq in SPOILT else 1.0)
        return refusal(500, "fetch failed") if seq in SPOILT else good()

    played, sent = play_virtually(reply)
    assert sorted(played.failures) == sorted(SPOILT)
    assert len(sent.at) == RECORDS
    for failure in played.failures.values():
        assert (failure.attempts, failure.error.kind, failure.error.billed) == (1, SERVER, "maybe")
        assert "use a smaller max_tokens" in failure.error.message


def test_not_even_in_an_outage_is_what_took_the_gateways_300_seconds_asked_for_again() -> None:
    async def reply(seq: int, attempt: int) -> httpx.Response:
        await asyncio.sleep(301.1)
        return refusal(500, "fetch failed")

    played, sent = play_virtually(reply)
    assert len(played.failures) == len(sent.at) == RECORDS


def test_headers_that_never_come_are_waited_for_until_the_attempts_time_is_over_and_hold_nobody_up() -> None:
    async def reply(seq: int, attempt: int) -> httpx.Response:
        await asyncio.sleep(10_000.0 if seq in SPOILT and attempt == 1 else 1.0)
        return good()

    played, sent = play_virtually(reply, concurrency=10)
    assert succeeded(played) == RECORDS
    assert played.errors == {(ErrorKind.TIMEOUT, "maybe"): len(SPOILT)}
    assert max(at for at, _, attempt in sent.at if attempt == 1) < 10.0
    assert min(at for at, _, attempt in sent.at if attempt == 2) >= 600.0


# --- requests that are wrong, keys that are ---


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_wrong_fails_at_once_and_alone(status: int) -> None:
    played, sent = first_attempts(refusal(status, "too long", "invalid_request_error"), times=99)
    assert sorted(played.failures) == sorted(SPOILT)
    assert succeeded(played) == RECORDS - len(SPOILT)
    assert played.errors == {(ErrorKind.BAD_REQUEST, "no"): len(SPOILT)}
    assert len(sent.at) == RECORDS


@pytest.mark.parametrize("status", [400, 413, 422])
def test_when_most_of_the_first_are_wrong_the_run_stops_before_money_is_spent(status: int) -> None:
    played, sent = each(refusal(status, "max_tokens: too many", "invalid_request_error"), 1000, concurrency=5)
    assert played.result is not None
    assert (played.result.outcome, played.result.exit_code) == ("stopped", ExitCode.CONFIGURATION)
    assert "11 of the first 11 requests were refused as wrong" in played.result.reason
    assert "max_tokens: too many" in played.result.reason
    assert len(sent.at) <= 11 + 4


@pytest.mark.parametrize(("status", "code"), [(401, ExitCode.AUTH), (403, ExitCode.AUTH), (402, ExitCode.BUDGET)])
def test_a_refused_key_or_an_empty_account_stops_the_run_at_the_first(status: int, code: ExitCode) -> None:
    played, sent = each(refusal(status, "invalid x-api-key", "authentication_error"), 1000, concurrency=1)
    assert played.result is not None
    assert (played.result.outcome, played.result.exit_code) == ("stopped", code)
    assert len(sent.at) == 1
    assert set(played.errors.values()) == {1}
