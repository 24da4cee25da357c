"""The panel on money: what is spent, will be, and was lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dagtui.core.figures import UNKNOWN, count, money, percent, short_count
from dagtui.core.snapshot import Before, Money, Snapshot
from dagtui.tui.sheet import Line, length, spread
from dagtui.tui.widgets.panel import Panel, pair

_LOW, _VERY_LOW = 0.25, 0.10
_NEARLY = Decimal("0.95")  # of a budget
_ALL_MONEY = 9  # lines


class MoneyPanel(Panel):
    """What it costs."""

    number = 3
    TITLE = "cost"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Spent first; then what it will be, what was lost, and the tokens."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        cost, usage = snapshot.money, snapshot.usage
        thousand = a_thousand(snapshot)
        wasted = UNKNOWN if cost.spent is None else money(cost.wasted)
        share = f"{percent(float(cost.wasted), float(cost.spent))} " if cost.spent else ""
        role = "warn" if cost.wasted else "dim"
        if height < _ALL_MONEY:
            tokens = f"{short_count(usage.input_total)} in {short_count(usage.output)} out"
            projected = ((" of ~", "dim"), (money(cost.projected), "text")) if cost.projected is not None else ()
            if cost.cap is not None or length(projected) + len(money(cost.spent)) + 7 > width:
                projected = ()
            few = [
                spread((("spent", "dim"),), (*_spent(cost, width), *projected), width),
                pair("a thousand", money(thousand), width, "text"),
                spread((("wasted", "dim"),), ((share, "dim"), (wasted, role)), width),
                pair("tokens", tokens, width, "text"),
                pair("a minute", money(_burn(cost)), width, "text"),
            ]
            return few[:height]
        return [
            spread((("spent", "dim"),), _spent(cost, width), width),
            spread((("wasted", "dim"),), ((share, "dim"), (wasted, role)), width),
            pair("in flight", f"~{money(exposure(snapshot))}", width, "text"),
            pair("a minute", money(_burn(cost)), width, "text"),
            pair("a thousand", money(thousand), width, "text"),
            pair("projected", _projected(cost, width - 10), width),
            spread((("budget", "dim"),), _budget(cost), width),
            pair("tokens in", count(usage.input_total), width, "text"),
            pair("tokens out", count(usage.output), width, "text"),
        ]


def a_thousand(snapshot: Snapshot) -> Decimal | None:
    """Dollars that a thousand requests cost at what this session has paid for each; at the end, all of them."""
    cost, before = snapshot.money, Before() if snapshot.phase == "ended" else snapshot.before
    answered = snapshot.counts.succeeded + snapshot.counts.failed - before.ended
    if cost.spent is None or answered <= 0:
        return None
    return (cost.spent - (before.spent or 0)) / answered * 1000


def exposure(snapshot: Snapshot) -> Decimal | None:
    """Dollars that are in flight: what is set aside for them, or without a budget what so many cost on average."""
    if snapshot.money.cap is not None:
        return snapshot.money.exposed
    each = a_thousand(snapshot)
    return None if each is None else each / 1000 * snapshot.counts.in_flight


def _burn(cost: Money) -> Decimal | None:
    return None if cost.spent is None else cost.burn


def _projected(cost: Money, width: int) -> str:
    """From where to where the whole may cost; a number alone while nothing is known of its spread."""
    if cost.projected is None or cost.spread is None:
        return money(cost.projected)
    least, most = max(cost.spent or Decimal(0), cost.projected - cost.spread), cost.projected + cost.spread
    told = f"{money(least)} to {money(most)}"
    return told if len(told) <= width else f"~{money(cost.projected)}"


def _budget(cost: Money) -> Line:
    if cost.cap is None:
        return (("none  ", "dim"), ("b", "accent"))
    return ((money(cost.cap), "text"),)


def _spent(cost: Money, width: int) -> Line:
    """What is spent, against the budget if there is one; red where what is in flight may use it up."""
    if cost.cap is None:
        return ((money(cost.spent), "money+"),)
    committed = (cost.spent or 0) + cost.exposed + cost.uncertain
    role = "failed+" if committed >= cost.cap * _NEARLY else "money+"
    cap = f" of {money(cost.cap)}"
    return (
        (money(cost.spent), role),
        *(((cap, "dim"),) if len(money(cost.spent)) + len(cap) + 6 <= width else ()),
    )
