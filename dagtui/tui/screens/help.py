"""The keys that work here, taken from the bindings themselves, so that the list cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Input

from dagtui.core.store import State
from dagtui.tui.doable import Doable
from dagtui.tui.palette import GLYPHS, LEVELS, STATE_ROLES, WARNING, WORDS
from dagtui.tui.sheet import BLANK, Line, Sheet, fit
from dagtui.tui.widgets.scrolled import Scrolled

_COLUMN = 14  # cells for the keys
_LEAST = 46  # cells of a column of keys and words
_GAP = 2
_FIRST = ("run", "replay", "view", "requests", "log")
_LAST = ("panel", "app")
_SIGNS = (
    *((GLYPHS[state], STATE_ROLES[state], WORDS[state]) for state in State),
    (WARNING, "warn", "needs a look"),
    (*LEVELS["retry"], "a retry"),
    (*LEVELS["run"], "what the run itself says"),
)


class HelpScreen(ModalScreen[None]):
    """Shows what can be done, grouped by what it is done to, and what the glyphs mean. `/` looks for words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="help.back"),
        Binding("question_mark,f1", "leave", "Back", key_display="?", id="app.help"),
        Binding("q", "leave", "Back", id="app.quit"),
        Binding("slash", "find", "Filter", key_display="/", id="help.find"),
    ]

    def __init__(self, actions: Sequence[Doable]) -> None:
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        """The field to filter by, which is not there at first, and the keys."""
        with Scrolled("keys · / filters", id="help"):
            yield Input(placeholder="words or a key", compact=True, id="help-filter")
            yield KeySheet(self._actions)

    def on_mount(self) -> None:
        """Arrow keys scroll at once."""
        self.query_one("#help-filter").display = False
        self.query_one(Scrolled).focus()

    def action_find(self) -> None:
        """Type what to look for."""
        field = self.query_one("#help-filter", Input)
        field.display = True
        field.focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self.query_one(KeySheet).find(event.value)

    @on(Input.Submitted)
    def _done(self) -> None:
        self.query_one(Scrolled).focus()

    def action_back(self) -> None:
        """All keys again, or back to where help was asked for."""
        field = self.query_one("#help-filter", Input)
        if not field.display:
            self.action_leave()
            return
        field.value = ""
        field.display = False
        self.query_one(Scrolled).focus()

    def action_leave(self) -> None:
        """Back to where help was asked for."""
        self.dismiss(None)


class KeySheet(Sheet):
    """Groups of keys in as many columns as there is room for, then the legend."""

    def __init__(self, actions: Sequence[Doable]) -> None:
        super().__init__(id="help-keys")
        self._actions = actions
        self._sought = ""

    def find(self, text: str) -> None:
        """Show only what has `text` in its words or is its key."""
        self._sought = text.strip().casefold()
        self.refresh(layout=True)
        self.repaint()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the longest column."""
        return len(self.draw(width, 0))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The groups, one after the other, broken into columns of about the same height."""
        blocks = [*self._groups(), *self._legend()]
        if not blocks:
            return [((f"no key and no words with “{self._sought}”", "dim"),)]
        number = max(1, min(3, (width + _GAP) // (_LEAST + _GAP)))
        across = (width - _GAP * (number - 1)) // number
        columns = _balanced(blocks, number)
        lines: list[Line] = []
        for y in range(max(map(len, columns))):
            line: Line = ()
            for column in columns:
                line = (*line, *_padded(column[y] if y < len(column) else BLANK, across), (" " * _GAP, "text"))
            lines.append(line[:-1])
        return lines

    def _groups(self) -> Iterator[list[Line]]:
        found: dict[str, list[Doable]] = {}
        for able in self._actions:
            if self._fits(able.words, *able.shown):
                found.setdefault(able.group, []).append(able)
        for group in sorted(found, key=_rank):
            yield [((group, "accent"),), *(_told(able) for able in found[group])]

    def _legend(self) -> Iterator[list[Line]]:
        signs = [sign for sign in _SIGNS if self._fits(sign[2], sign[0])]
        if signs:
            yield [
                (("signs", "accent"),),
                *(((f"{glyph:>{_COLUMN}}", role), (f"   {words}", "text")) for glyph, role, words in signs),
            ]

    def _fits(self, words: str, *keys: str) -> bool:
        return self._sought in words.casefold() or self._sought in (key.casefold() for key in keys)


def _told(able: Doable) -> Line:
    return (
        (f"{' '.join(able.shown):>{_COLUMN}}", "accent+"),
        (f"   {able.words}", "text" if able.enabled else "dim"),
    )


def _rank(group: str) -> tuple[int, str]:
    order = (*_FIRST, "", *_LAST)
    return (order.index(group) if group in order else order.index("")), group


def _balanced(blocks: Sequence[list[Line]], number: int) -> list[list[Line]]:
    """`blocks` in order over `number` columns, an empty line between two."""
    goal = sum(len(block) + 1 for block in blocks) / number
    columns: list[list[Line]] = [[]]
    for block in blocks:
        here = columns[-1]
        if here and len(here) + len(block) / 2 > goal and len(columns) < number:
            columns.append([])
        elif here:
            here.append(BLANK)
        columns[-1].extend(block)
    return columns


def _padded(line: Line, width: int) -> Line:
    """`line` in exactly `width` cells; its last words are what is cut."""
    if not line:
        return ((" " * width, "text"),)
    *head, (words, role) = line
    used = sum(len(text) for text, _ in head)
    return (*head, (fit(words, max(0, width - used)), role))
