"""Concurrency as a dial with its consequence: answers, in flight, 429s and latency on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dagtui.core.figures import clock, count, rate, seconds
from dagtui.core.snapshot import Dial, Snapshot
from dagtui.tui.sheet import Line, Span, fit, whole
from dagtui.tui.widgets.charts import blocks, nice_ceiling, resample, scale
from dagtui.tui.widgets.panel import Panel

_LEFT, _RIGHT = 7, 9
"""Cells for what stands before and after the charts."""
_ROOMY = 8
"""Lines from which on every strip and the axis are there."""


class DialPanel(Panel):
    """What the target does to the run."""

    number = 1
    TITLE = "dial · answers a second"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Figures on top, then the charts, and below them where somebody touched the dial."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        lines = [_figures(snapshot, width)]
        columns = max(1, width - _LEFT - (_RIGHT if width >= 50 else 0))
        strips = _strips(snapshot, columns)
        if height < _ROOMY:
            strips = strips[-2:-1] if height >= 4 else []  # the 429s
        axis = height >= _ROOMY
        rows = height - len(lines) - len(strips) - axis
        tall = max(1, rows // 8) if axis else 1
        rows -= (tall - 1) * len(strips)
        lines += _chart(_even(snapshot.throughput.series, snapshot.dial, columns), rows, columns)
        for strip in strips:
            lines += strip.lines(tall, columns, width)
        if axis:
            lines.append(_axis(snapshot, columns))
        return lines[:height]


class _Strip:
    """A chart of a line or a few, with its label and what it is now."""

    def __init__(self, label: str, values: Sequence[float], role: str, now: str, top: float) -> None:
        self.label, self.values, self.role, self.now, self.top = label, values, role, now, top

    def lines(self, rows: int, columns: int, width: int) -> list[Line]:
        """The strip in `rows` lines."""
        drawn = blocks(self.values, self.top, rows)
        found: list[Line] = []
        for row, text in enumerate(drawn):
            last = row == rows - 1
            spans: list[Span] = [(fit(self.label if last else "", _LEFT), "dim"), (text.ljust(columns), self.role)]
            if last and width - _LEFT - columns > 1:
                spans.append((self.now.rjust(width - _LEFT - columns), "text"))
            found.append(tuple(spans))
        return found


def _figures(snapshot: Snapshot, width: int) -> Line:
    speed, latency = snapshot.throughput, snapshot.latency
    gap = "  " if width >= 60 else " "
    return whole(
        width,
        ((f"{rate(speed.now):>6}", "running+"), (f"/s{gap}", "dim")),
        (("p50 ", "dim"), (f"{seconds(latency.p50):>7}{gap}", "text")),
        (("p95 ", "dim"), (f"{seconds(latency.p95):>7}{gap}", "text")),
        (("mean ", "dim"), (f"{rate(speed.mean):>6}{gap}", "text+")),
        (("peak ", "dim"), (f"{rate(speed.peak):>6}{gap}", "text+")),
        (("p99 ", "dim"), (f"{seconds(latency.p99):>7}{gap}", "text")),
    )


def _strips(snapshot: Snapshot, columns: int) -> list[_Strip]:
    dial = snapshot.dial
    flying = resample(dial.in_flight, columns)
    targets = resample(dial.targets, columns)
    throttled = resample(dial.throttled, columns)
    slow = _slow(dial.p95, columns)
    most = max([*flying, *targets, 1.0])
    now, most_answers = snapshot.counts.in_flight, max(snapshot.throughput.series, default=0.0)
    met = dial.throttled[-1] if dial.throttled and snapshot.phase != "ended" else 0.0
    return [
        _Strip("target", targets, "accent", count(snapshot.target), most),
        _Strip("flying", flying, "running", count(now), most),
        _Strip("429s", throttled, "waiting", f"{rate(met)}/s", max([*throttled, most_answers / 4, 1.0])),
        _Strip("p95", slow, "chart", seconds(_last(dial.p95)), max([*slow, 1e-3])),
    ]


def _slow(values: Sequence[float | None], columns: int) -> list[float]:
    """Latencies on as many columns; each is the slowest of what it stands for."""
    known = [value or 0.0 for value in values]
    if len(known) <= columns:
        return known
    edges = [round(column * len(known) / columns) for column in range(columns + 1)]
    return [max(known[a:b]) for a, b in pairwise(edges) if b > a]


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values[-10:]) if value is not None), None)


def _even(series: Sequence[float], dial: Dial, columns: int) -> list[float]:
    """The throughput on the same columns as the strips: its last bin may be too young to tell a rate."""
    missing = len(dial.in_flight) - len(series)
    if missing > 0 and series:
        series = [*series, *[series[-1]] * missing]
    return resample(series, columns)


def _chart(values: Sequence[float], rows: int, columns: int) -> list[Line]:
    top = nice_ceiling(max(values, default=0.0))
    return [
        ((f"{scale(row, rows, top):>{_LEFT}}", "dim"), (text.ljust(columns), "chart"))
        for row, text in enumerate(blocks(values, top, rows))
    ]


def _axis(snapshot: Snapshot, columns: int) -> Line:
    """Time from the left to the right, with a mark where somebody set the target."""
    shown = min(columns, max(len(snapshot.dial.in_flight), 1))
    end = clock(snapshot.elapsed)
    cells = [" "] * columns
    touches: dict[int, int] = {}  # of several in one column, the last is what held from there on
    for touch in snapshot.dial.touches:
        at = min(shown - 1, int(touch.at / snapshot.elapsed * shown)) if snapshot.elapsed else 0
        touches[at] = touch.target
    for at, target in touches.items():
        mark = f"▲{count(target)}"
        if at + len(mark) <= columns and all(cell == " " for cell in cells[at : at + len(mark) + 1]):
            cells[at : at + len(mark)] = mark
        elif cells[at] == " ":  # a part of a number would be another number
            cells[at] = "▲"
    place = max(shown - len(end), 3)
    if all(cell == " " for cell in cells[max(0, place - 1) : place + len(end)]) and place + len(end) <= columns:
        cells[place : place + len(end)] = end
    begin = "└" if cells[0] == " " else "─"
    return (("".rjust(_LEFT - 1) + begin, "dim"), ("".join(cells)[:columns], "accent"))
