"""The parts of a comparison: rows with a value of either run, in columns that stand one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from textual.geometry import Size

from dagtui.core.compare import Comparison, Share, Side, in_words
from dagtui.core.figures import count
from dagtui.tui.sheet import Line, Sheet, fit, gauge, wrapped

_MARKS = {True: ("▲", "done"), False: ("▼", "failed"), None: ("·", "dim")}
_CHANGE = 10  # cells of a change, with its mark


class Part(Sheet):
    """One panel of a comparison."""

    TITLE = ""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(classes="compare-part")
        self.comparison = comparison

    def on_mount(self) -> None:
        """Title it."""
        self.entitle(self.TITLE)

    def show(self, comparison: Comparison) -> None:
        """Show another one."""
        self.comparison = comparison
        self.repaint()
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are rows."""
        return len(self.draw(width, 0))


class CompareTitle(Part):
    """Which two."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(comparison)
        self.id = "compare-title"
        self.remove_class("compare-part")

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A line for each."""
        return (_side("A", self.comparison.a, width), _side("B", self.comparison.b, width))


class SettingsPart(Part):
    """The settings that differ."""

    TITLE = "settings that differ"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Name and both values; where they are long, below each other."""
        rows = self.comparison.settings
        if not rows:
            return ((("none: both were set alike", "dim"),),)
        label = min(max(len(name) for name, *_ in rows), width // 3)
        cell = max(4, (width - label - 4) // 2)
        lines: list[Line] = [_head(label, cell)]
        for name, a, b in rows:
            values = zip_longest(wrapped(a, cell), wrapped(b, cell), fillvalue="")
            lines += [
                (
                    (fit("" if place else name, label) + "  ", "dim"),
                    (fit(first, cell, right=True) + "  ", "text"),
                    (fit(second, cell, right=True), "text"),
                )
                for place, (first, second) in enumerate(values)
            ]
        return lines


class FiguresPart(Part):
    """What came of it."""

    TITLE = "figures"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Name, both values, and the change with its mark."""
        rows = self.comparison.figures
        label = min(max(len(row.label) for row in rows), max(8, width - 2 * 11 - _CHANGE - 6))
        cell = max(8, min(14, (width - label - _CHANGE - 6) // 2))
        lines: list[Line] = [(*_head(label, cell), ("  ", "dim"), (fit("change", _CHANGE, right=True), "dim"))]
        for row in rows:
            mark, role = _MARKS[row.better]
            lines.append(
                (
                    (fit(row.label, label) + "  ", "dim"),
                    (fit(row.a, cell, right=True) + "  ", "text"),
                    (fit(row.b, cell, right=True) + "  ", "text+"),
                    (f"{mark} ", role),
                    (fit(row.change, _CHANGE - 2, right=True), role if row.better is not None else "dim"),
                )
            )
        return lines


class CategoriesPart(Part):
    """How the shares of the categories moved."""

    TITLE = "categories"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Name, both shares, the difference in points and a bar of it."""
        rows = self.comparison.categories
        if not rows:
            return ((("the task sorts into no categories", "dim"),),)
        label = min(max(len(row.category) for row in rows), max(8, width - 2 * 9 - 10))
        cell = 7
        head = (*_head(label, cell), ("  ", "dim"), (fit("points", 7, right=True), "dim"))
        most = max(abs(row.points) for row in rows) or 1.0
        room = width - label - 2 * (cell + 2) - 9 - 2
        return [head, *(_share(row, label, cell, most, room) for row in rows)]


class AnswersPart(Part):
    """Which answers differ."""

    TITLE = "answers"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A sentence, then the first of them by record."""
        told, answers = self.comparison, self.comparison.answers
        if answers is None:
            return [((line, "dim"),) for line in wrapped(told.why, width)]
        lines: list[Line] = [((line, "text"),) for line in wrapped(in_words(answers), width)]
        if not answers.first:
            return lines
        label = max(8, min(28, width // 3))
        cell = max(6, (width - label - 4) // 2)
        rows = [("record", "A", "B"), *((told.record_of(one.seq), one.a, one.b) for one in answers.first)]
        for place, (name, a, b) in enumerate(rows):
            role = "text" if place else "dim"
            line = ((fit(name, label) + "  ", role), (fit(a, cell) + "  ", role), (fit(b, cell), role))
            lines.append(line)
        if (more := answers.differ - len(answers.first)) > 0:
            lines.append(((f"and {count(more)} more", "dim"),))
        return lines


def _share(row: Share, label: int, cell: int, most: float, room: int) -> Line:
    bar = gauge(abs(row.points) / most, room, "chart", track=" ") if room >= 4 and row.points else ()
    return (
        (fit(row.category or "(empty)", label) + "  ", "dim"),
        (f"{f'{100 * row.a:.1f}%':>{cell}}  ", "text"),
        (f"{f'{100 * row.b:.1f}%':>{cell}}  ", "text+"),
        (f"{row.points:>+7.1f}  ", "text" if row.points else "dim"),
        *bar,
    )


def _head(label: int, cell: int) -> Line:
    return ((" " * (label + 2), "dim"), (f"{'A':>{cell}}  ", "accent"), (f"{'B':>{cell}}", "accent"))


def _side(letter: str, side: Side, width: int) -> Line:
    return (
        (f"{letter}  ", "accent+"),
        (fit(f"{side.name}  {side.title}  {side.outcome}", max(0, width - 3)).rstrip(), "text"),
    )
