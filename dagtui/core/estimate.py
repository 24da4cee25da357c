"""What a run will take, before a cent is spent: tokens, dollars and time, each with the least and the most.

From a sample of its requests, whose prompts were really built, to the figures of the whole run. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dagtui.core.errors import ConfigError
from dagtui.core.model import Usage
from dagtui.core.pricing import PriceTable
from dagtui.core.span import NOTHING, Dollars, Span, longest, total

Resource = Literal["requests", "input", "output"]
Origin = Literal["told", "own", "remembered", "simulator"]

_MINUTE = 60.0
_MEASURED = 0.1  # share by which a limit of an earlier run may be off by now


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the sample: the model that it asks, its tokens in and out, and seconds until its answer."""

    dimension: str
    provider: str
    model: str
    input: Span
    output: Span
    seconds: Span

    @property
    def lane(self) -> str:
        """The name under which the model's limits are kept."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of `resource` a minute. `burst` may be used at once, None where nobody knows.

    `lane` is the model that it holds for; None is each of them, or for a cap of the user's `own` all together.
    """

    resource: Resource
    per_minute: float
    origin: Origin
    burst: float | None = None
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the run may go: requests in flight at once, the limits that are known, and `depth`.

    `depth` is how many questions of a record have to wait for each other. More in flight take less time, so
    `at_once.low` is the fewest.
    """

    at_once: Span
    limits: tuple[Limit, ...] = ()
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the run that one question asks of one model. `dollars` is None where the price is unknown."""

    dimension: str
    provider: str
    model: str
    requests: float
    input: Span
    output: Span
    dollars: Dollars | None


@dataclass(frozen=True, slots=True)
class Binding:
    """What the time depends on: the limit that binds, or None for the requests in flight at once."""

    limit: Limit | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The figures of a run that has not begun.

    `requests` is of all `records`; `left` of them are still to be asked, which is what `input`, `output` (tokens),
    `dollars` and `seconds` are for. Without a known price `dollars` is None.
    """

    records: int
    sampled: int
    requests: int
    left: int
    shares: tuple[Share, ...]
    input: Span
    output: Span
    dollars: Dollars | None
    seconds: Span
    binding: Binding

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The models without a known price."""
        return tuple(dict.fromkeys(share.model for share in self.shares if share.dollars is None))


Built = Sequence[Asked | None]
"""The requests of one record of the sample, by question; None is one that cannot be asked."""


def estimate(
    sample: Sequence[Built], records: int, width: int, prices: PriceTable, pace: Pace, left: int | None = None
) -> Estimate:
    """The figures of a run that asks `width` questions of each of so many `records`.

    `sample` is spread evenly over the records. `left` is the number of requests that are still to be asked, all of
    them if None.
    """
    requests = records * width
    left = requests if left is None else min(left, requests)
    part = left / requests if requests else 0.0
    shares = [_share(sample, key, records, part, prices) for key in _keys(sample)]
    by_time = _times(sample, shares, pace, part * records)
    seconds = longest([NOTHING, *(span for span, _ in by_time)])
    _, binding = max(by_time, key=lambda one: one[0].likely, default=(NOTHING, None))
    dollars = _sum([share.dollars for share in shares])
    tokens_in, tokens_out = (
        sum((pick(share) for share in shares), NOTHING) for pick in (_input_of_share, _output_of_share)
    )
    return Estimate(
        records, len(sample), requests, left, tuple(shares), tokens_in, tokens_out, dollars, seconds,
        Binding(binding),
    )  # fmt: skip


def check_budget(estimated: Estimate, budget: Decimal) -> None:
    """Refuse a budget that nobody could keep.

    Raises:
        ConfigError: the price of a model is unknown; what to do.
    """
    if estimated.unpriced:
        model = estimated.unpriced[0]
        raise ConfigError(
            f"The price of {model} is unknown, so nobody can tell when ${budget} are spent; "
            f'add [prices."{model}"] to dagtui.toml, or leave the budget out.'
        )


_Key = tuple[str, str, str]


def _keys(sample: Sequence[Built]) -> list[_Key]:
    """Every question with the model that it asks, in the order in which they were met."""
    return list(dict.fromkeys(_key(asked) for built in sample for asked in built if asked is not None))


def _key(asked: Asked) -> _Key:
    return (asked.dimension, asked.provider, asked.model)


