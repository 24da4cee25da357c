from __future__ import annotations

from decimal import Decimal

import pytest

from dagtui.core.model import Usage
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import PriceOverride

HAIKU = "claude-3-5-haiku-20241022"


def test_the_references_run_costs_what_it_cost() -> None:
    assert PriceTable().cost("anthropic", HAIKU, Usage(8945, 4065)) == Decimal("0.023416")


def test_cached_tokens_have_their_own_prices() -> None:
    cost = PriceTable().cost("anthropic", HAIKU, Usage(100, 10, cache_read=1000, cache_write=100))
    assert cost == (Decimal("0.8") * 100 + 4 * 10 + Decimal("0.08") * 1000 + 1 * 100) / 1_000_000


def test_the_users_price_wins_and_works_through_a_catalog_slug() -> None:
    table = PriceTable({HAIKU: PriceOverride(input=1, output=1)})
    assert table.cost("anthropic", HAIKU, Usage(10, 10)) == Decimal("0.00002")
    assert table.cost("@my-slug", f"@my-slug/{HAIKU}", Usage(10, 10)) == Decimal("0.00002")


def test_an_unknown_model_has_no_price() -> None:
    assert PriceTable().cost("anthropic", "no-such-model", Usage(10, 10)) is None
    assert not PriceTable().knows("nobody", "no-such-model")


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o-mini"), ("anthropic", HAIKU)])
def test_our_arithmetic_equals_the_price_librarys(provider: str, model: str) -> None:
    from genai_prices import Usage as Theirs
    from genai_prices import calc_price

    usage = Usage(1234, 567, cache_read=89)
    theirs = Theirs(input_tokens=1234 + 89, cache_read_tokens=89, output_tokens=567)
    expected = calc_price(theirs, model_ref=model, provider_id=provider).total_price
    assert PriceTable().cost(provider, model, usage) == expected
