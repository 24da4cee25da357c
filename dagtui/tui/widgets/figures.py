"""The small panels: latency, money, rate limits, categories."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dagtui.core.figures import UNKNOWN, count, money, percent, seconds, short_count
from dagtui.core.model import Headroom
from dagtui.core.snapshot import Money, Snapshot
from dagtui.tui.palette import WARNING
from dagtui.tui.sheet import BLANK, Line, cut, fit, gauge, length, spread
from dagtui.tui.widgets.panel import Panel, pair

_LOW, _VERY_LOW = 0.25, 0.10
_NEARLY = Decimal("0.95")  # of a budget


class LatencyPanel(Panel):
    """How long answers take."""

    TITLE = "latency"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Percentiles with bars against the slowest of them."""
        if self.snapshot is None:
            return ()
        latency = self.snapshot.latency
        longest = latency.p99 or 1.0
        lines: list[Line] = []
        for label, value in (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99)):
            lines.append(pair(label, f"{seconds(value):>8}", width))
            if height >= 7:
                lines.append(gauge((value or 0.0) / longest, width, "chart"))
        lines.append(pair("mean", f"{seconds(latency.mean):>8}", width, "text"))
        return lines[:height]


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
        answered = snapshot.counts.succeeded + snapshot.counts.failed - snapshot.before.ended
        here = None if cost.spent is None else cost.spent - (snapshot.before.spent or 0)  # of this session
        thousand = here / answered * 1000 if here is not None and answered > 0 else None
        wasted = UNKNOWN if cost.spent is None else money(cost.wasted)
        lines = [
            spread((("spent", "dim"),), _spent(cost, width), width),
            pair("projected", money(cost.projected), width),
            pair("a thousand", money(thousand), width, "text"),
            pair("wasted", wasted, width, "warn" if cost.wasted else "dim"),
            pair("tokens in", count(usage.input_total), width, "text"),
            pair("tokens out", count(usage.output), width, "text"),
        ]
        if height >= len(lines):
            return lines
        tokens = f"{short_count(usage.input_total)} in {short_count(usage.output)} out"
        projected = ((" of ~", "dim"), (money(cost.projected), "text")) if cost.projected is not None else ()
        if cost.cap is not None or length(projected) + len(money(cost.spent)) + 7 > width:
            projected = ()
        return [
            spread((("spent", "dim"),), (*_spent(cost, width), *projected), width),
            pair("a thousand", money(thousand), width, "text"),
            pair("tokens", tokens, width, "text"),
            pair("wasted", wasted, width, "warn" if cost.wasted else "dim"),
        ][:height]


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


class LimitsPanel(Panel):
    """What the provider's limits leave."""

    number = 6
    TITLE = "rate limit headroom"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A gauge a limit, with what is left and when it is whole again."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        rows = [
            (label, room)
            for label, room in headrooms(snapshot)
            if room is not None and room.limit and room.remaining is not None
        ]
        if snapshot.phase == "ended":
            return [BLANK, (("  the run has ended", "dim"),)]
        if not rows:
            return [BLANK, (("  the provider has named no limits yet", "dim"),)]
        age = snapshot.time - snapshot.limits_at if snapshot.limits_at is not None else 0.0
        return [_headroom(label, room, age, width) for label, room in rows][:height]


class CategoriesPanel(Panel):
    """What the answers say."""

    number = 7
    TITLE = "categories"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Bars with count and percent; the rest in one line where there are more than fit."""
        if self.snapshot is None:
            return ()
        categories = list(self.snapshot.categories)
        if not categories:
            return [(("no answers yet", "dim"),)]
        total = sum(number for _, number in categories)
        if len(categories) > height > 1:
            rest = sum(number for _, number in categories[height - 1 :])
            categories = [*categories[: height - 1], (f"{len(categories) - height + 1} more", rest)]
        names = min(max(len(name) for name, _ in categories), max(8, width // 3))
        digits = len(count(total))
        bars = width - names - digits - 10
        largest = max(number for _, number in categories)
        return [_category(name, number, total, largest, (names, bars, digits)) for name, number in categories]


def headrooms(snapshot: Snapshot) -> tuple[tuple[str, Headroom | None], ...]:
    """The limits that a provider may name, in the order in which they are shown."""
    limits = snapshot.limits
    if limits is None:
        return ()
    return (
        ("requests", limits.requests),
        ("tokens in", limits.input_tokens),
        ("tokens out", limits.output_tokens),
    )


def left_role(share: float) -> str:
    """How worried a gauge looks."""
    return "failed" if share < _VERY_LOW else "waiting" if share < _LOW else "done"


def _headroom(label: str, room: Headroom, age: float, width: int) -> Line:
    limit, left = room.limit or 1, room.remaining or 0
    share = left / limit
    numbers = f"{short_count(left):>6} of {short_count(limit):<6}"
    until = max(0.0, room.reset_s - age) if room.reset_s is not None else None
    reset = f"{until:>4.0f} s" if until is not None else "      "
    sign = WARNING if share < _VERY_LOW else " "
    space = max(4, width - 11 - len(numbers) - len(reset) - 4)
    role = left_role(share)
    line = (
        (f"{label:<11}", "dim"),
        *gauge(share, space, role),
        (f" {sign}", role),
        (numbers, "text"),
        (reset, "dim"),
    )
    return cut(line, width)


def _category(name: str, number: int, total: int, largest: int, widths: tuple[int, int, int]) -> Line:
    names, bars, digits = widths
    return (
        (fit(name or "(empty)", names) + " ", "text"),
        *gauge(number / largest, max(0, bars), "chart", track=" "),
        (f" {count(number):>{digits}}", "text+"),
        (f"  {percent(number, total):>6}", "dim"),
    )
