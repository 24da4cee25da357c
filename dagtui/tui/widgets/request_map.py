"""Every request of the run as a cell, or as part of one where there are more requests than cells.

A cursor travels over it; what is under it, or under the pointer, is told at the lower edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import ceil
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from dagtui.core.figures import count, kind_words
from dagtui.core.store import RequestStore, State
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WORDS
from dagtui.tui.sheet import Line
from dagtui.tui.widgets.buckets import Buckets
from dagtui.tui.widgets.panel import Panel

_WORST_FIRST = (
    State.FAILED,
    State.WAITING,
    State.IN_FLIGHT,
    State.SUCCEEDED,
    State.SKIPPED,
    State.CANCELLED,
    State.QUEUED,
)


class RequestMap(Panel, can_focus=True):
    """A map of the run, in the order of the file."""

    number = 9

    class Chosen(Message):
        """Request `seq` was chosen; `alone`, because its cell stands for no other."""

        def __init__(self, seq: int, *, alone: bool) -> None:
            super().__init__()
            self.seq = seq
            self.alone = alone

    TITLE = "map"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", "Left", show=False, id="map.left"),
        Binding("right,l", "move(1, 0)", "Right", show=False, id="map.right"),
        Binding("up,k", "move(0, -1)", "Up", show=False, id="map.up"),
        Binding("down,j", "move(0, 1)", "Down", show=False, id="map.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="map.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="map.page-down"),
        Binding("home", "go(0)", "First cell", show=False, id="map.first"),
        Binding("end", "go(-1)", "Last cell", show=False, id="map.last"),
        Binding("enter", "choose", "Open what the cursor is on", show=False, id="map.choose"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        """The request under the cursor, the first of many."""
        self._store: RequestStore | None = None
        self._buckets = Buckets()
        self._total = 0
        self._share = 1
        self._across = 1
        self._step = 1  # columns of the terminal that a cell takes with the gap behind it
        self._pointed: int | None = None  # the first request of the cell under the pointer

    @property
    def alone(self) -> int | None:
        """The request under the cursor; None where its cell stands for many."""
        return self.cursor if self._share == 1 else None

    @property
    def store(self) -> RequestStore | None:
        """What is shown; of another one, nothing is remembered."""
        return self._store

    @store.setter
    def store(self, store: RequestStore | None) -> None:
        if store is not self._store:
            self._store = store
            self._buckets = Buckets()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The cells, row by row."""
        store, snapshot = self.store, self.snapshot
        if store is None or snapshot is None or not width or not height:
            return ()
        self._total = total = max(len(store), snapshot.counts.total or 0)
        self._share = share = ceil(total / (width * height)) or 1
        roomy = share == 1 and ceil(total / max(1, width // 2)) <= height
        self._step = 2 if roomy else 1
        self._across = across = max(1, width // self._step)
        self.cursor = max(0, min(self.cursor, total - 1))
        if share == 1:
            states = bytes(store.state).ljust(total, bytes((State.QUEUED,)))
            lines = [_exact(states[start : start + across], roomy) for start in range(0, total, across)]
        else:
            lines = list(self._buckets.lines(store, total, share, across))
        if self.has_focus and lines:
            row, column = divmod(self.cursor // share, across)
            lines[row] = _with_cursor(lines[row], column * self._step)
        self._tell()
        return lines

    # --- keys and mouse ---

    def action_move(self, columns: int, rows: int) -> None:
        """Move the cursor by cells."""
        cell = self.cursor // self._share + columns + rows * self._across
        if 0 <= cell < ceil(self._total / self._share):
            self._go(cell)

    def action_page(self, pages: int) -> None:
        """Move to the first or the last row of what is in view, in the same column."""
        cells = ceil(self._total / self._share)
        column = self.cursor // self._share % self._across
        last = (cells - 1 - column) // self._across
        self._go(column + (max(0, last) * self._across if pages > 0 else 0))

    def action_go(self, cell: int) -> None:
        """To a cell; -1 is the last."""
        self._go(cell if cell >= 0 else ceil(self._total / self._share) - 1)

    def action_choose(self) -> None:
        """Open the request, or go to the first of many: the first that failed, if one did."""
        store = self.store
        if store is None or self.cursor >= len(store):
            return
        alone = self._share == 1
        failed = -1 if alone else store.state.find(State.FAILED, self.cursor, self.cursor + self._share)
        self.post_message(self.Chosen(self.cursor if failed < 0 else failed, alone=alone))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; the second click opens that."""
        seq = self._at(event)
        if seq is not None:
            self._go(seq // self._share)
            if event.chain == 2:
                self.action_choose()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell what is under the pointer."""
        self._point(self._at(event))

    def on_leave(self) -> None:
        """Nothing is."""
        self._point(None)

    def on_focus(self) -> None:
        """The cursor is to be seen, once it is known that the focus is here."""
        self.call_later(self.repaint)

    def on_blur(self) -> None:
        """No more."""
        self.call_later(self.repaint)

    # --- inside ---

    def _go(self, cell: int) -> None:
        self.cursor = max(0, cell * self._share)
        self._pointed = None
        self.repaint()

    def _point(self, seq: int | None) -> None:
        if seq != self._pointed:
            self._pointed = seq
            self._tell()

    def _at(self, event: events.MouseEvent) -> int | None:
        """The first request of the cell under the mouse."""
        place = event.get_content_offset(self)
        if place is None or place.x // self._step >= self._across:
            return None
        seq = (place.y * self._across + place.x // self._step) * self._share
        return seq if seq < self._total else None

    def _tell(self) -> None:
        """Say at the lower edge what is under the pointer, or under the cursor."""
        seq = self._pointed if self._pointed is not None else self.cursor if self.has_focus else None
        if seq is None or self.store is None or not self._total:
            self.entitle("map", "" if self._share == 1 else f"a cell is {count(self._share)} requests")
        elif self._share == 1:
            self.entitle("map", _one(self.store, seq))
        else:
            last = min(seq + self._share, self._total)
            self.entitle("map", _many(self.store, seq, last, max(10, self.size.width - 2)))


def _one(store: RequestStore, seq: int) -> str:
    """`email_0061 ✖ failed`."""
    if seq >= len(store):
        return f"request {count(seq + 1)} · not read yet"
    state, kind = State(store.state[seq]), store.error_kind(seq)
    why = f" {kind_words(kind)}" if kind and state in (State.FAILED, State.WAITING) else ""
    asked = f" {store.dimension(seq)}" if len(store.dimensions) > 1 else ""
    return f"{store.record_id(seq)[:40]}{asked} {GLYPHS[state]} {WORDS[state]}{why}"


def _many(store: RequestStore, start: int, stop: int, room: int) -> str:
    """`requests 40,001-40,400: 12 failed 8 waiting 380 done`, shorter where there is no room for it."""
    states = store.state[start:stop]
    counts = [(state, states.count(state)) for state in _WORST_FIRST]
    counts = [(state, number) for state, number in counts if number]
    unread = stop - start - len(states)
    where = f"{count(start + 1)}-{count(stop)}"
    words = [f"{count(number)} {WORDS[state]}" for state, number in counts]
    glyphs = [f"{GLYPHS[state]} {count(number)}" for state, number in counts]
    if unread:
        words.append(f"{count(unread)} not read yet")
    full = f"requests {where}: {'  '.join(words)}"
    return full if len(full) <= room else f"{where}  {'  '.join(glyphs)}"


def _exact(states: bytes, roomy: bool) -> Line:
    gap = " " if roomy else ""
    return tuple(
        ((GLYPHS[State(number)] + gap) * len(list(run)), STATE_ROLES[State(number)])
        for number, run in groupby(states)
    )


def _with_cursor(line: Line, x: int) -> Line:
    """`line` with its character at cell `x` turned round."""
    spans: list[tuple[str, str]] = []
    for text, role in line:
        if 0 <= x < len(text):
            spans += [(text[:x], role), (text[x], f"{role}!"), (text[x + 1 :], role)]
        else:
            spans.append((text, role))
        x -= len(text)
    return tuple(span for span in spans if span[0])
