"""The runs, one a line: filtered, sorted, and marked to be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from dagtui.core.figures import UNKNOWN, clock, money, rate, short_count
from dagtui.tui.sheet import BLANK, Line, Sheet, fit

if TYPE_CHECKING:
    from dagtui.past.runs import RunInfo

STATES: dict[str, tuple[str, str]] = {
    "running": ("▶", "running"),
    "complete": ("■", "done"),
    "partial": ("✖", "failed"),
    "stopped": ("▽", "warn"),
    "killed": ("◌", "warn"),
    "unreadable": ("▲", "warn"),
}
"""A glyph and a role for each way that a run may stand."""

MARKS = "AB"
_FILE = 16  # cells that the name of the file keeps
_Order: TypeAlias = "Callable[[RunInfo], Any]"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of `width` cells. `sort` makes what it is sorted by; `down` sorts the greatest first."""

    key: str
    title: str
    width: int
    text: Callable[[RunInfo], str]
    sort: _Order
    right: bool = True
    down: bool = True
    role: str = "text"


def _begun(info: RunInfo) -> str:
    return datetime.fromtimestamp(info.started_at).astimezone().strftime("%d %b %H:%M") if info.started_at else ""


def _done(info: RunInfo) -> str:
    return f"{short_count(info.succeeded)}/{'?' if info.total is None else short_count(info.total)}"


def _rate(info: RunInfo) -> str:
    return UNKNOWN if info.rate is None else f"{rate(info.rate)}/s"


_COLUMNS = (
    _Column("state", "outcome", 10, lambda info: info.state, lambda info: info.state, right=False, down=False),
    _Column("begun", "begun", 12, _begun, lambda info: info.path.parent.name, right=False, role="dim"),
    _Column("file", "file", 0, lambda info: info.file, lambda info: info.file.lower(), right=False, down=False),
    _Column("task", "task", 12, lambda info: info.task, lambda info: info.task, right=False, down=False),
    _Column("model", "model", 26, lambda info: info.model, lambda info: info.model, right=False, down=False),
    _Column("done", "done", 11, _done, lambda info: info.succeeded),
    _Column("failed", "failed", 6, lambda info: short_count(info.failed), lambda info: info.failed),
    _Column("rate", "rate", 8, _rate, lambda info: info.rate or 0.0),
    _Column("cost", "cost", 10, lambda info: money(info.spent), lambda info: info.spent or 0, role="money"),
    _Column("took", "took", 8, lambda info: clock(info.elapsed), lambda info: info.elapsed or 0.0),
    _Column("id", "run", 23, lambda info: info.id, lambda info: info.id, right=False, role="dim"),
)
_ALWAYS = ("state", "file", "done")
_GIVING_WAY = ("cost", "begun", "failed", "rate", "took", "task", "model", "id")  # the last goes first
SORTS = ("begun", "file", "done", "failed", "rate", "cost", "took", "state")


def fitting(width: int) -> list[_Column]:
    """The columns that `width` cells have room for, the name of the file taking what is left."""
    by_key = {column.key: column for column in _COLUMNS}
    shown: set[str] = set(_ALWAYS)
    room = width - 4 - sum(by_key[key].width + 1 for key in _ALWAYS)
    for key in _GIVING_WAY:
        cost = by_key[key].width + 1
        if room - cost < _FILE:
            break
        shown.add(key)
        room -= cost
    by_key["file"] = replace(by_key["file"], width=max(1, room))
    return [by_key[column.key] for column in _COLUMNS if column.key in shown]


