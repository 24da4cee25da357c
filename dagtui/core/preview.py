"""An edit tried on some records: old and new answers side by side, and what the difference comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from dagtui.core.model import Usage
from dagtui.core.output import loose
from dagtui.core.pricing import PriceTable
from dagtui.core.text import one_line
from dagtui.core.token_guess import prompt_tokens

Change: TypeAlias = Literal["same", "words", "other", "failed"]
_GIST = 400
_SPARE = 64  # tokens of what wraps a prompt, an answer's schema among it


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, or in `problem` why there is none. `cost` is dollars, None where unknown."""

    text: str = ""
    category: str | None = None
    cost: Decimal | None = None
    problem: str = ""

    @property
    def gist(self) -> str:
        """The category and what else the answer holds, on a line."""
        if self.problem:
            return one_line(self.problem, _GIST)
        values = [str(value) for value in loose(self.text).values() if str(value) != self.category]
        parts = [self.category] if self.category else []
        return one_line(" · ".join([*parts, *values]) if values else self.text, _GIST)


@dataclass(frozen=True, slots=True)
class Compared:
    """One question asked of one record as before and with the edit; `new` is None until it is there."""

    record_id: str
    question: str
    old: Answered
    new: Answered | None = None

    @property
    def change(self) -> Change | None:
        """What became of the answer."""
        old, new = self.old, self.new
        if new is None:
            return None
        if new.problem:
            return "failed"
        if old.category != new.category:
            return "other"
        if old.text == new.text:
            return "same"
        return "words" if old.category is not None else "other"


@dataclass(frozen=True, slots=True)
class Difference:
    """Dollars a request as before and with the edit, by the pairs of which both are known."""

    old: Decimal
    new: Decimal

    def times(self, old: int, new: int) -> Decimal:
        """What it comes to, if `old` requests cost as before what `new` ones would with the edit."""
        return self.new * new - self.old * old


def difference(rows: Sequence[Compared]) -> Difference | None:
    """The mean cost a request, before and after; None while no pair is known."""
    pairs = [
        (row.old.cost, row.new.cost)
        for row in rows
        if row.new is not None and row.old.cost is not None and row.new.cost is not None
    ]
    if not pairs:
        return None
    old, new = (sum(costs, Decimal(0)) / len(pairs) for costs in zip(*pairs, strict=True))
    return Difference(old, new)


def most(
    prices: PriceTable, provider: str, model: str, max_tokens: int, before: Usage, template: str
) -> Decimal | None:
    """The most that one request may cost with the edit; None where the price is unknown.

    `before` is what its prompt took as it was asked, `template` all the text of the edit. Both count, twice over:
    a guess by the characters may be off by so much.
    """
    tokens = before.input_total + prompt_tokens(template, None).high
    return prices.cost(provider, model, Usage(int(2 * tokens) + _SPARE, max_tokens))
