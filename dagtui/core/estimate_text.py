"""An estimate as people read it, and as programs do. Figures have three digits: more would be made up."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from dagtui.core.estimate import Estimate, Limit
from dagtui.core.figures import UNKNOWN, clock, count, money, seconds, short_count
from dagtui.core.report import Section
from dagtui.core.span import Dollars, Span
from dagtui.core.text import one_line

_DIGITS = 3
_RESOURCES = {"requests": "requests", "input": "input tokens", "output": "output tokens"}
_ORIGINS = {
    "told": "as you told it",
    "own": "your own cap",
    "remembered": "as an earlier run found it",
    "simulator": "as the simulator is set",
}


def as_sections(
    estimated: Estimate, name: str, bad_rows: int, concurrency: str, notes: tuple[str, ...],
    budget: Decimal | None = None,
) -> tuple[Section, ...]:  # fmt: skip
    """The estimate for the input called `name`; `concurrency` is the user's own, in words."""
    sections = [_input(estimated, name, bad_rows), _figures(estimated, concurrency)]
    if budget is not None and estimated.dollars is not None:
        sections.append(Section("Budget", ((money(budget), _verdict(estimated.dollars, budget)),)))
    if notes:
        sections.append(Section("How sure this is", tuple(("", note) for note in notes)))
    return tuple(sections)


def _input(estimated: Estimate, name: str, bad_rows: int) -> Section:
    rows = [("File", one_line(name, 200)), ("Records", count(estimated.records))]
    if bad_rows:
        rows.append(("Rows left out", count(bad_rows)))
    if estimated.sampled < estimated.records:
        rows.append(("Looked at", f"{count(estimated.sampled)}, evenly spread"))
    if estimated.requests != estimated.records:
        rows.append(("Requests", count(estimated.requests)))
    if estimated.left != estimated.requests:
        rows.append(("Still to be asked", count(estimated.left)))
    return Section("Input", tuple(rows))


def _figures(estimated: Estimate, concurrency: str) -> Section:
    """One line a figure: the likely one, then the least and the most."""
    dollars, time = estimated.dollars, estimated.seconds
    figures = [
        ("Tokens in", _rounded(estimated.input)),
        ("Tokens out", _rounded(estimated.output)),
        ("Cost", ("n/a", "", "") if dollars is None else _money(dollars)),
        ("Time", (seconds(time.likely), seconds(time.low), seconds(time.high))),
    ]
    width = max(len(likely) for _, (likely, _, _) in figures)
    rows = [
        (label, f"{likely:>{width}}   ({low} to {high})" if low else f"{likely:>{width}}")
        for label, (likely, low, high) in figures
    ]
    each = _each(estimated)
    rows.append(("A thousand records", f"{each:>{width}}"))
    rows.append(("What holds it", _holder(estimated.binding.limit, concurrency)))
    return Section("Estimate: likely (least to most)", tuple(rows))


def _each(estimated: Estimate) -> str:
    """What a thousand records cost, all questions asked."""
    if estimated.dollars is None or not estimated.left:
        return UNKNOWN
    cost = estimated.dollars.likely * estimated.requests / estimated.left / max(1, estimated.records) * 1_000
    return _price(_digits(cost, ROUND_HALF_EVEN))


def _holder(limit: Limit | None, concurrency: str) -> str:
    if limit is None:
        return f"the concurrency, {concurrency}"
    return f"{limit.per_minute:,.0f} {_RESOURCES[limit.resource]} a minute, {_ORIGINS[limit.origin]}"


def _verdict(dollars: Dollars, budget: Decimal) -> str:
    if dollars.high <= budget:
        return "enough, even at the most"
    if dollars.likely <= budget:
        return "likely enough, but not at the most"
    return "likely not enough" if dollars.low <= budget else "not enough, even at the least"


