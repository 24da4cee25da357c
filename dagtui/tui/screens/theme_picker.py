"""Choosing a theme by looking at it: the one under the cursor is on, until it is kept or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from dagtui.core.store import State
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WARNING, WORDS
from dagtui.tui.sheet import BLANK, Line, Sheet, fit, gauge

if TYPE_CHECKING:
    from dagtui.tui.app import DagtuiApp

_SHOWN = (State.QUEUED, State.IN_FLIGHT, State.WAITING, State.SUCCEEDED, State.FAILED)
_PREVIEW = 7  # lines
_MOST = 12  # themes in view


class ThemePicker(ModalScreen[None]):
    """A list of `names`. Whether the choice is remembered is said below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Take it back", id="themes.back"),
        Binding("enter", "keep", "Keep", id="themes.keep"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="app.help"),
    ]

    def __init__(self, names: Sequence[str], *, remembered: bool) -> None:
        super().__init__()
        self._names = names
        self._remembered = remembered

    def compose(self) -> ComposeResult:
        """The list, which shows what each theme looks like."""
        yield ThemeList(self._names, remembered=self._remembered)

    def on_mount(self) -> None:
        """The cursor is on the theme in force."""
        self.query_one(ThemeList).focus()

    def action_keep(self) -> None:
        """Keep what is on."""
        self._dagtui.keep_theme()
        self.dismiss(None)

    def action_back(self) -> None:
        """As it was before."""
        self._dagtui.theme = self.query_one(ThemeList).before
        self.dismiss(None)

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]


class ThemeList(Sheet, can_focus=True):
    """The names, and below them the states and a gauge as the theme in force has them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,T", "move(1)", "Next theme", show=False, id="themes.next"),
        Binding("up,k", "move(-1)", "Theme before", show=False, id="themes.previous"),
        Binding("home", "to(0)", "First theme", show=False, id="themes.first"),
        Binding("end", "to(-1)", "Last theme", show=False, id="themes.last"),
    ]

    def __init__(self, names: Sequence[str], *, remembered: bool) -> None:
        super().__init__(id="themes")
        self._names = names
        self._top = 0
        self._remembered = remembered
        self.before = self._dagtui.theme
        self.cursor = names.index(self.before) if self.before in names else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each theme, as far as there is room, and the preview."""
        return min(len(self._names), _MOST, max(3, viewport.height - _PREVIEW - 4)) + _PREVIEW

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The names in view, then the preview."""
        rows = max(1, height - _PREVIEW)
        self._top = max(0, min(self._top, self.cursor), self.cursor - rows + 1)
        last = min(self._top + rows, len(self._names))
        place = f"{self.cursor + 1} of {len(self._names)}"
        self.entitle(f"theme · {place}", "Enter keeps · Esc takes it back")
        return [*(self._row(number, width) for number in range(self._top, last)), *self._preview(width)]

    def _row(self, number: int, width: int) -> Line:
        name = self._names[number]
        mark = "@" if number == self.cursor else ""
        sign = "▸" if mark else "■" if name == self.before else " "
        return ((f"{sign} ", "accent" + mark), (fit(name, width - 2), ("text+" if mark else "text") + mark))

    def _preview(self, width: int) -> list[Line]:
        states: list[Line] = []
        for several in (_SHOWN[:3], _SHOWN[3:]):
            line: Line = ()
            for state in several:
                line = (*line, (f"{GLYPHS[state]} {WORDS[state]:<11}", STATE_ROLES[state]))
            states.append(line)
        states[1] = (*states[1], (f"{WARNING} warns", "warn"))
        kept = "kept for the next start" if self._remembered else "for now: a setting decides at the start"
        return [
            BLANK,
            *states,
            (("left ", "dim"), *gauge(0.62, max(4, width - 18), "done"), (" 3,100 of 50k", "text")),
            (("low  ", "dim"), *gauge(0.12, max(4, width - 18), "waiting"), ("   120 of  1k", "text")),
            (("spent ", "dim"), ("$0.412954", "money+"), ("   keys ", "dim"), ("+ - p", "accent+")),
            ((fit(kept, width), "dim"),),
        ]

    def action_move(self, rows: int) -> None:
        """To the next, or the one before; after the last comes the first."""
        self.action_to((self.cursor + rows) % len(self._names))

    def action_to(self, number: int) -> None:
        """Put the theme of that number on."""
        self.cursor = number % len(self._names)
        self._dagtui.theme = self._names[self.cursor]
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The next."""
        event.stop()
        self.action_to(min(self.cursor + 1, len(self._names) - 1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The one before."""
        event.stop()
        self.action_to(max(self.cursor - 1, 0))

    def on_click(self, event: events.Click) -> None:
        """One click puts it on, two keep it."""
        place = event.get_content_offset(self)
        if place is not None and place.y < self.size.height - _PREVIEW:
            self.action_to(min(self._top + place.y, len(self._names) - 1))
            if event.chain == 2 and isinstance(self.screen, ThemePicker):
                self.screen.action_keep()

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]
