"""The requests, one a line, straight from the store: only the lines on the screen are ever looked at."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from dagtui.core.figures import count
from dagtui.core.store import RequestStore, State
from dagtui.core.text import one_line
from dagtui.tui.sheet import BLANK, Line, Sheet
from dagtui.tui.widgets.columns import COLUMNS, fitting, header, row

FILTERS: tuple[tuple[str, bytes], ...] = (
    ("all", b""),
    ("in flight", bytes((State.IN_FLIGHT,))),
    ("waiting", bytes((State.WAITING,))),
    ("failed", bytes((State.FAILED, State.SKIPPED, State.CANCELLED))),
    ("done", bytes((State.SUCCEEDED,))),
)
_MOST = 2000  # characters of a cell that is copied
_ROWS_PER_SECOND = 2_000_000  # a filtered view of a large store is made anew only as often as that allows


class RequestsTable(Sheet, can_focus=True):
    """Rows with a cursor, a filter, and modes that follow the newest request in flight, or the last one known.

    The wheel scrolls what is in view and leaves the cursor where it is; the next move of it brings it back.
    """

    number = 4

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="requests.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="requests.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="requests.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="requests.page-down"),
        Binding("home", "first", "First request", show=False, id="requests.first"),
        Binding("end", "last", "Last request, and those to come", show=False, id="requests.last"),
        Binding("y", "copy", "Copy the request's line", show=False, id="requests.copy"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.store = RequestStore(("",))
        self.cursor = 0
        self.top = 0
        self.follow = True
        self.at_end = False
        self.filter = 0
        self._scrolled = False
        self._matches: Sequence[int] = range(0)
        self._matched: tuple[int, int] = (-1, -1)
        self._matched_at = 0.0
        self._now = 0.0
        self._expected = 0

    def show(self, store: RequestStore, now: float, expected: int = 0) -> None:
        """Show `store` as it is at `now`, when `expected` requests are known to come in all."""
        if store is not self.store:
            self.store, self.cursor, self.top, self._matched = store, 0, 0, (-1, -1)
        self._now, self._expected = now, expected
        self._match()
        if self.follow:
            self._go_to_newest()
        elif self.at_end:
            self.cursor = len(self._matches) - 1
        self.repaint()

    def cycle_filter(self) -> None:
        """Show the next group of states, keeping the cursor's request where it is among them."""
        chosen = self.selected
        self.filter = (self.filter + 1) % len(FILTERS)
        self._match(at_once=True)
        self.cursor = _position(self._matches, chosen) if chosen is not None else 0
        self._scrolled = False
        self.repaint()

    def toggle_follow(self) -> None:
        """Follow the newest request in flight, or stay."""
        self.follow = not self.follow
        self.at_end = self._scrolled = False
        if self.follow:
            self._go_to_newest()
        self.repaint()

    @property
    def selected(self) -> int | None:
        """The request under the cursor."""
        return self._matches[self.cursor] if 0 <= self.cursor < len(self._matches) else None

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The titles, then the rows in view, with a mark of where they lie among all."""
        rows = max(1, height - 1)
        total = len(self._matches)
        self.cursor = max(0, min(self.cursor, total - 1))
        self.top = max(0, min(self.top, total - rows))
        if not self._scrolled:
            self.top = max(min(self.top, self.cursor), self.cursor - rows + 1)
        columns = fitting(width - 2, len(self.store.dimensions))
        lines: list[Line] = [header(columns)]
        thumb = _thumb(self.top, rows, total)
        for y, position in enumerate(range(self.top, min(self.top + rows, total))):
            marked = position == self.cursor and (self.has_focus or self.follow)
            spans = row(self.store, self._matches[position], columns, "@" if marked else "")
            lines.append((*spans, (" " if y not in thumb else "▐", "dim@" if marked else "dim")))
        if not total:
            lines += [BLANK, ((_nothing(self.filter), "dim"),)]
        self._entitle(total)
        return lines

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._go(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move by what is in view."""
        self._go(self.cursor + pages * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """To the first."""
        self._go(0)

    def action_last(self) -> None:
        """To the last one known, and on to those that are read later."""
        self._go(len(self._matches) - 1)
        self.at_end = True
        self.repaint()

    def action_copy(self) -> None:
        """Copy what is known of the request under the cursor, whole, with tabs between."""
        if self.selected is not None:
            cells = (column.cell(self.store, self.selected)[0] for column in COLUMNS)
            self.app.copy_to_clipboard("\t".join(one_line(cell, _MOST) for cell in cells))  # pyright: ignore[reportUnknownMemberType]

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by three."""
        event.stop()
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by three."""
        event.stop()
        self._scroll(-3)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        line = event.get_content_offset(self)
        if line is not None and line.y > 0:
            self._go(self.top + line.y - 1)

    def _scroll(self, rows: int) -> None:
        self.follow = self.at_end = False
        self._scrolled = True
        self.top += rows  # `draw` keeps it within bounds
        self.repaint()

    def _go(self, position: int) -> None:
        self.follow = self.at_end = self._scrolled = False
        self.cursor = max(0, min(position, len(self._matches) - 1))
        self.repaint()

    def _go_to_newest(self) -> None:
        newest = self.store.state.rfind(State.IN_FLIGHT)
        if newest >= 0:
            self.cursor = _position(self._matches, newest)

    def _match(self, *, at_once: bool = False) -> None:
        states = FILTERS[self.filter][1]
        if not states:
            self._matches = range(len(self.store))
            return
        due = self._matched_at + len(self.store) / _ROWS_PER_SECOND
        key = (self.store.version, self.filter)
        if key == self._matched or (not at_once and self._now < due):
            return
        pattern = re.compile(b"[" + re.escape(states) + b"]")
        self._matches = array("I", (match.start() for match in pattern.finditer(self.store.state)))
        self._matched, self._matched_at = key, self._now

    def _entitle(self, total: int) -> None:
        name = FILTERS[self.filter][0]
        mode = " · following" if self.follow else " · at the end" if self.at_end else ""
        place = f"{count(self.cursor + 1)} of {count(total)}" if total else ""
        if total and not self.filter and self._expected > total:
            place += f" read · {count(self._expected)} in all"
        self.entitle(f"requests · {name}{mode}", place)


def _position(matches: Sequence[int], seq: int) -> int:
    """Where `seq` stands in the ascending `matches`, or where it would."""
    low, high = 0, len(matches)
    while low < high:
        middle = (low + high) // 2
        if matches[middle] < seq:
            low = middle + 1
        else:
            high = middle
    return low


def _thumb(top: int, rows: int, total: int) -> range:
    """The lines that the mark at the right edge covers."""
    if total <= rows:
        return range(0)
    size = max(1, rows * rows // total)
    start = round(top / max(1, total - rows) * (rows - size))
    return range(start, start + size)


def _nothing(number: int) -> str:
    return "no requests yet" if not number else f"none {FILTERS[number][0]}"
