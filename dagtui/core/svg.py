"""Charts as SVG inside a page: drawn in the classes of its style sheet, so that they follow its colours.

Every text that goes in is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from dagtui.core.figures import clock, count, rate
from dagtui.core.snapshot import Dial, Throughput, Touch
from dagtui.core.text import visible

_WIDTH, _LEFT, _RIGHT = 760, 56, 8
_PLOT = _WIDTH - _LEFT - _RIGHT
_GAP, _FOOT = 26, 20
_PLAIN = {
    "track": "#8a919e33",
    "data": "#2f6fb7",
    "running": "#4a90d9",
    "done": "#2e8b57",
    "failed": "#c8354f",
    "waiting": "#b7791f",
    "cancelled": "#b7791f",
    "money": "#8a6d1a",
    "queued": "#9aa1ac",
    "skipped": "#9aa1ac",
}
"""What a reader shows that takes no style sheet into a drawing; wherever one does, the style sheet wins."""
_TEXT = 'font-size="11" fill="#7a828e"'
_END = 'class="end" text-anchor="end"'
_TOUCH = 'class="touch" stroke="#7a828e" stroke-dasharray="2 2"'
_GRID = 'class="grid" stroke="#8a919e66" stroke-width="1"'


def safe(text: str, limit: int = 2_000) -> str:
    """`text` from anywhere as it may stand in a page: no control characters, no markup."""
    return escape(visible(text, limit), quote=True)


def share_bar(share: float, role: str, label: str) -> str:
    """A bar that fills `share` (0 to 1) of its place."""
    width = 100 * min(max(share, 0.0), 1.0)
    return (
        f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{safe(label)}">'
        f'<rect {_as("track")} width="100" height="8"/><rect {_as(role)} width="{width:.2f}" height="8"/></svg>'
    )


def stacked_bar(parts: Sequence[tuple[float, str]], label: str) -> str:
    """One bar of several parts: their numbers and roles."""
    total = sum(number for number, _ in parts) or 1.0
    drawn, x = "", 0.0
    for number, role in parts:
        width = 100 * number / total
        drawn += f'<rect {_as(role)} x="{x:.3f}" width="{width:.3f}" height="8"/>' if number else ""
        x += width
    return (
        f'<svg class="bar tall" viewBox="0 0 100 8" preserveAspectRatio="none" role="img"'
        f' aria-label="{safe(label)}"><rect {_as("track")} width="100" height="8"/>{drawn}</svg>'
    )


def over_time(speed: Throughput, elapsed: float, dial: Dial) -> str:
    """The run over time: answers a second; with a `dial`, what was in flight and refused."""
    lanes: list[str] = []
    top = 14
    lanes.append(_area(f"answers a second, {rate(speed.peak)} in the best", speed.series, top, 120))
    top += 120 + _GAP
    if dial.in_flight:
        flying = f"in flight, at most {count(round(max(dial.in_flight)))}"
        wide = _PLOT * speed.bin_width / elapsed if elapsed else _PLOT  # the last bin may reach beyond the end
        lanes.append(_area(flying, dial.in_flight, top, 60, role="running", step=wide))
        lanes.append(_touches(dial.touches, elapsed, top, 60))
        top += 60 + _GAP
        told = f"429s a second, at most {rate(max(dial.throttled, default=0.0))}"
        lanes.append(_columns(told, dial.throttled, top, 36, wide))
        top += 36 + _GAP
    height = top - _GAP + _FOOT
    axis = (
        f'<text {_TEXT} x="{_LEFT}" y="{height - 4}">0:00</text>'
        f'<text {_TEXT} {_END} x="{_WIDTH - _RIGHT}" y="{height - 4}">{clock(elapsed)}</text>'
    )
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="the run over time">'
        f"{''.join(lanes)}{axis}</svg>"
    )


def _as(role: str) -> str:
    return f'class="{role}" fill="{_PLAIN[role]}"'


def nice(value: float) -> float:
    """The next round number at or above `value`."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** floor(log10(value))
    steps = (step * magnitude for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10))
    return next((step for step in steps if value <= step * 1.0001), value)


def _frame(name: str, top: float, height: float, highest: float) -> str:
    right, bottom = _WIDTH - _RIGHT, top + height
    scale = f"{highest:,.0f}" if highest >= 10 else f"{highest:g}"
    return (
        f'<text {_TEXT} x="{_LEFT}" y="{top - 4}">{safe(name)}</text>'
        f'<line {_GRID} x1="{_LEFT}" y1="{top}" x2="{right}" y2="{top}"/>'
        f'<line {_GRID} x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
        f'<text {_TEXT} {_END} x="{_LEFT - 6}" y="{top + 4}">{scale}</text>'
        f'<text {_TEXT} {_END} x="{_LEFT - 6}" y="{bottom + 4}">0</text>'
    )


def _area(
    name: str,
    values: Sequence[float],
    top: float,
    height: float,
    role: str = "data",
    step: float | None = None,
) -> str:
    highest = nice(max(values, default=0.0))
    frame = _frame(name, top, height, highest)
    if not values:
        return frame
    step, end = step or _PLOT / len(values), float(_LEFT + _PLOT)
    points = [f"{_LEFT:.1f},{top + height:.1f}"]
    for place, value in enumerate(values):
        y = top + height * (1 - value / highest)
        left, right = min(end, _LEFT + place * step), min(end, _LEFT + (place + 1) * step)
        points += [f"{left:.1f},{y:.1f}", f"{right:.1f},{y:.1f}"]
    points.append(f"{min(end, _LEFT + len(values) * step):.1f},{top + height:.1f}")
    return f'{frame}<polygon {_as(role)} points="{" ".join(points)}"/>'


def _columns(name: str, values: Sequence[float], top: float, height: float, step: float) -> str:
    highest = float(max(1, ceil(max(values, default=0.0))))
    drawn = "".join(
        f'<rect {_as("waiting")} x="{_LEFT + place * step:.1f}" y="{top + height * (1 - value / highest):.1f}"'
        f' width="{max(0.8, step - 0.6):.1f}" height="{height * value / highest:.1f}"/>'
        for place, value in enumerate(values)
        if value
    )
    return _frame(name, top, height, highest) + drawn


def _touches(touches: Sequence[Touch], elapsed: float, top: float, height: float) -> str:
    """A tick where somebody changed the concurrency, with what it became; as many as can be read."""
    if not elapsed:
        return ""
    drawn, free = "", 0.0
    for touch in touches:
        x = _LEFT + _PLOT * min(1.0, touch.at / elapsed)
        drawn += f'<line {_TOUCH} x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + height}"/>'
        if x >= free and x < _WIDTH - 40:
            drawn += f'<text class="touch" {_TEXT} x="{x + 3:.1f}" y="{top + 11}">▲{count(touch.target)}</text>'
            free = x + 48
    return drawn
