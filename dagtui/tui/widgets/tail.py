"""The attempts that have been in flight longest, to be acted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from dagtui.core.figures import count, seconds
from dagtui.core.snapshot import Flight, Snapshot
from dagtui.core.store import RequestStore
from dagtui.tui.sheet import Line, Span, fit, gauge
from dagtui.tui.widgets.panel import Panel

_SLOW = 3.0
"""Medians from which on an attempt is one to look at."""
_WITH_GAUGE = 44  # cells from which on the bar takes none from the names


class TailPanel(Panel):
    """The oldest first. The cursor stays on its request for as long as that is in flight."""

    number = 8
    TITLE = "oldest in flight"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="tail.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="tail.down"),
        Binding("home", "move(-1000)", "The oldest", show=False, id="tail.first"),
        Binding("end", "move(1000)", "The last shown", show=False, id="tail.last"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.store: RequestStore | None = None
        self._cursor = 0
        self._chosen: int | None = None  # once somebody has moved the cursor

    @property
    def selected(self) -> int | None:
        """The request under the cursor."""
        tail = self._tail
        return tail[self._cursor].seq if 0 <= self._cursor < len(tail) else None

    @property
    def _tail(self) -> tuple[Flight, ...]:
        return self.snapshot.tail if self.snapshot is not None and self.snapshot.phase != "ended" else ()

    def show(self, snapshot: Snapshot) -> None:
        """Show `snapshot`, the cursor on the request that it was on."""
        self.snapshot = snapshot
        places = {flight.seq: place for place, flight in enumerate(self._tail)}
        self._cursor = places.get(self._chosen, self._cursor) if self._chosen is not None else 0
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A line an attempt: for how long, and how many times the median that is."""
        snapshot, store = self.snapshot, self.store
        if snapshot is None or store is None:
            return ()
        tail = self._tail
        more = snapshot.counts.in_flight
        self.entitle(self.TITLE, f"{count(more)} in flight" if more else "")
        if not tail:
            return [(("nothing is in flight", "dim"),)]
        self._cursor = max(0, min(self._cursor, len(tail) - 1))
        top = max(0, min(self._cursor - height // 2, len(tail) - height))
        longest = max(1e-9, snapshot.time - tail[0].since)
        median = snapshot.latency.p50
        lines: list[Line] = []
        for place, flight in enumerate(tail[top : top + height], start=top):
            mark = "@" if place == self._cursor and self.has_focus else ""
            lines.append(_flight(flight, snapshot.time, store, (width, longest, median), mark))
        return lines

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._cursor = max(0, min(self._cursor + rows, len(self._tail) - 1))
        self._chosen = self.selected
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        place = event.get_content_offset(self)
        if place is not None:
            top = max(0, min(self._cursor - self.size.height // 2, len(self._tail) - self.size.height))
            self.action_move(top + place.y - self._cursor)

    def on_focus(self) -> None:
        """The cursor is seen."""
        self.repaint()

    def on_blur(self) -> None:
        """It is not."""
        self.repaint()


def _flight(
    flight: Flight, now: float, store: RequestStore, scale: tuple[int, float, float | None], mark: str
) -> Line:
    width, longest, median = scale
    age = max(0.0, now - flight.since)
    times = age / median if median else 0.0
    role = "warn" if times >= _SLOW else "running"
    name = fit(store.record_id(flight.seq), max(8, min(16, width - (34 if width >= _WITH_GAUGE else 29))))
    spans: list[Span] = [
        ("● ", role + mark),
        (f"{name} ", "text" + mark),
        (f"try {store.attempts[flight.seq]:<3}", "dim" + mark),
        (f"{seconds(age):>7} ", "text+" + mark),
    ]
    told = f"{times:>5.1f} × p50" if median else ""
    room = width - sum(len(text) for text, _ in spans) - len(told) - 1
    if room >= 4:
        (heavy, _), (light, _) = gauge(age / longest, room, role, track=" ")
        spans += [(heavy, role + mark), (light + " ", "dim" + mark)]
    spans.append((told, "dim" + mark))
    return tuple(spans)
