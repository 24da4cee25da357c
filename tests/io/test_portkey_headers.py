"""Headers: waits, limits, ids. Malformed ones say nothing and break nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.model import Headroom, RateLimits
from dagtui.io.portkey_headers import Reader, gateway_retries, named, rate_limits, request_id, retry_after

DATE = "Sun, 22 Nov 2026 19:00:00 GMT"
NOW = 1795374000.0  # the same moment


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1000000000"}, 1e9),
        ({"retry-after": "1e9"}, 1e9),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "7, 9"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "300", "retry-after": "1"}, 0.3),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Sun, 22 Nov 2026 19:00:30 GMT", "date": DATE}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 18:59:30 GMT", "date": DATE}, None),
        ({"retry-after": "Sun, 22 Nov 2026 19:01:00 GMT"}, 60.0),
        ({"retry-after": "Sun, 22 Nov 2026 19:01:00 GMT", "date": "yesterday"}, 60.0),
        ({"retry-after": "Sun, 99 Nov 2026 19:01:00 GMT"}, None),
    ],
)
def test_a_wait_is_taken_from_whichever_header_has_one(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, NOW) == expected


def test_a_date_in_the_far_future_is_kept_for_the_policy_to_judge() -> None:
    wait = retry_after({"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT", "date": DATE})
    assert wait is not None
    assert wait > 70 * 365 * 86400


def test_anthropics_limits_count_from_the_answers_own_date() -> None:
    headers = {
        "date": DATE,
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-requests-reset": "2026-11-22T19:00:15Z",
        "anthropic-ratelimit-input-tokens-limit": "2000000",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-22T20:01:00+01:00",
        "anthropic-ratelimit-output-tokens-limit": "400000",
        "anthropic-ratelimit-output-tokens-remaining": "399000",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-22T18:00:00Z",
    }
    assert rate_limits(headers, now=0.0) == RateLimits(
        Headroom(4000, 3999, 15.0), Headroom(2000000, 0, 60.0), Headroom(400000, 399000, 0.0)
    )


@pytest.mark.parametrize("with_requests", [True, False])
def test_a_shared_limit_of_tokens_is_told_as_the_inputs(with_requests: bool) -> None:
    headers = {"anthropic-ratelimit-tokens-limit": "10", "anthropic-ratelimit-tokens-remaining": "4"}
    if with_requests:
        headers["anthropic-ratelimit-requests-limit"] = "5"
    limits = rate_limits(headers, NOW)
    assert limits is not None
    assert limits.input_tokens == Headroom(10, 4, None)
    assert limits.output_tokens is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("1s", 1.0),
        ("1h2m3.5s", 3723.5),
        ("2m59.56s", 179.56),
        ("1d", 86400.0),
        ("12", 12.0),
        ("1.5", 1.5),
        ("", None),
        ("soon", None),
        ("-1s", None),
        ("1.2.3s", None),
    ],
)
def test_openais_resets_are_durations(text: str, seconds: float | None) -> None:
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": text,
        "x-ratelimit-limit-tokens": "150000",
    }
    limits = rate_limits(headers)
    assert limits is not None
    assert limits.requests is not None
    assert (limits.requests.limit, limits.requests.remaining) == (60, 59)
    assert limits.requests.reset_s == pytest.approx(seconds)
    assert limits.input_tokens == Headroom(150000, None, None)


def test_malformed_limits_are_ignored_one_by_one() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "many",
        "anthropic-ratelimit-requests-remaining": "9" * 5000,
        "anthropic-ratelimit-input-tokens-limit": "-3",
        "anthropic-ratelimit-output-tokens-limit": "7",
        "anthropic-ratelimit-output-tokens-reset": "2026-99-99T00:00:00Z",
    }
    assert rate_limits(headers, NOW) == RateLimits(None, None, Headroom(7, None, None))
    assert rate_limits({"anthropic-ratelimit-requests-limit": "many"}, NOW) is None
    assert rate_limits({}, NOW) is None


@pytest.mark.parametrize(("value", "count"), [("0", 0), ("3", 3), ("-1", 1), ("", 0), ("x", 0)])
def test_the_gateways_own_attempts_are_counted_and_at_least_one_when_it_ran_out(value: str, count: int) -> None:
    assert gateway_retries({"x-portkey-retry-attempt-count": value}) == count


def test_a_request_has_the_providers_id() -> None:
    assert request_id({"request-id": "a", "x-request-id": "b"}) == "a"
    assert request_id({"x-request-id": "b"}) == "b"
    assert request_id({}) is None


NAMES = [
    "date",
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-remaining-tokens",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-reset",
    "x-portkey-retry-attempt-count",
]


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=40) | st.from_regex(r"[0-9a-zA-Z:., +-]{0,30}")))
def test_no_header_whatever_it_holds_raises(headers: dict[str, str]) -> None:
    retry_after(headers, NOW)
    rate_limits(headers, NOW)
    assert gateway_retries(headers) >= 0


VALUES = st.text(max_size=40).map(lambda text: text.encode("latin-1", "replace")) | st.integers(0, 9999).map(
    lambda number: b"%d" % number
)
DATELESS = [*NAMES[1:], "request-id", "x-request-id"]


@given(st.lists(st.lists(st.tuples(st.sampled_from(DATELESS), VALUES), max_size=8), max_size=6))
def test_headers_in_any_order_are_read_as_they_are_by_name(answers: list[list[tuple[str, bytes]]]) -> None:
    reader = Reader()
    for answer in answers:
        headers = [(b"Date", DATE.encode()), *((name.title().encode(), value) for name, value in answer)]
        told, by_name = reader.read(headers), named(headers)
        assert told.gateway_retries == gateway_retries(by_name)
        assert told.request_id == request_id(by_name)
        assert told.limits == rate_limits(by_name)
