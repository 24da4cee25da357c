"""The pilot's summary, over the dashboard: what the first records came to, and whether to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dagtui.core.errors import DagtuiError
from dagtui.core.figures import count
from dagtui.core.pilot import pilot_rows
from dagtui.core.preview import Compared
from dagtui.core.snapshot import Snapshot
from dagtui.core.store import State
from dagtui.core.text import one_line
from dagtui.tui.palette import GLYPHS
from dagtui.tui.screens.dialogs import Choice
from dagtui.tui.sheet import fit, wrapped

if TYPE_CHECKING:
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched

_EXAMPLES = 3
_LABEL = 17
_WIDTH = 96  # as in the style sheet
_GLYPHS = {"done": (GLYPHS[State.SUCCEEDED], "$state-done"), "failed": (GLYPHS[State.FAILED], "$state-failed")}
_COLORS = {"done": "$state-done", "failed": "$state-failed", "money": "$money", "warn": "$warning", "dim": "$dim"}


class PilotScreen(ModalScreen[str]):
    """Answers with `y` (go on), `d` (end here), `E` (edit), or an empty string to look around. `edits`: whether an
    edit can be made here.
    """

    CSS_PATH = "../styles/edit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer('y')", "Go on", key_display="y", id="pilot.go-on"),
        Binding("n,d", "answer('d')", "End here", key_display="n", id="pilot.end"),
        Binding("E", "answer('E')", "Edit and continue", id="pilot.edit"),
        Binding("escape", "answer('')", "Look around", id="pilot.look"),
    ]

    def __init__(self, session: Watched, *, edits: bool) -> None:
        super().__init__()
        self._session = session
        self._edits = edits
        self._examples: Sequence[Compared] = ()

    def compose(self) -> ComposeResult:
        """The figures, some answers, the keys."""
        panel = VerticalScroll(id="pilot")
        panel.border_title = "pilot"
        panel.border_subtitle = cast("str", self._keys())  # where it stays in view, however low the terminal is
        with panel:
            yield Static(self._summary(), id="pilot-text")

    def on_mount(self) -> None:
        """What was in flight at the gate may still end."""
        self.set_interval(0.5, self._look)
        self.run_worker(self._find_examples(), group="examples")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An edit can only be made where a run can be gone on with."""
        return self._edits or parameters != ("E",)

    def action_answer(self, key: str) -> None:
        """Decide."""
        self.dismiss(key)

    async def _find_examples(self) -> None:
        if self._session.journal_path is None:
            return
        try:
            editing = await self._dagtui.desk.editing(self._dagtui.plan, self._session)
        except DagtuiError:
            return  # the figures do without
        rows = editing.compared([])
        self._examples = [rows[place * len(rows) // _EXAMPLES] for place in range(min(_EXAMPLES, len(rows)))]
        self._look()

    def _look(self) -> None:
        self.query_one("#pilot-text", Static).update(self._summary())

    def _summary(self) -> Content:
        snapshot = self._session.snapshot()
        room = min(_WIDTH, self._dagtui.size.width) - 6  # a scroll bar takes two
        parts: list[Content | str | tuple[str, str]] = [
            (line + "\n", "$foreground bold") for line in wrapped(_first(snapshot), room)
        ]
        parts.append("\n")
        for label, words, role in pilot_rows(snapshot):
            color = _COLORS.get(role.rstrip("+"), "$foreground") + (" bold" if role.endswith("+") else "")
            glyph, glyph_color = _GLYPHS.get(label, (" ", "$dim"))
            parts += [(f"{glyph} ", glyph_color), (f"{label:<{_LABEL - 2}}", "$dim")]
            parts.append((f"\n{' ' * _LABEL}".join(wrapped(words, room - _LABEL)) + "\n", color))
        if self._examples:
            parts.append("\n")
        for row in self._examples:
            name = one_line(row.record_id, _LABEL - 1)
            parts += [(f"{fit(name, _LABEL - 1)} ", "$dim"), f"{fit(row.old.gist, room - _LABEL).rstrip()}\n"]
        return Content.assemble(*parts)

    def _keys(self) -> Content:
        choices = [Choice("y", "go on"), Choice("n", "end here")]
        choices += [Choice("E", "edit")] if self._edits else []
        choices += [Choice("Esc", "look around")]
        return Content.assemble(
            *(
                part
                for choice in choices
                for part in ((f" {choice.key} ", "$accent bold"), (f"{choice.words}  ", "$foreground"))
            )
        )

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]


def _first(snapshot: Snapshot) -> str:
    counts = snapshot.counts
    of = "" if counts.total is None else f" of {count(counts.total)}"
    told = f"The first {count(counts.ended)}{of} requests have ended"
    if counts.in_flight:
        told += f", {count(counts.in_flight)} are in flight"
    return f"{told}. Nothing more is sent until you say so."
