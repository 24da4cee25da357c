"""The requests, one a line, straight from the store: only the lines on the screen are ever looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, overload

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from dagtui.core.order import Order
from dagtui.core.store import RequestStore, State
from dagtui.core.text import one_line
from dagtui.core.view import View
from dagtui.tui.sheet import BLANK, Line, Sheet, fit, thumb
from dagtui.tui.widgets.columns import COLUMNS, Fitted, at, fitting, header, row, sortable
from dagtui.tui.widgets.shown import NOBODY, STATES, Shown, Since

_MOST = 2000  # characters of a cell that is copied
_BREATH = 0.006  # seconds between two slices of work, while somebody waits for a view


class RequestsTable(Sheet, can_focus=True):
    """Rows with a cursor, a filter, an order, and modes that follow the newest in flight, or the last one known.

    The wheel scrolls what is in view and leaves the cursor where it is; the next move of it brings it back. A new
    filter or order of very many requests is worked out in slices; until it is, the view before stays.
    """

    number = 4

    class Opened(Message):
        """All about request `seq` is asked for, by a double click."""

        def __init__(self, seq: int) -> None:
            super().__init__()
            self.seq = seq

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="requests.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="requests.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="requests.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="requests.page-down"),
        Binding("home", "first", "First request", show=False, id="requests.first"),
        Binding("end", "last", "Last request, and those to come", show=False, id="requests.last"),
        Binding("escape", "clear", "All requests again", show=False, id="requests.clear"),
        Binding("y", "copy", "Copy the request's line", show=False, id="requests.copy"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.cursor = 0
        self.top = 0
        self.follow = True
        self.at_end = False
        self._shown = Shown(RequestStore(("",)))
        self._chosen: int | None = None  # the request that the cursor stays on
        self._placed: tuple[View, int] | None = None  # the view and its version that it was placed in
        self._scrolled = False
        self._columns: Fitted = ()
        self._drawn: Sequence[int] = ()  # the requests in view
        self._now = 0.0
        self._since = NOBODY
        self._expected = 0
        self._work: Timer | None = None

    def on_mount(self) -> None:
        """Slices of work between two looks, when there is any."""
        self._work = self.set_interval(_BREATH, self._go_on, pause=True)

    def show(self, store: RequestStore, now: float, expected: int = 0, since: Since = NOBODY) -> None:
        """Show `store` as it is at `now`, when `expected` requests are known to come in all.

        `since` is when the attempts in flight were sent, by request (epoch seconds).
        """
        self._now, self._expected, self._since = now, expected, since
        if self._shown.look(store, now, since):
            self.cursor, self.top, self._chosen = 0, 0, None
        self._go_on()

    @property
    def store(self) -> RequestStore:
        """The requests."""
        return self._shown.store

    @property
    def selected(self) -> int | None:
        """The request under the cursor."""
        return self._view.at(self.cursor)

    @property
    def query_text(self) -> str:
        """The query in force."""
        return self._shown.query.text

    @property
    def order(self) -> Order | None:
        """What is sorted by; None is as in the file."""
        return self._shown.order

    @property
    def sequence(self) -> Sequence[int]:
        """The requests that are shown, in their order, looked up one by one."""
        return _Sequence(self._view)

    @property
    def matching(self) -> str:
        """How many requests are shown, or how far the search for them is."""
        return self._shown.matching()

    def cycle_states(self) -> None:
        """Show the next group of states, keeping the cursor on its request where that is among them."""
        self._shown.states = (self._shown.states + 1) % len(STATES)
        self._shown.renew()
        self._look_anew()

    def filter_by(self, text: str) -> None:
        """Show the requests that the query `text` is true of; an empty one leaves all.

        Raises:
            BadQuery: it cannot be understood; nothing changed.
        """
        if self._shown.read(text):
            self._look_anew()

    def sort_by(self, order: Order | None) -> None:
        """Sort by `order` and go to the top, because what comes first is what was asked for.

        Without one, requests are as in the file again, and the cursor stays on its request.
        """
        if order is None:
            self._stay()
        else:
            self._chosen, self.cursor, self.top, self.follow, self.at_end = None, 0, 0, False, False
        self._shown.order = order
        self._shown.renew()
        self._look_anew()

    def sort_by_next(self) -> None:
        """Sort by the next column in view; after the last, as in the file."""
        names = sortable(self._columns)
        place = names.index(self.order.column) + 1 if self.order and self.order.column in names else 0
        self.sort_by(Order.by(names[place]) if place < len(names) else None)

    def reverse(self) -> None:
        """Sort the other way round."""
        if self.order is not None:
            self.sort_by(self.order.reversed)

    def select(self, seq: int) -> None:
        """Put the cursor on request `seq`; a filter that hides it is taken away."""
        if self._shown.hides(seq):
            self._shown.widen()
        self.follow = self.at_end = self._scrolled = False
        self._chosen, self._placed = seq, None
        self.cursor = max(1, self.cursor)  # at the top of what is sorted it would stay there
        self._go_on()

    def toggle_follow(self) -> None:
        """Follow the newest request in flight, or stay."""
        follow = not self.follow
        self._stay()
        self.follow, self._scrolled = follow, False
        self._place()
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The titles, then the rows in view, with a mark of where they lie among all."""
        rows = max(1, height - 1)
        total = len(self._view)
        self.cursor = max(0, min(self.cursor, total - 1))
        self.top = max(0, min(self.top, total - rows))
        if not self._scrolled:
            self.top = max(min(self.top, self.cursor), self.cursor - rows + 1)
        self._columns = fitting(width - 2, len(self.store.dimensions))
        lines: list[Line] = [header(self._columns, self.order)]
        mark = thumb(self.top, rows, total)
        self._drawn = self._view.window(self.top, rows)
        for y, seq in enumerate(self._drawn):
            marked = self.top + y == self.cursor and (self.has_focus or self.follow)
            sent = self._since.get(seq)
            ran = None if sent is None else max(0.0, self._now - sent)
            spans = row(self.store, seq, self._columns, "@" if marked else "", ran)
            lines.append((*spans, (" " if y not in mark else "▐", "dim@" if marked else "dim")))
        if not total:
            lines += [BLANK, ((fit(self._shown.nothing(), width), "dim"),)]
        self._entitle()
        return lines

    # --- keys and mouse ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is the table's only while there is something to clear."""
        return action != "clear" or self._shown.narrowed

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
        self._go(len(self._view) - 1)
        self.at_end = True
        self.repaint()

    def action_clear(self) -> None:
        """Show all requests, whatever their state."""
        self._shown.widen()
        self._look_anew()

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
        """Put the cursor where the mouse is, and open what is there at the second; sort by a title."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y == 0:
            self._sort_by_title(at(self._columns, place.x))
        elif self.top + place.y - 1 < len(self._view):
            self._go(self.top + place.y - 1)
            if event.chain == 2 and self.selected is not None:
                self.post_message(self.Opened(self.selected))

    # --- inside ---

    @property
    def _view(self) -> View:
        return self._shown.view

    def _sort_by_title(self, column: str) -> None:
        if self.order is not None and column == self.order.column:
            self.reverse()
        elif column in sortable(self._columns):
            self.sort_by(Order.by(column))
        elif column == "record":
            self.sort_by(None)

    def _stay(self) -> None:
        """Follow nothing, and keep the cursor on its request."""
        self.follow = self.at_end = False
        self._chosen = self.selected

    def _scroll(self, rows: int) -> None:
        self._stay()
        self._scrolled = True
        self.top += rows  # `draw` keeps it within bounds
        self.repaint()

    def _go(self, line: int) -> None:
        self.cursor = max(0, min(line, len(self._view) - 1))
        self._stay()
        self._scrolled = False
        self.repaint()

    def _look_anew(self) -> None:
        """Something else is asked for; until it is worked out, what was there before stays."""
        self._scrolled = False
        self._go_on()

    def _go_on(self) -> None:
        """Work for a slice of time and show what came of it."""
        more = self._shown.work(self._drawn)
        if self._work is not None:
            (self._work.resume if more else self._work.pause)()
        self._place()
        self.repaint()

    def _place(self) -> None:
        """Put the cursor where it belongs in what is shown now."""
        placed = (self._view, self._view.version)
        if self.follow:
            newest = self.store.state.rfind(State.IN_FLIGHT)
            if newest >= 0:
                self.cursor = self._view.near(newest)
        elif self.at_end:
            self.cursor = len(self._view) - 1
        elif self._chosen is not None and placed != self._placed and (self.cursor or not self.order):
            line = self._view.line_of(self._chosen)
            if line is not None:
                self.cursor = line
            elif not self.order:
                self.cursor = self._view.near(self._chosen)
        self._placed = placed

    def _entitle(self) -> None:
        parts = ["requests", *self._shown.title()]
        if self.follow or self.at_end:
            parts.append("following" if self.follow else "at the end")
        self.entitle(" · ".join(parts), self._shown.place(self.cursor, self._expected))


class _Sequence(Sequence[int]):
    """The lines of a view. A line may be gone by the time that it is asked for: then it is the first request."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __len__(self) -> int:
        return len(self._view)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[line] for line in range(*index.indices(len(self)))]
        return self._view.at(index) or 0

    def __contains__(self, seq: object) -> bool:
        return isinstance(seq, int) and self._view.line_of(seq) is not None

    def index(self, value: int, start: int = 0, stop: int | None = None) -> int:
        """The line of a request, without looking at the others."""
        line = self._view.line_of(value)
        if line is None:
            raise ValueError(f"request {value} is not shown")
        return line