def _share(sample: Sequence[Built], key: _Key, records: int, part: float, prices: PriceTable) -> Share:
    mine = [next((a for a in built if a is not None and _key(a) == key), None) for built in sample]

    def summed(pick: Callable[[Asked], Span]) -> Span:
        return total((None if asked is None else pick(asked) for asked in mine), records).times(part)

    requests = sum(asked is not None for asked in mine) / len(mine) * records * part
    inputs, outputs = summed(lambda asked: asked.input), summed(lambda asked: asked.output)
    _, provider, model = key
    return Share(*key, requests, inputs, outputs, _dollars(prices, provider, model, requests, inputs, outputs))


def _input_of_share(share: Share) -> Span:
    return share.input


def _output_of_share(share: Share) -> Span:
    return share.output


def _dollars(
    prices: PriceTable, provider: str, model: str, requests: float, inputs: Span, outputs: Span
) -> Dollars | None:
    found: list[Decimal] = []
    for tokens_in, tokens_out in (
        (inputs.low, outputs.low),
        (inputs.likely, outputs.likely),
        (inputs.high, outputs.high),
    ):
        cost = _cost(prices, provider, model, max(requests, 1e-9), tokens_in, tokens_out)
        if cost is None:
            return None
        found.append(cost)
    return Dollars(*found)


def _cost(
    prices: PriceTable, provider: str, model: str, requests: float, tokens_in: float, tokens_out: float
) -> Decimal | None:
    """What so many tokens cost. Some prices depend on the size of a request, so its mean one is asked for."""
    mean = Usage(max(1, round(tokens_in / requests)), max(1, round(tokens_out / requests)))
    reading = prices.cost(provider, model, Usage(mean.input, 0))
    both = prices.cost(provider, model, mean)
    if reading is None or both is None:
        return None
    each_in, each_out = reading / mean.input, (both - reading) / mean.output
    return each_in * Decimal(tokens_in) + each_out * Decimal(tokens_out)


def _sum(dollars: Sequence[Dollars | None]) -> Dollars | None:
    known = [one for one in dollars if one is not None]
    if len(known) < len(dollars) or not known:
        return None
    return sum(known[1:], known[0])


# --- time ---


def _times(
    sample: Sequence[Built], shares: Sequence[Share], pace: Pace, records: float
) -> list[tuple[Span, Limit | None]]:
    """How long the run takes by each of the things that hold it; the longest is how long it takes."""
    asked = [one for built in sample for one in built if one is not None]
    if not asked or not records:
        return []
    answer = sum((one.seconds for one in asked), NOTHING).times(1 / len(asked))
    requests = sum(share.requests for share in shares)
    found: list[tuple[Span, Limit | None]] = [(_in_flight(requests, answer, pace, records), None)]
    for limit in pace.limits:
        together = limit.origin == "own"
        for lane in {None} if together else {f"{share.provider}/{share.model}" for share in shares}:
            if limit.lane in (None, lane):
                mine = [s for s in shares if lane is None or f"{s.provider}/{s.model}" == lane]
                found.append((_limited(limit, _amount(limit.resource, mine), answer), limit))
    return found


def _in_flight(requests: float, answer: Span, pace: Pace, records: float) -> Span:
    """Each place asks one request after the other; the last answers are waited for, and they are the slow ones."""
    places = min(pace.at_once.high, records), min(pace.at_once.likely, records), min(pace.at_once.low, records)
    fast, likely, slow = (max(pace.depth, requests / max(1.0, place)) for place in places)
    return Span(fast * answer.low, (likely + 0.5) * answer.likely, (slow + 2.0) * answer.high)


def _amount(resource: Resource, shares: Sequence[Share]) -> Span:
    match resource:
        case "requests":
            requests = sum(share.requests for share in shares)
            return Span(requests, requests, requests)
        case "input":
            return sum(map(_input_of_share, shares), NOTHING)
        case "output":
            return sum(map(_output_of_share, shares), NOTHING)


def _limited(limit: Limit, amount: Span, answer: Span) -> Span:
    """What is there at once is for nothing, the rest comes at the limit's rate; then the last answer."""
    off = _MEASURED if limit.origin == "remembered" else 0.0
    known = limit.burst
    bursts = Span(known, known, known) if known is not None else Span(0.0, 0.0, limit.per_minute)
    rate = limit.per_minute / _MINUTE
    return Span(
        max(0.0, amount.low - bursts.high) / rate * (1 - off) + answer.low,
        max(0.0, amount.likely - bursts.likely) / rate + answer.likely,
        max(0.0, amount.high - bursts.low) / rate * (1 + off) + 2 * answer.high,
    )
