"""Picking a file: folders and data files of one folder, and a preview of what was picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from dagtui.core.figures import size
from dagtui.core.text import one_line, visible
from dagtui.tui.palette import WARNING
from dagtui.tui.paths import tail, tilde
from dagtui.tui.sheet import BLANK, Line, Sheet, cut, fit, spread, wrapped
from dagtui.tui.words import some

if TYPE_CHECKING:
    from dagtui.plan import Entry, InputView

_MOST = 400  # characters of one cell that are looked at


class FileList(Sheet, can_focus=True):
    """The entries of `folder`; Enter opens a folder or picks a file. It titles the frame around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="files.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="files.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="files.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="files.page-down"),
        Binding("home", "to(0)", "First", show=False, id="files.first"),
        Binding("end", "to(1000000000)", "Last", show=False, id="files.last"),
        Binding("enter,l,right", "open", "Open folder, pick file", show=False, id="files.open"),
        Binding("backspace,h,left", "parent", "Parent folder", show=False, id="files.parent"),
    ]

    @dataclass
    class Opened(Message):
        """A folder was opened or a file picked."""

        path: Path
        is_folder: bool

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.folder = Path()
        self.entries: tuple[Entry, ...] = ()
        self.cursor = 0
        self.picked: Path | None = None
        self._top = 0

    def list(self, folder: Path, entries: tuple[Entry, ...], at: Path | None = None) -> None:
        """Show `entries` of `folder`, with the cursor on `at` where that is among them."""
        self.folder, self.entries = folder, entries
        rows = [entry.path for entry in entries]
        self.cursor = rows.index(at) + 1 if at in rows else 0
        self._top = 0
        self.repaint()

    def mark(self, picked: Path | None) -> None:
        """Show which file is picked."""
        self.picked = picked
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The parent folder first, then the entries."""
        self.entitle("file", tail(tilde(self.folder), width - 2))
        self._top = max(0, min(self._top, self.cursor), self.cursor - height + 1)
        last = min(self._top + height, len(self.entries) + 1)
        return [self._row(number, width) for number in range(self._top, last)]

    def _set_titles(self) -> None:
        if isinstance(self.parent, Widget):
            self.parent.border_title, self.parent.border_subtitle = self.titles

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.action_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move by what is in view."""
        self.action_to(self.cursor + pages * max(1, self.size.height - 1))

    def action_to(self, row: int) -> None:
        """Put the cursor on a row."""
        self.cursor = max(0, min(row, len(self.entries)))
        self.repaint()

    def action_open(self) -> None:
        """Open or pick what is under the cursor."""
        if not self.cursor:
            self.action_parent()
            return
        entry = self.entries[self.cursor - 1]
        self.post_message(self.Opened(entry.path, entry.is_folder))

    def action_parent(self) -> None:
        """Up one folder."""
        self.post_message(self.Opened(self.folder.parent, is_folder=True))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self.action_move(-3)

    def on_click(self, event: events.Click) -> None:
        """One click moves there, two open."""
        line = event.get_content_offset(self)
        if line is not None and self._top + line.y <= len(self.entries):
            self.action_to(self._top + line.y)
            if event.chain == 2:
                self.action_open()

    def _row(self, number: int, width: int) -> Line:
        mark = "@" if number == self.cursor and self.has_focus else ""
        if not number:
            return ((fit("  ..", width), "dim" + mark),)
        entry = self.entries[number - 1]
        if entry.is_folder:
            return ((fit(f"  {entry.name}/", width), "accent" + mark),)
        is_picked = entry.path == self.picked
        weight = size(entry.size)
        name = fit(f"{'■' if is_picked else ' '} {entry.name}", max(0, width - len(weight) - 1))
        return ((name + " ", ("done+" if is_picked else "text") + mark), (weight, "dim" + mark))


class Preview(Sheet):
    """The first records as a table, with what was found out about the file."""

    view: InputView | None = None
    reading = ""

    def on_mount(self) -> None:
        """Title it."""
        self.entitle("preview")

    def wait(self, path: str) -> None:
        """Say that `path` is being read."""
        self.reading, self.view = path, None
        self.repaint()

    def show(self, view: InputView | None) -> None:
        """Show `view`."""
        self.reading, self.view = "", view
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """What it is on top; then the rows, or what is wrong."""
        view = self.view
        if view is None:
            text = (
                f"reading {visible(self.reading)} …"
                if self.reading
                else "Pick a file at the left, or type its path."
            )
            return [cut(((text, "dim"),), width)]
        if view.problem:
            return [(("✖ ", "failed+"), (fit(view.name, width - 2), "failed+")), *_told(view.problem, width)]
        lines: list[Line] = [_facts(view, width), _twice(view, width) if view.twice else BLANK]
        return [*lines, *_table(view, width, height - len(lines))]


def _told(problem: str, width: int) -> list[Line]:
    return [((line, "text"),) for line in wrapped(problem, max(10, width))]


def _facts(view: InputView, width: int) -> Line:
    records = some(view.records, "record") if view.records is not None else "length unknown"
    left = ((visible(view.name), "accent+"), (f"  {view.format}", "dim"))
    right = ((f" {records}", "text+"), (f" · {size(view.size)}", "dim"))
    bad = ((f" · {some(view.bad_rows, 'bad row')}", "warn"),) if view.bad_rows else ()
    return spread(left, (*right, *bad), width)


def _twice(view: InputView, width: int) -> Line:
    return ((fit(f"{WARNING} {view.twice}", width), "warn"),)


def _table(view: InputView, width: int, height: int) -> list[Line]:
    names = view.columns
    if not names:
        return []
    rows = [
        [one_line(_text(record.fields.get(name)), _MOST) for name in names]
        for record in view.first[: max(0, height - 1)]
    ]
    widths = _widths(names, rows, width)
    shown = range(len(widths))
    lines: list[Line] = [((" ".join(fit(names[column], widths[column]) for column in shown), "dim"),)]
    lines += [((" ".join(fit(row[column], widths[column]) for column in shown), "text"),) for row in rows]
    return lines


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Widths of the first columns that fit: short ones as wide as they need, long ones share the rest."""
    wanted = [
        max(len(name), *(len(row[column]) for row in rows)) if rows else len(name)
        for column, name in enumerate(names)
    ]
    while len(wanted) > 1 and sum(min(need, 8) + 1 for need in wanted) > width:
        wanted.pop()
    room = width - len(wanted) + 1
    result = [0] * len(wanted)
    left = sorted(range(len(wanted)), key=lambda column: wanted[column])
    for done, column in enumerate(left):
        result[column] = min(wanted[column], room // (len(left) - done))
        room -= result[column]
    return result


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)
