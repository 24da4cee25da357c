"""The groups of what goes wrong, one a line: they change in place, and a row never moves under the cursor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from dagtui.core.causes import BINS, Causes, Group
from dagtui.core.figures import count, kind_words, short_count
from dagtui.tui.sheet import BLANK, Line, Sheet, Span, fit

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEAST_MESSAGE = 18
_NARROW = 8  # cells of a trend where room is short
NOTHING = "nothing has failed and nothing is retried so far"


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    rank: int  # low ones go first where room is short
    right: bool = False


_COLUMNS = (
    _Column("kind", 16, 9),
    _Column("http", 4, 4, right=True),
    _Column("failed", 6, 8, right=True),
    _Column("waiting", 7, 7, right=True),
    _Column("retries", 7, 6, right=True),
    _Column("trend", BINS, 5),
    _Column("first", 8, 1),
    _Column("last", 8, 2),
)


class CausesTable(Sheet, can_focus=True):
    """Rows with a cursor. New groups come in at the end; `sort` puts them in order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="triage.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="triage.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="triage.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="triage.page-down"),
        Binding("home", "move(-1000)", "First group", show=False, id="triage.first"),
        Binding("end", "move(1000)", "Last group", show=False, id="triage.last"),
    ]

    def __init__(self) -> None:
        super().__init__(id="causes")
        self.causes = Causes()
        self.cursor = 0
        self.top = 0
        self.failures_only = False
        self.words = ""  # what is filtered by
        self._now = 0.0
        self._rows: list[Group] = []
        self._known = 0  # groups that were put in order, or looked at since

    def show(self, causes: Causes, now: float) -> None:
        """Show `causes` as they are at `now` (epoch seconds)."""
        another = causes is not self.causes or len(causes.groups) < self._known
        self.causes, self._now = causes, now
        if another or not self._known:
            self.sort()
        elif self._admit():
            self._known = len(causes.groups)
        self.repaint()

    @property
    def selected(self) -> Group | None:
        """The group under the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def sort(self) -> None:
        """What is open first, then what was met most often. The cursor stays on its group, by what it is of."""
        chosen = self.selected
        self._rows = sorted(filter(self._wanted, self.causes.groups), key=_weight)
        self._known = len(self.causes.groups)
        here = [place for place, group in enumerate(self._rows) if chosen and _same(group, chosen)]
        self.cursor = here[0] if here else 0

    def narrow(self, words: str | None = None, failures_only: bool | None = None) -> None:
        """Show only groups that have all of `words` in their line, only those with failures, or all."""
        self.words = self.words if words is None else words
        self.failures_only = self.failures_only if failures_only is None else failures_only
        self.sort()
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The titles, then the rows in view."""
        self._entitle()
        if not self._rows:
            return [BLANK, ((self._empty(), "dim"),)]
        rows = max(1, height - 1)
        self.cursor = max(0, min(self.cursor, len(self._rows) - 1))
        self.top = max(0, min(self.top, len(self._rows) - rows))
        self.top = max(min(self.top, self.cursor), self.cursor - rows + 1)
        columns = _fitting(width)
        titles = " ".join(fit(column.title, column.width, right=column.right) for column in columns)
        lines: list[Line] = [((f"  {titles} message", "dim"),)]
        for place in range(self.top, min(self.top + rows, len(self._rows))):
            mark = "@" if place == self.cursor else ""
            lines.append(self._row(self._rows[place], columns, width, mark))
        return lines

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(self.cursor + rows, len(self._rows) - 1))
        self.repaint()
        self.post_message(self.Moved())

    def action_page(self, pages: int) -> None:
        """Move by what is in view."""
        self.action_move(pages * max(1, self.size.height - 2))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The next group."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The group before."""
        event.stop()
        self.action_move(-1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        line = event.get_content_offset(self)
        if line is not None and 0 < line.y <= len(self._rows) - self.top:
            self.action_move(self.top + line.y - 1 - self.cursor)

    def _admit(self) -> bool:
        """Append what is to be seen since the last look; whether anything was."""
        shown = {group.number for group in self._rows}
        fresh = [group for group in self.causes.groups if group.number not in shown and self._wanted(group)]
        self._rows += fresh
        return bool(fresh)

    def _wanted(self, group: Group) -> bool:
        if self.failures_only and not group.failures:
            return False
        line = f"{kind_words(group.kind)} {group.status or ''} {group.text} {group.example.message}".lower()
        return all(word in line for word in self.words.lower().split())

    def _row(self, group: Group, columns: Sequence[_Column], width: int, mark: str) -> Line:
        glyph, role = _state(group)
        spans: list[Span] = [(f"{glyph} ", role + mark)]
        for column in columns:
            spans += [*self._cell(group, column, mark), (" ", "text" + mark)]
        used = 2 + sum(column.width + 1 for column in columns)
        spans.append((fit(group.text, width - used), "text" + mark))
        return tuple(spans)

    def _cell(self, group: Group, column: _Column, mark: str) -> Sequence[Span]:
        match column.title:
            case "kind":
                text, role = kind_words(group.kind), "text"
            case "http":
                text, role = str(group.status or ""), "dim"
            case "failed":
                text, role = short_count(group.failed), "failed+" if group.failed else "dim"
            case "waiting":
                text, role = short_count(group.waiting), "waiting+" if group.waiting else "dim"
            case "retries":
                text, role = short_count(group.retries), "text" if group.retries else "dim"
            case "first":
                text, role = _clock(group.first), "dim"
            case "last":
                text, role = _clock(group.last), "dim"
            case _:
                return _sparkline(self.causes.trend(group, self._now), column.width, mark)
        return ((fit(text, column.width, right=column.right), role + mark),)

    def _empty(self) -> str:
        if not self.causes.groups:
            return NOTHING
        return "no group is like that; Esc shows all" if self.words else "nothing has failed so far"

    def _entitle(self) -> None:
        shown = "failures" if self.failures_only else "all"
        filtered = f" · {self.words}" if self.words else ""
        place = f"{count(self.cursor + 1)} of {count(len(self._rows))}" if self._rows else ""
        self.entitle(f"causes · {shown}{filtered}", place)

    class Moved(Message):
        """The cursor is on another group."""


def _weight(group: Group) -> tuple[int, int, float]:
    """What is open first, then what was met most often."""
    return -(group.failed + group.waiting), -group.seen, group.first


def _state(group: Group) -> Span:
    """The glyph and its role."""
    return ("✖", "failed") if group.failed else ("◐", "waiting") if group.waiting else ("↻", "dim")


def _clock(at: float) -> str:
    """`14:03:07` in the user's time zone."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def _same(group: Group, other: Group) -> bool:
    return (group.kind, group.status, group.text) == (other.kind, other.status, other.text)


def _fitting(width: int) -> Sequence[_Column]:
    """The columns for which there is room beside the message."""
    columns = list(_COLUMNS)
    if width < 100:
        columns = [
            replace(column, width=min(column.width, _NARROW)) if column.title == "trend" else column
            for column in columns
        ]
    while len(columns) > 1 and 2 + sum(column.width + 1 for column in columns) + _LEAST_MESSAGE > width:
        columns.remove(min(columns, key=lambda column: column.rank))
    return columns


def _sparkline(counts: Sequence[int], width: int, mark: str) -> Sequence[Span]:
    """The bins on an axis of `width` cells; those to come are blank, those without any are dots."""
    each = max(1, BINS // width)
    bins = [sum(counts[start : start + each]) for start in range(0, len(counts), each)]
    most = max(bins, default=0)
    spans: list[Span] = []
    for number in bins[:width]:
        text = _BLOCKS[ceil(number * 8 / most) - 1] if number else "·"
        spans.append((text, ("chart" if number else "track") + mark))
    return (*spans, (" " * (width - len(spans)), "text" + mark))
