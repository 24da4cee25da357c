"""From a sample to the figures of a run: what is true lies between the least and the most."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.errors import ConfigError
from dagtui.core.estimate import Asked, Estimate, Limit, Pace, check_budget, estimate
from dagtui.core.estimate_text import as_plain, as_sections
from dagtui.core.pricing import PriceTable
from dagtui.core.report import as_text
from dagtui.core.settings import PriceOverride
from dagtui.core.span import Span, total

PRICES = PriceTable({"m": PriceOverride(input=1, output=10), "n": PriceOverride(input=2, output=20)})
TEN = Span(10.0, 10.0, 10.0)
SECOND = Span(1.0, 1.0, 1.0)


def asked(tokens: float = 100.0, model: str = "m", dimension: str = "ask", output: Span = TEN) -> Asked:
    return Asked(dimension, "p", model, Span(tokens, tokens, tokens), output, SECOND)


def at_once(number: float) -> Pace:
    return Pace(Span(number, number, number))


def of(
    records: int, *limits: Limit, places: float = 10, prices: PriceTable = PRICES, left: int | None = None
) -> Estimate:
    pace = Pace(Span(places, places, places), limits)
    return estimate([[asked()]] * min(records, 1_000), records, 1, prices, pace, left)


# --- samples ---


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("size", [50, 200, 1_000])
def test_the_sum_of_all_lies_within_what_a_sample_says(seed: int, size: int) -> None:
    chance = random.Random(seed)
    lengths = [chance.lognormvariate(5, 0.7) for _ in range(20_000)]
    span = total([Span(x, x, x) for x in chance.sample(lengths, size)], len(lengths))
    assert span.low <= sum(lengths) <= span.high
    assert span.low <= span.likely <= span.high


def test_the_more_is_looked_at_the_narrower_it_is() -> None:
    chance = random.Random(1)
    lengths = [chance.lognormvariate(5, 0.7) for _ in range(20_000)]
    spans = [total([Span(x, x, x) for x in lengths[:size]], 20_000) for size in (10, 100, 1_000, 10_000, 20_000)]
    widths = [(span.high - span.low) / span.likely for span in spans]
    assert widths == sorted(widths, reverse=True)
    assert spans[-1].low == pytest.approx(sum(lengths)) == spans[-1].high


def test_one_of_many_says_little_and_all_say_it_all() -> None:
    one = Span(5.0, 5.0, 5.0)
    assert total([one], 100) == Span(0.0, 500.0, 1000.0)
    assert total([one], 1) == one
    assert total([None, one], 4) == Span(0.0, 10.0, total([None, one], 4).high)
    assert total([], 100) == Span(0.0, 0.0, 0.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(1, 1_000_000))
def test_a_span_is_never_upside_down(values: list[float], of_all: int) -> None:
    span = total([Span(0.5 * x, x, 2 * x) for x in values], max(of_all, len(values)))
    assert 0 <= span.low <= span.likely <= span.high


# --- tokens and dollars ---


def test_what_is_known_exactly_is_told_exactly() -> None:
    found = of(100)
    assert (found.input.low, found.input.likely, found.input.high) == pytest.approx((10_000, 10_000, 10_000))
    assert (found.output.low, found.output.high) == pytest.approx((1_000, 1_000))
    assert found.dollars is not None
    assert float(found.dollars.likely) == pytest.approx((10_000 * 1 + 1_000 * 10) / 1e6)


def test_questions_and_models_have_prices_of_their_own_and_records_pick_their_model() -> None:
    sample = [
        [asked(model="m", dimension="a"), asked(model="n" if i % 4 == 0 else "m", dimension="b")]
        for i in range(100)
    ]
    found = estimate(sample, 100, 2, PRICES, at_once(1))
    assert [(s.dimension, s.model, s.requests) for s in found.shares] == [
        ("a", "m", 100),
        ("b", "n", 25),
        ("b", "m", 75),
    ]
    assert found.requests == 200
    assert found.dollars is not None
    assert float(found.dollars.likely) == pytest.approx((175 * (100 + 100) + 25 * (200 + 200)) / 1e6)


def test_what_cannot_be_asked_costs_nothing() -> None:
    found = estimate([[asked()], [None]] * 50, 100, 1, PRICES, at_once(1))
    assert found.input.likely == pytest.approx(5_000)
    nothing = estimate([[None]] * 5, 5, 1, PRICES, at_once(1))
    assert (nothing.input.high, nothing.seconds.high, nothing.dollars) == (0, 0, None)


def test_prices_that_grow_with_the_prompt_are_those_of_a_request_and_not_of_the_run() -> None:
    cheap = (
        PriceTable()
    )  # its price doubles for prompts of more than 200,000 tokens, which all of these are together
    choice = Asked("ask", "google", "gemini-2.5-pro", Span(1000, 1000, 1000), TEN, SECOND)
    found = estimate([[choice]] * 1000, 1000, 1, cheap, at_once(1))
    assert found.dollars is not None
    assert float(found.dollars.likely) == pytest.approx((1_000_000 * 1.25 + 10_000 * 10) / 1e6)


def test_an_unknown_price_is_no_price_and_refuses_a_budget() -> None:
    found = of(10, prices=PriceTable({"other": PriceOverride(input=1, output=1)}))
    assert found.dollars is None
    assert found.unpriced == ("m",)
    with pytest.raises(ConfigError, match=r'The price of m is unknown.*add \[prices\."m"\]'):
        check_budget(found, Decimal(5))
    check_budget(of(10), Decimal(5))


def test_a_run_that_goes_on_is_for_what_is_left_only() -> None:
    whole, rest = of(100), of(100, left=25)
    assert (rest.requests, rest.left) == (100, 25)
    assert rest.input.likely == pytest.approx(whole.input.likely / 4)
    assert rest.seconds.likely < whole.seconds.likely
    assert of(100, left=0).dollars is not None
    assert of(100, left=0).seconds == Span(0, 0, 0)
    assert of(100, left=1_000).left == 100


# --- time ---


def test_twice_the_concurrency_takes_half_the_time_until_a_limit_binds() -> None:
    slow, fast = of(1_000, places=10), of(1_000, places=20)
    assert slow.seconds.low == pytest.approx(100)
    assert fast.seconds.low == pytest.approx(50)
    assert slow.binding.limit is None
    limit = Limit("requests", 60, "told")
    limited = of(1_000, limit, places=1_000)
    assert limited.binding.limit == limit
    assert limited.seconds.low == pytest.approx(1_000 - 60 + 1)  # perhaps a minute's worth may leave at once
    assert limited.seconds.likely == pytest.approx(1_001)


def test_of_several_limits_the_one_that_takes_longest_binds() -> None:
    limits = Limit("requests", 6_000, "told"), Limit("input", 6_000, "told"), Limit("output", 6_000, "told")
    found = of(1_000, *limits)
    assert found.binding.limit is not None
    assert found.binding.limit.resource == "input"
    assert found.seconds.likely == pytest.approx(1_001)


def test_a_burst_that_is_known_is_for_nothing() -> None:
    assert of(1_000, Limit("requests", 60, "simulator", 400)).seconds.likely == pytest.approx(601)


def test_a_limit_of_one_model_is_none_of_anothers() -> None:
    sample = [[asked(model="m", dimension="a"), asked(model="n", dimension="b")]] * 10
    other = Limit("requests", 1, "remembered", None, "p/x")
    mine = Limit("requests", 1, "remembered", None, "p/n")
    own = Limit("requests", 1, "own", 1)
    for limit, bound in ((other, None), (mine, 10), (own, 19)):
        pace = Pace(Span(100, 100, 100), (limit,))
        found = estimate(sample, 10, 2, PRICES, pace)
        assert found.seconds.likely == pytest.approx(bound * 60 + 1 if bound else 2.5, rel=0.1), limit


def test_questions_that_wait_for_each_other_take_their_time_one_by_one() -> None:
    sample = [[asked(dimension="a"), asked(dimension="b")]]
    assert estimate(sample, 1, 2, PRICES, Pace(Span(9, 9, 9), depth=2)).seconds.low == pytest.approx(2)


# --- words ---


def text(found: Estimate, budget: Decimal | None = None) -> str:
    return as_text(as_sections(found, "a.csv", 3, "10 at once", ("It is a guess.",), budget))


def test_it_is_told_in_a_few_aligned_lines() -> None:
    wide = estimate([[asked(1_234.0, output=Span(1, 20, 150))]] * 10, 100_000, 1, PRICES, at_once(10))
    told = text(wide)
    assert "Records        100,000" in told
    assert "Rows left out  3" in told
    assert "Looked at      10, evenly spread" in told
    assert "Tokens in           123,000,000   (123,000,000 to 124,000,000)" in told
    assert "Tokens out            2,000,000   (100,000 to 15,000,000)" in told
    assert "Cost                    $143.00   ($124.00 to $274.00)" in told
    assert "A thousand records        $1.43" in told
    assert "the concurrency, 10 at once" in told
    assert "- It is a guess." in told


def test_figures_are_rounded_away_from_the_likely_one() -> None:
    told = text(estimate([[asked(output=Span(12.39, 50, 99.911))]] * 100, 100, 1, PRICES, at_once(1)))
    assert "(1,230 to 10,000)" in told


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [("1", "even at the most"), ("0.0009", "not at the most"), ("0.0003", "likely not"), ("0.0001", "not enough")],
)
def test_a_budget_is_compared_with_the_whole_span(budget: str, verdict: str) -> None:
    found = estimate([[asked(output=Span(1, 50, 100))]], 1, 1, PRICES, at_once(1))
    assert verdict in text(found, Decimal(budget))


def test_programs_read_the_same() -> None:
    plain = as_plain(of(100, Limit("requests", 6, "told")), 3, 10, ())
    assert plain["tokens_in"] == {"low": 10_000, "likely": 10_000, "high": 10_000}
    assert plain["dollars"]["likely"] == "0.020000000"
    assert plain["bound_by"] == "requests"
    assert plain["bound"] == {"per_minute": 6, "origin": "told"}
    assert as_plain(of(100), 3, "auto", ())["bound"] == "auto"