def _rounded(span: Span) -> tuple[str, str, str]:
    """Rounded away from each other, so that what lies between them still does."""
    low, likely, high = (Decimal(figure) for figure in (span.low, span.likely, span.high))
    shown = (_digits(likely, ROUND_HALF_EVEN), _digits(low, ROUND_FLOOR), _digits(high, ROUND_CEILING))
    middle, least, most = (f"{figure:,.0f}" for figure in shown)
    return middle, least, most


def _money(dollars: Dollars) -> tuple[str, str, str]:
    likely, low, high = dollars.likely, dollars.low, dollars.high
    shown = (_digits(likely, ROUND_HALF_EVEN), _digits(low, ROUND_FLOOR), _digits(high, ROUND_CEILING))
    middle, least, most = map(_price, shown)
    return middle, least, most


def in_a_line(estimated: Estimate) -> str:
    """The least that one wants to know before a run: `~$0.027 · ~0:04 · 18.7k tokens in, 3.9k out`."""
    dollars, words = estimated.dollars, [f"~{clock(estimated.seconds.likely)}"]
    if dollars is not None:
        words.insert(0, f"~{_price(_digits(dollars.likely, ROUND_HALF_EVEN))}")
    tokens_in, tokens_out = round(estimated.input.likely), round(estimated.output.likely)
    return " · ".join([*words, f"{short_count(tokens_in)} tokens in, {short_count(tokens_out)} out"])


def _price(dollars: Decimal) -> str:
    """Without the digits that say nothing here, but cents always."""
    whole, point, cents = money(dollars).partition(".")
    return f"{whole}{point}{cents.rstrip('0'):0<2}"


def _digits(figure: Decimal, rounding: str) -> Decimal:
    if not figure:
        return Decimal(0)
    place = max(-6, figure.adjusted() - _DIGITS + 1)  # money is shown to a millionth of a dollar
    return figure.quantize(Decimal(1).scaleb(place), rounding) if place <= 0 else _tens(figure, place, rounding)


def _tens(figure: Decimal, place: int, rounding: str) -> Decimal:
    return (figure.scaleb(-place).quantize(Decimal(1), rounding)).scaleb(place)


def as_plain(estimated: Estimate, bad_rows: int, concurrency: int | str, notes: tuple[str, ...]) -> dict[str, Any]:
    """The estimate as JSON can hold it: seconds, tokens, dollars as text so that none of their digits is lost."""
    limit = estimated.binding.limit
    return {
        "records": estimated.records,
        "bad_rows": bad_rows,
        "sampled": estimated.sampled,
        "requests": estimated.requests,
        "left": estimated.left,
        "tokens_in": _whole(estimated.input),
        "tokens_out": _whole(estimated.output),
        "dollars": _text(estimated.dollars),
        "seconds": {
            name: round(value, 3)
            for name, value in zip(("low", "likely", "high"), _members(estimated.seconds), strict=True)
        },
        "bound_by": "concurrency" if limit is None else limit.resource,
        "bound": concurrency if limit is None else {"per_minute": limit.per_minute, "origin": limit.origin},
        "models": [
            {
                "dimension": share.dimension,
                "provider": share.provider,
                "model": share.model,
                "requests": round(share.requests),
                "tokens_in": _whole(share.input),
                "tokens_out": _whole(share.output),
                "dollars": _text(share.dollars),
            }
            for share in estimated.shares
        ],
        "notes": list(notes),
    }


def _members(span: Span) -> tuple[float, float, float]:
    return span.low, span.likely, span.high


def _whole(span: Span) -> dict[str, int]:
    return {"low": math.floor(span.low), "likely": round(span.likely), "high": math.ceil(span.high)}


def _text(dollars: Dollars | None) -> dict[str, str] | None:
    if dollars is None:
        return None
    members = (("low", dollars.low), ("likely", dollars.likely), ("high", dollars.high))
    return {name: str(figure.quantize(Decimal("1e-9"))) for name, figure in members}
