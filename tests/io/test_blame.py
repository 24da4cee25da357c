from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.model import Blame
from dagtui.io.blame import blame_of

_FOR_DETAILS = (
    " For details, refer to: https://docs.anthropic.com/en/api/rate-limits. You can see the response headers for "
    "current usage. Please reduce the prompt length or the maximum tokens requested, or try again later."
)
_ID = "ef36bf5a-434a-4c52-b7a0-ba958aef9dfd"


@pytest.mark.parametrize(
    ("words", "resource"),
    [
        ("requests", "requests"),
        ("input tokens", "input_tokens"),
        ("output tokens", "output_tokens"),
        ("tokens", "input_tokens"),
    ],
)
@pytest.mark.parametrize(
    "sentence",
    [
        "This request would exceed your organization's rate limit of 50,000 {} per minute.",
        f"This request would exceed your organization's rate limit of 50,000 {{}} per minute (org: {_ID}).",
        "This request would exceed the rate limit for your organization of 50,000 {} per minute.",
        f"This request would exceed the rate limit for your organization ({_ID}) of 50,000 {{}} per minute.",
    ],
)
def test_anthropic_names_the_limit_and_its_number(sentence: str, words: str, resource: str) -> None:
    assert blame_of(sentence.format(words) + _FOR_DETAILS) == Blame(resource, 50_000)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "resource"),
    [
        ("requests", "requests"),
        ("request tokens", "input_tokens"),
        ("input tokens", "input_tokens"),
        ("output tokens", "output_tokens"),
    ],
)
def test_anthropic_sometimes_names_the_limit_without_a_number(words: str, resource: str) -> None:
    message = f"Number of {words} has exceeded your per-minute rate limit (https://docs.anthropic.com/)"
    assert blame_of(message) == Blame(resource)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "blame"),
    [
        ("tokens per min (TPM): Limit 10000, Used 9500, Requested 800", Blame("input_tokens", 10_000)),
        ("requests per min (RPM): Limit 3, Used 3, Requested 1", Blame("requests", 3)),
        ("tokens per min (TPM): Limit 2,000,000, Used 1, Requested 1", Blame("input_tokens", 2_000_000)),
    ],
)
def test_openai_names_the_limit_and_its_number(said: str, blame: Blame) -> None:
    message = f"Rate limit reached for gpt-4o in organization org-1 on {said}. Please try again in 1.8s."
    assert blame_of(message) == blame


def test_a_limit_a_day_is_none_a_minute() -> None:
    assert blame_of("Rate limit reached on requests per day (RPD): Limit 200, Used 200, Requested 1.") is None


def test_too_many_at_once_is_a_limit_of_its_own() -> None:
    said = "Number of concurrent connections has exceeded your rate limit. Please try again later."
    assert blame_of(said) == Blame("concurrency")
    assert blame_of("Max concurrency of 5 requests reached") == Blame("concurrency")


@pytest.mark.parametrize(
    "said",
    [
        "This request would exceed your organization's maximum usage increase rate for input tokens per minute. "
        "Please scale up your input tokens usage more gradually to maintain compatibility.",
        "You have hit the acceleration limit of 1,000 requests per minute.",
    ],
)
def test_a_limit_on_growth_is_no_limit_of_a_bucket(said: str) -> None:
    assert blame_of(said) == Blame("growth")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Overloaded",
        "Rate limited. Please try again later.",
        "limit of requests per minute",
        "limit of , requests per minute",
        "limit of 0 requests per minute",
        "requests per min (RPM): Limit 0",
    ],
)
def test_what_names_no_limit_blames_none_with_a_number(said: str) -> None:
    blame = blame_of(said)
    assert blame is None or blame.per_minute is None


def test_digits_of_other_scripts_and_endless_ones_are_no_number() -> None:
    blame = blame_of("limit of \u0665\u0660 requests per minute")
    assert blame is None or blame.per_minute is None
    blame = blame_of(f"limit of {'9' * 5000} requests per minute")
    assert blame is None or blame.per_minute is None


@pytest.mark.parametrize(
    "piece",
    [
        "limit of ", "limit of 1,", "1,", "limit for your organization (", "limit for your organization ",
        "limit of 1 input ", "tokens per min (TPM): Limit ", "number of ", "number of input ", "c", "concurre",
        "(", "usage ", "scale up your ", " ", "\n",
    ],
)  # fmt: skip
def test_huge_hostile_text_is_read_quickly(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    blame_of(text)
    assert time.process_time() - began < 2.0


@given(st.text(), st.integers(0, 10**30), st.sampled_from(["requests", "input tokens", "output tokens"]))
def test_whatever_stands_around_it_nothing_raises(text: str, number: int, words: str) -> None:
    blame_of(text)
    blame = blame_of(f"{text} limit of {number} {words} per minute {text}")
    assert blame is None or blame.per_minute is None or blame.per_minute > 0
