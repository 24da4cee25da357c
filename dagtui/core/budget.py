"""A budget kept by reservation: before an attempt leaves, the most that it may cost is set aside.

What was spent, what may have been spent without an answer, and what is set aside for attempts in flight never
exceed the cap together, as long as no answer costs more than was set aside for it: the prompt as its length tells,
with a margin, and an answer of `max_tokens`.
"""

from __future__ import annotations

from decimal import Decimal

from dagtui.core.model import Request, Usage
from dagtui.core.pricing import PriceTable

_MARGIN = 1.25  # of the tokens that a prompt's length tells, and a few for what wraps it
_WRAPPING = 16
_ZERO = Decimal(0)


class Budget:
    """Dollars. `cap` may change at any time; None is no cap, and then nothing is set aside. `uncertain` is what
    nobody will tell the cost of.
    """

    __slots__ = ("_adopted", "_each", "cap", "reserved", "spent", "uncertain")

    def __init__(self, cap: Decimal | None, spent: Decimal = _ZERO, uncertain: Decimal = _ZERO) -> None:
        self.cap = cap
        self.spent = spent
        self.uncertain = uncertain
        self.reserved = _ZERO
        self._adopted = 0  # attempts that left without a cap, and `_each` that was set aside for them later
        self._each = _ZERO

    @property
    def committed(self) -> Decimal:
        """All that is spent, may be spent, or is set aside."""
        return self.spent + self.uncertain + self.reserved

    def allows(self, cost: Decimal) -> bool:
        """Whether an attempt that may cost so much can leave."""
        return self.cap is None or self.committed + cost <= self.cap

    def reserve(self, cost: Decimal) -> None:
        """Set aside what an attempt that leaves may cost."""
        self.reserved += cost

    def adopt(self, attempts: int, each: Decimal) -> None:
        """There is a cap from now on: set aside what those in flight may cost."""
        self._adopted, self._each = attempts, each
        self.reserved += attempts * each

    def settle(self, reserved: Decimal | None, cost: Decimal | None) -> None:
        """The attempt ended, and cost so much; None if nobody knows, which counts as all that was set aside.

        `reserved` is None for one that left without a cap.
        """
        if reserved is None:
            reserved = self._each if self._adopted else _ZERO
            self._adopted -= 1 if self._adopted else 0
        self.reserved -= reserved
        if cost is None:
            self.uncertain += reserved
        else:
            self.spent += cost


def most_cost(request: Request, input_tokens: float, prices: PriceTable) -> Decimal | None:
    """The most that one attempt may cost; None where the price is unknown. `input_tokens` is a guess."""
    choice = request.choice
    usage = Usage(int(input_tokens * _MARGIN) + _WRAPPING, choice.max_tokens)
    return prices.cost(choice.provider, choice.model, usage)
