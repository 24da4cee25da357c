"""Charts of columns: their scale, their axis of time, and many values on few columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, log10

from dagtui.core.figures import clock
from dagtui.tui.sheet import Line

_COLUMN = " ▁▂▃▄▅▆▇█"


def chart(series: Sequence[float], elapsed: float, width: int, height: int) -> list[Line]:
    """Columns from zero in eighths, a scale at the left; with room enough, the time below.

    `series` are rates over equal parts of the `elapsed` seconds since the run began.
    """
    axis = height >= 4
    rows = height - 1 if axis else height
    columns = max(1, width - 6)
    values = resample(series, columns)
    top = nice_ceiling(max(values, default=0.0))
    lines: list[Line] = [
        ((scale(row, rows, top), "dim"), (text.ljust(columns), "chart"))
        for row, text in enumerate(blocks(values, top, rows))
    ]
    if axis:
        end = clock(elapsed) if series else ""
        reach = max(len(values), len(end) + 2)
        lines.append((("     └", "dim"), ("0".ljust(reach - len(end)), "dim"), (end, "dim")))
    return lines


def blocks(values: Sequence[float], top: float, rows: int) -> list[str]:
    """Columns from zero to `top`, in eighths of `rows` lines; what is more than nothing is seen."""
    step = top / rows if rows > 0 else top
    heights = [max(1, round(value / step * 8)) if value > 0 and step else 0 for value in values]
    return ["".join(_COLUMN[min(8, max(0, height - 8 * below))] for height in heights) for below in range(rows)][
        ::-1
    ]


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


def scale(row: int, rows: int, top: float) -> str:
    """What stands before line `row` of a chart up to `top`: its number at the top, and 0 at the bottom."""
    if row == 0:
        text = f"{top:,.0f}" if top >= 10 else f"{top:g}"
        return f"{text[:5]:>5}┤"
    if row == rows - 1 and rows > 1:
        return "    0┤"
    return "     │"
