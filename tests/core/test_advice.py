"""What to change next time: each piece of advice from the figures that call for it, with setting and number."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dagtui.core.advice import hints
from dagtui.core.errors import ErrorKind
from dagtui.core.held import Holder
from dagtui.core.model import Headroom, RateLimits, Usage
from dagtui.core.run_settings import RunSettings
from dagtui.core.snapshot import Counts, Latency, Money, Throughput
from tests.core.test_report import DONE

SETTINGS = RunSettings(concurrency=100)
THROTTLED = replace(
    DONE,
    attempts=140,
    throttled=40,
    errors=((ErrorKind.RATE_LIMITED, 40),),
    throughput=Throughput(0.0, 10.0, 12.0, (), 0.1),
    limits=RateLimits(Headroom(600, 0, 1.0), None, Headroom(10_000, 5, 1.0)),
)


def test_limits_that_headers_told_are_named_with_their_numbers() -> None:
    told = hints(THROTTLED, SETTINGS)
    assert told[0].startswith(
        "--limit requests=600 --limit output=10000: 28.6% of the attempts met the rate limit"
    )


def test_a_limit_that_was_set_already_is_not_advised_again() -> None:
    told = hints(THROTTLED, replace(SETTINGS, limits={"requests": 600, "output": 10_000}))
    assert not any(hint.startswith("--limit") for hint in told)


def test_a_concurrency_that_only_met_the_limit_is_brought_down_to_what_was_needed() -> None:
    # 10 answers a second of 0.9 s each keep 9 in flight; with a fifth to spare, 11.
    told = hints(THROTTLED, SETTINGS)
    assert told[1].startswith(
        "--concurrency 11, or auto: 10.0 answers a second of 0.90 s each need about 11 at once"
    )
    assert not any("--concurrency" in hint for hint in hints(replace(THROTTLED, target=20), SETTINGS))
    assert not any("--concurrency" in hint for hint in hints(replace(THROTTLED, automatic=True), SETTINGS))


def test_a_timeout_is_shortened_where_attempts_hung_and_lengthened_where_answers_take_as_long() -> None:
    late = replace(DONE, attempts=110, errors=((ErrorKind.TIMEOUT, 10),))
    told = hints(late, replace(SETTINGS, timeout=30.0))
    assert told[0].startswith("--timeout 7: 10 attempts ran out of the 30.0 s that each may take, while 99% of")
    told = hints(late, replace(SETTINGS, timeout=2.0))
    assert told[0].startswith("--timeout 4: 10 attempts ran out of the 2.00 s that each may take; or ask for")
    assert "raise the timeout" in hints(late)[0]


@pytest.mark.parametrize(
    ("output", "begin"),
    [(10_000, "max_tokens = 300: "), (4_000, "9.1% of the answers did not fit the schema: say")],
)
def test_answers_that_do_not_fit_raise_max_tokens_only_where_it_may_be_too_small(output: int, begin: str) -> None:
    odd = replace(DONE, attempts=110, errors=((ErrorKind.INVALID_OUTPUT, 10),), usage=Usage(8_945, output))
    assert hints(odd, SETTINGS, 150)[0].startswith(begin)


def test_more_attempts_are_advised_by_the_rate_at_which_the_server_failed() -> None:
    counts = Counts(100, 0, 0, 0, 97, 3, 0, 0)
    broken = replace(DONE, counts=counts, attempts=150, errors=((ErrorKind.SERVER, 50),))
    told = hints(broken, replace(SETTINGS, attempts=3))
    assert told[0].startswith("--attempts 5: the server failed in 33.3% of the attempts; with 3 tries each")
    assert (
        100 * (1 / 3) ** 5 < 0.5 < 100 * (1 / 3) ** 4
    )  # fewer than half a failure is left, and not with one less
    assert not any("--attempts" in hint for hint in hints(broken, replace(SETTINGS, attempts=8)))


def test_more_attempts_are_not_advised_where_they_would_not_help() -> None:
    refused = replace(DONE, counts=Counts(100, 0, 0, 0, 97, 3, 0, 0), errors=((ErrorKind.BAD_REQUEST, 3),))
    assert not any("--attempts" in hint for hint in hints(refused, SETTINGS))


def test_a_budget_that_was_too_small_is_told_what_all_of_it_would_cost() -> None:
    counts = Counts(100, 60, 0, 0, 40, 0, 0, 0)
    spent = replace(DONE, counts=counts, money=Money(Decimal("0.40"), Decimal(0), None))
    told = hints(spent, replace(SETTINGS, max_cost=Decimal("0.41")))
    assert told[0] == (
        "--max-cost 1.00: the budget of $0.410000 was too small for all of it; the 60 that are left cost about"
        " $0.600000 more."
    )
    assert not any("--max-cost" in hint for hint in hints(DONE, replace(SETTINGS, max_cost=Decimal(1))))


def test_a_far_tail_calls_for_hedging() -> None:
    slow = replace(DONE, latency=Latency(0.9, 0.5, 1.0, 12.0))
    assert hints(slow, SETTINGS)[0].startswith("--hedge: the slowest hundredth took 12.0 s, 24 times the median")
    assert not any("--hedge" in hint for hint in hints(slow, replace(SETTINGS, hedge=True)))


def test_waste_is_named_with_its_cause() -> None:
    wasted = replace(
        DONE,
        attempts=130,
        errors=((ErrorKind.RATE_LIMITED, 20), (ErrorKind.INVALID_OUTPUT, 2)),
        money=Money(Decimal("0.02"), Decimal("0.002"), None),
    )
    assert "10.0% of the money went to attempts that failed; most often: invalid output." in hints(
        wasted, SETTINGS
    )


def test_the_limit_that_held_the_run_is_told_with_its_number() -> None:
    held = replace(DONE, mostly_held_by=Holder.REQUESTS, limits=RateLimits(Headroom(600, 0, 1.0)))
    assert hints(held)[-1].startswith("The provider's limit on requests a minute (600) was what held it")


def test_a_run_without_anything_to_change_gets_no_advice() -> None:
    assert hints(DONE, SETTINGS, 150) == ()
