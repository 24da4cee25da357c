"""What tokens cost. Unknown is None and shown as n/a, never as 0.

Prices come from the user's table first, then from genai-prices (https://github.com/pydantic/genai-prices). Its
lookup costs about 0.24 ms, so a model's price is looked up once and applied by multiplication; a model with
tiered prices is computed by the library each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dagtui.core.model import Usage
from dagtui.core.settings import PriceOverride

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. A cached token without a price of its own costs what input costs."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal:
        """US dollars for `usage`, exact."""
        total = self.input * usage.input + self.output * usage.output
        if usage.cache_read or usage.cache_write:
            read = self.input if self.cache_read is None else self.cache_read
            write = self.input if self.cache_write is None else self.cache_write
            total += read * usage.cache_read + write * usage.cache_write
        return total / MILLION


Pricer = Callable[[Usage], Decimal | None]


class PriceTable:
    """Prices by provider and model. `overrides` are the user's, by model name."""

    def __init__(self, overrides: Mapping[str, PriceOverride] | None = None) -> None:
        self._overrides = dict(overrides or {})
        self._pricers: dict[tuple[str, str], Pricer] = {}

    def cost(self, provider: str, model: str, usage: Usage) -> Decimal | None:
        """US dollars for `usage`; None where the price is unknown."""
        key = (provider, model)
        pricer = self._pricers.get(key)
        if pricer is None:
            pricer = self._pricers[key] = self._find(provider, model)
        return pricer(usage)

    def knows(self, provider: str, model: str) -> bool:
        """Whether this model has a price."""
        return self.cost(provider, model, Usage(1, 1)) is not None

    def _find(self, provider: str, model: str) -> Pricer:
        bare = model.rsplit("/", 1)[-1] if model.startswith("@") else model
        override = self._overrides.get(model) or self._overrides.get(bare)
        if override is not None:
            price = Price(override.input, override.output, override.cache_read, override.cache_write)
            return price.cost
        return _published(provider, bare)


def _published(provider: str, model: str) -> Pricer:
    # The library takes 0.3 s to import, so it is loaded when the first price is asked for.
    from genai_prices import Usage as LibraryUsage
    from genai_prices import calc_price

    provider_id = None if provider.startswith("@") else provider

    def by_library(usage: Usage) -> Decimal | None:
        counted = LibraryUsage(
            input_tokens=usage.input_total,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
            output_tokens=usage.output,
        )
        try:
            return calc_price(counted, model_ref=model, provider_id=provider_id).total_price
        except LookupError:
            return None

    try:
        found = calc_price(LibraryUsage(input_tokens=1), model_ref=model, provider_id=provider_id).model_price
    except LookupError:
        return lambda usage: None
    rates = (found.input_mtok, found.output_mtok, found.cache_read_mtok, found.cache_write_mtok)
    flat = [rate for rate in rates if isinstance(rate, Decimal)]
    if len(flat) < sum(rate is not None for rate in rates) or rates[0] is None or rates[1] is None:
        return by_library
    return Price(*(rate if isinstance(rate, Decimal) else None for rate in rates)).cost  # type: ignore[arg-type]