class RunsTable(Sheet, can_focus=True):
    """Rows with a cursor. Marked runs bear the letters `A` and `B`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="runs.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="runs.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="runs.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="runs.page-down"),
        Binding("home", "first", "First run", show=False, id="runs.first"),
        Binding("end", "last", "Last run", show=False, id="runs.last"),
    ]

    class Moved(Message):
        """The cursor is on another run, or that run has changed."""

    def __init__(self) -> None:
        super().__init__(id="runs")
        self.reading = 1
        """Journals that were not read yet, as far as is known."""
        self.filter = ""
        self.sort = 0
        self.reverse = False
        self.marks: list[Path] = []
        self._infos: dict[Path, RunInfo] = {}
        self._rows: list[RunInfo] = []
        self._at: Path | None = None  # the run under the cursor: it stays there when others come or go
        self._cursor = 0
        self._top = 0

    # --- what is in it ---

    def take(self, infos: Sequence[RunInfo]) -> None:
        """Take in runs that were read, or read anew."""
        self._infos |= {info.path: info for info in infos}
        self._arrange()

    def keep(self, paths: Sequence[Path]) -> None:
        """Forget the runs that are not among `paths`."""
        there = set(paths)
        self._infos = {path: info for path, info in self._infos.items() if path in there}
        self.marks = [path for path in self.marks if path in there]
        self._arrange()

    @property
    def infos(self) -> list[RunInfo]:
        """Every run, whether it is shown or not."""
        return list(self._infos.values())

    @property
    def selected(self) -> RunInfo | None:
        """The run under the cursor."""
        return self._rows[self._cursor] if 0 <= self._cursor < len(self._rows) else None

    def info(self, path: Path) -> RunInfo | None:
        """The run of a journal, if it is known."""
        return self._infos.get(path)

    def find(self, text: str) -> None:
        """Show the runs that have all the words of `text` somewhere in what is said of them."""
        self.filter = text
        self._arrange()

    def sort_by_next(self) -> None:
        """Sort by the next column."""
        self.sort = (self.sort + 1) % len(SORTS)
        self.reverse = False
        self._arrange()

    def turn_round(self) -> None:
        """The other way round."""
        self.reverse = not self.reverse
        self._arrange()

    def mark(self) -> None:
        """Mark the run under the cursor, or do not any more; of three, the first is forgotten."""
        info = self.selected
        if info is None:
            return
        if info.path in self.marks:
            self.marks.remove(info.path)
        else:
            self.marks = [*self.marks, info.path][-len(MARKS) :]
        self.repaint()

    # --- what is seen of it ---

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The titles, then the rows in view."""
        rows = max(1, height - 1)
        self._top = max(0, min(self._top, len(self._rows) - rows))
        self._top = max(min(self._top, self._cursor), self._cursor - rows + 1)
        columns = fitting(width)
        lines: list[Line] = [self._header(columns)]
        for place, info in enumerate(self._rows[self._top : self._top + rows], self._top):
            line = self._row(info, columns, "@" if place == self._cursor else "", width)
            lines.append(line)
        if not self._rows:
            lines += [BLANK, ((fit(self._nothing(), width).rstrip(), "dim"),)]
        self._entitle()
        return lines

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._go(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move by what is in view."""
        self._go(self._cursor + pages * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """To the first."""
        self._go(0)

    def action_last(self) -> None:
        """To the last."""
        self._go(len(self._rows) - 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move by three."""
        event.stop()
        self._go(self._cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move by three."""
        event.stop()
        self._go(self._cursor - 3)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        line = event.get_content_offset(self)
        if line is not None and line.y > 0:
            self._go(self._top + line.y - 1)

    def _go(self, place: int) -> None:
        self._cursor = max(0, min(place, len(self._rows) - 1))
        info = self.selected
        self._at = info.path if info is not None else None
        self.repaint()
        self.post_message(self.Moved())

    def _arrange(self) -> None:
        column = next(column for column in _COLUMNS if column.key == SORTS[self.sort])
        words = self.filter.lower().split()
        rows = [info for info in self._infos.values() if _matches(info, words)]
        rows.sort(key=lambda info: info.path.parent.name, reverse=True)  # ids sort by time, also unread ones
        rows.sort(key=column.sort, reverse=column.down is not self.reverse)
        self._rows = rows
        places = {info.path: place for place, info in enumerate(rows)}
        place = self._cursor if self._at is None else places.get(self._at, self._cursor)
        self._cursor = max(0, min(place, len(rows) - 1))
        info = self.selected
        self._at = info.path if info is not None else None
        self.repaint()
        self.post_message(self.Moved())

    def _header(self, columns: Sequence[_Column]) -> Line:
        spans: list[tuple[str, str]] = [("    ", "dim")]
        for column in columns:
            sorted_by = column.key == SORTS[self.sort]
            arrow = ("▾" if column.down is not self.reverse else "▴") if sorted_by else ""
            title = f"{arrow}{column.title}" if column.right else f"{column.title}{arrow}"
            spans.append((fit(title, column.width, right=column.right) + " ", "accent" if sorted_by else "dim"))
        return tuple(spans)

    def _row(self, info: RunInfo, columns: Sequence[_Column], cursor: str, width: int) -> Line:
        glyph, role = STATES.get(info.state, ("·", "dim"))
        mark = MARKS[self.marks.index(info.path)] if info.path in self.marks else " "
        spans: list[tuple[str, str]] = [(f"{mark} ", f"accent+{cursor}"), (f"{glyph} ", role + cursor)]
        if info.problem:
            told = f"{info.state:<11}{info.id}: {info.problem}"
            return (*spans, (fit(told, max(0, width - 4)), f"dim{cursor}"))
        for column in columns:
            text = fit(column.text(info), column.width, right=column.right) + " "
            spans.append((text, (role if column.key == "state" else column.role) + cursor))
        return tuple(spans)

    def _nothing(self) -> str:
        if self.reading:
            return "reading the journals …"
        if self.filter:
            return f"no run has “{self.filter}” in it; Esc shows all"
        return "no runs yet: F5 in the setup screen makes the first one, and it will stand here"

    def _entitle(self) -> None:
        title = f"runs · {self.filter}" if self.filter else "runs"
        place = f"{self._cursor + 1} of {len(self._rows)}" if self._rows else ""
        self.entitle(title, f"{place} · {self.reading} to read" if self.reading else place)


def _matches(info: RunInfo, words: Sequence[str]) -> bool:
    text = " ".join((info.id, info.state, info.title, info.file, info.task, info.gateway, info.model)).lower()
    return all(word in text for word in words)
