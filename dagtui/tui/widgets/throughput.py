"""How fast: the rate now, on average and at its best, and over the whole run as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, log10

from dagtui.core.figures import clock, rate, seconds
from dagtui.core.snapshot import Snapshot
from dagtui.tui.sheet import Line, whole
from dagtui.tui.widgets.panel import Panel

_COLUMN = " ▁▂▃▄▅▆▇█"


class ThroughputPanel(Panel):
    """Requests answered a second."""

    number = 1
    TITLE = "throughput · requests a second"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The figures on top, the chart in what is left."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        lines = [self._figures(snapshot, width)]
        if self.screen.has_class("-narrow"):
            lines.append(_percentiles(snapshot, width))
        rows = height - len(lines)
        if rows > 0:
            lines += chart(snapshot.throughput.series, snapshot.elapsed, width, rows)
        return lines

    def _figures(self, snapshot: Snapshot, width: int) -> Line:
        speed = snapshot.throughput
        gap = "   " if width >= 44 else " "
        return whole(
            width,
            ((f"{rate(speed.now):>6}", "running+"), (" req/s" + gap, "dim")),
            (("mean ", "dim"), (f"{rate(speed.mean):>6}" + gap, "text+")),
            (("peak ", "dim"), (f"{rate(speed.peak):>6}", "text+")),
        )


def _percentiles(snapshot: Snapshot, width: int) -> Line:
    latency = snapshot.latency
    return whole(
        width,
        *(
            ((f"{label} ", "dim"), (f"{seconds(value):>6}  ", "text"))
            for label, value in (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99))
        ),
    )


def chart(series: Sequence[float], elapsed: float, width: int, height: int) -> list[Line]:
    """Columns from zero in eighths, a scale at the left; with room enough, the time below.

    `series` are rates over equal parts of the `elapsed` seconds since the run began.
    """
    axis = height >= 4
    rows = height - 1 if axis else height
    columns = max(1, width - 6)
    values = resample(series, columns)
    top = nice_ceiling(max(values, default=0.0))
    lines: list[Line] = []
    for row in range(rows):
        low = top * (rows - 1 - row) / rows
        step = top / rows
        text = "".join(_COLUMN[min(8, max(0, round((value - low) / step * 8)))] for value in values)
        lines.append(((_scale(row, rows, top), "dim"), (text.ljust(columns), "chart")))
    if axis:
        end = clock(elapsed) if series else ""
        reach = max(len(values), len(end) + 2)
        lines.append((("     └", "dim"), ("0".ljust(reach - len(end)), "dim"), (end, "dim")))
    return lines


def resample(series: Sequence[float], columns: int) -> list[float]:
    """At most `columns` values, each the mean of what it stands for."""
    count = len(series)
    if count <= columns:
        return list(series)
    edges = [round(column * count / columns) for column in range(columns + 1)]
    return [sum(series[a:b]) / (b - a) for a, b in pairwise(edges) if b > a]


def nice_ceiling(value: float) -> float:
    """The next round number at or above `value`, so that the scale does not move with every answer."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** floor(log10(value))
    for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10):
        if value <= step * magnitude * 1.0001:
            return step * magnitude
    return float(ceil(value))


def _scale(row: int, rows: int, top: float) -> str:
    if row == 0:
        text = f"{top:,.0f}" if top >= 10 else f"{top:g}"
        return f"{text[:5]:>5}┤"
    if row == rows - 1 and rows > 1:
        return "    0┤"
    return "     │"
