"""An edit tried on some records: old and new side by side, what the difference comes to, and how to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from dagtui.core.edit import Asked
from dagtui.core.errors import DagtuiError
from dagtui.core.preview import Answered
from dagtui.core.text import one_line
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.sheet import Sheet
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.previewed import PreviewRows, PreviewSums, PreviewTitle

if TYPE_CHECKING:
    from dagtui.core.contract import Stale
    from dagtui.editing import Editing
    from dagtui.plan import Plan
    from dagtui.previewing import Tried
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched


class PreviewScreen(FittedScreen):
    """Shows what `edits` make of the sample of `editing`; with `ask`, it asks at once. When it is left, `chosen`
    is the plan to go on with and what becomes of the answers so far; None goes back to the edit.
    """

    CSS_PATH = "../styles/edit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "choose('keep')", "Go on with what is left", id="preview.rest"),
        Binding("a", "choose('redo')", "Ask all again", id="preview.all"),
        Binding("p,f5", "ask", "Preview", key_display="p", id="preview.ask"),
        Binding("escape", "leave", "Back", id="preview.back"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="preview.help"),
    ]

    def __init__(self, editing: Editing, edits: Sequence[Asked], session: Watched, *, ask: bool) -> None:
        super().__init__()
        self.editing = editing
        self.edits = edits
        self.session = session
        self.chosen: tuple[Plan, Stale] | None = None
        self.rows = editing.compared(edits)
        self.tried: Tried | None = None
        self.asking = False
        self._ask = ask
        self._choosing = False

    def compose(self) -> ComposeResult:
        """What was edited, the answers side by side, the sums."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield PreviewTitle(self)
        with VerticalScroll(id="preview-rows-around"):
            yield PreviewRows(self)
        yield PreviewSums(self)
        yield Keys()

    def on_mount(self) -> None:
        """Ask at once, if that was the key."""
        self.query_one("#preview-rows-around").focus()
        if self._ask and self.rows:
            self.action_ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to ask where nothing is answered, and nothing again while it is under way."""
        return bool(self.rows) and not self.asking if action == "ask" else True

    def action_ask(self) -> None:
        """Ask the sample with the edit."""
        self.asking, self.tried = True, None
        self.rows = [replace(row, new=None) for row in self.rows]
        self._repaint()
        self.refresh_bindings()
        self.run_worker(self._preview(), group="preview", exclusive=True)

    async def _preview(self) -> None:
        try:
            self.tried = await self.editing.preview(self.edits, self._answered)
            if self.tried.problem:
                self._notify(self.tried.problem)
        except DagtuiError as error:
            self._notify(str(error))
        finally:
            self.asking = False
        self._repaint()
        self.refresh_bindings()

    def _answered(self, place: int, answer: Answered) -> None:
        self.rows[place] = replace(self.rows[place], new=answer)
        self._repaint()

    def action_choose(self, stale: Stale) -> None:
        """Go on with the edit: for what is left only (`keep`), or for all (`redo`)."""
        if not self._choosing:
            self._choosing = True
            self.run_worker(self._choose(stale), group="choose")

    async def _choose(self, stale: Stale) -> None:
        try:
            plan = await asyncio.to_thread(self.editing.plan, self.edits)
        except DagtuiError as error:
            self._notify(str(error))
            self._choosing = False
            return
        self.chosen = plan, stale
        self.dismiss(None)

    def action_leave(self) -> None:
        """Back to the edit; what is asked is abandoned."""
        self.dismiss(None)

    def _notify(self, told: str) -> None:
        self.notify(one_line(told, 400), title="Preview", severity="error", markup=False, timeout=15)

    def _repaint(self) -> None:
        for sheet in self.query(Sheet):
            sheet.repaint()

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]
