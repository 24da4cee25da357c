"""A run is edited while it is paused: its prompts, its model and parameters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from dagtui.core.edit import OWN, Asked, Field, read_asked, told
from dagtui.core.errors import DagtuiError
from dagtui.core.figures import money
from dagtui.core.text import one_line, visible
from dagtui.tui.editor import edited
from dagtui.tui.screens.dialogs import Choice, Question
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.widgets.edit_title import EditTitle
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.words import some

if TYPE_CHECKING:
    from dagtui.core.contract import Stale
    from dagtui.editing import Editing
    from dagtui.plan import Plan
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched

_INPUTS: tuple[Field, ...] = ("model", "temperature", "max_tokens")
_TEXTS: tuple[Field, ...] = ("prompt", "system")
_NOTE = 400


class EditScreen(FittedScreen):
    """Edits the run of `plan`. When it is left, `chosen` is the plan to go on with and what becomes of the answers
    so far; None leaves the run as it was.
    """

    CSS_PATH = "../styles/edit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "preview", "Preview", key_display="F5", id="edit.preview", priority=True),
        Binding("f8", "go_on", "Go on without", key_display="F8", id="edit.go-on", priority=True),
        Binding("f9", "next", "Next question", key_display="F9", id="edit.next", priority=True),
        Binding("f4,ctrl+o", "editor", "Editor", key_display="F4", id="edit.editor", priority=True),
        Binding("escape", "leave", "Back", id="edit.back"),
        Binding("tab", "app.focus_next", "Next field", show=False, id="edit.field", priority=True),
        Binding("f1", "app.help", "Help", key_display="F1", id="edit.help", priority=True),
    ]

    def __init__(self, session: Watched, plan: Plan) -> None:
        super().__init__()
        self.session = session
        self.plan = plan
        self.chosen: tuple[Plan, Stale] | None = None
        self.editing: Editing | None = None
        self._drafts: list[dict[Field, str]] = []
        self._loaded: dict[Field, str] = {}  # the texts as the areas gave them back at once: line ends may differ
        self._at = 0
        self._busy = False
        self._refusal = ""

    def compose(self) -> ComposeResult:
        """The fields above, the prompts below, at the end what is wrong and what a preview would cost."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield EditTitle(self.session)
        with Horizontal(id="edit-settings"):
            yield Static("\n".join(_INPUTS), id="edit-labels", markup=False)
            with Container(id="edit-fields"):
                for field in _INPUTS:
                    yield Input(compact=True, id=f"edit-{field}", disabled=True)
            yield Static("", id="edit-notes", markup=False)
        with Container(id="edit-texts"):
            yield Static("reading how this run asks …", id="edit-fixed", markup=False)
            for field in _TEXTS:
                yield TextArea(show_line_numbers=False, tab_behavior="focus", id=f"edit-{field}", disabled=True)
        yield Static("", id="edit-problem", markup=False)
        yield Static("", id="edit-note", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Read the run's task beside the loop; what is in flight goes on meanwhile."""
        for area in self.query(TextArea):
            area.display = False
        self.query_one("#edit-problem").display = False
        self.run_worker(self._load(), group="load")
        self.set_interval(0.5, self.query_one(EditTitle).repaint)

    async def _load(self) -> None:
        try:
            self.editing = await self._dagtui.desk.editing(self.plan, self.session)
        except DagtuiError as error:
            self.query_one("#edit-fixed", Static).update(Content.styled(_told(error), "$error"))
            return
        self._drafts = [asked.typed() for asked in self.editing.questions]
        fixed = self.query_one("#edit-fixed", Static)
        fixed.update(Content(visible(self.editing.fixed)))
        fixed.display = bool(self.editing.fixed)
        self.query_one(EditTitle).revision = self.editing.revision
        self.query_one(EditTitle).repaint()
        self._show()
        self.refresh_bindings()
        self.query_one("#edit-prompt" if not self.editing.fixed else "#edit-model").focus()

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is nothing for is left out."""
        if action == "next":
            return len(self._drafts) > 1
        if action == "editor":
            return self.editing is None or not self.editing.fixed
        return True

    def action_next(self) -> None:
        """The next question of the task."""
        self._go_to((self._at + 1) % len(self._drafts))

    def action_leave(self) -> None:
        """Back to the run, as it was; after asking, where something was edited."""
        if self.editing is not None and self._edits()[0] != list(self.editing.questions):
            self._dagtui.run_worker(self._ask_to_leave())
        else:
            self.dismiss(None)

    async def _ask_to_leave(self) -> None:
        choices = (Choice("y", "throw the edit away"), Choice("n", "keep editing"))
        if await self._dagtui.push_screen_wait(Question("Leave without the edit?", choices)) == "y":
            self.dismiss(None)

    def action_editor(self) -> None:
        """The prompt, or the system prompt if that has the focus, in the user's own editor."""
        field: Field = "system" if self.query("#edit-system:focus") else "prompt"
        if self.editing is not None and not self._busy:
            self._busy = True
            self.run_worker(self._edit_elsewhere(field))

    async def _edit_elsewhere(self, field: Field) -> None:
        try:
            after = await edited(self._dagtui, self._text(field), f"{field}.txt")
            self.query_one(f"#edit-{field}", TextArea).load_text(after)
        except DagtuiError as error:
            self.notify(_told(error), title="Not edited", severity="error", markup=False)
        finally:
            self._busy = False

    def action_preview(self) -> None:
        """Ask some of the answered records again, if nothing is wrong."""
        self._try(ask=True)

    def action_go_on(self) -> None:
        """Choose how to go on, without asking any record again."""
        self._try(ask=False)

    def _try(self, *, ask: bool) -> None:
        if self.editing is not None and not self._busy:
            self._busy = True
            self.run_worker(self._check_and_show(self.editing, ask=ask))

    async def _check_and_show(self, editing: Editing, *, ask: bool) -> None:
        from dagtui.tui.screens.preview import PreviewScreen  # imported when it is wanted

        try:
            edits, wrong = self._edits()
            if wrong:
                self._go_to(self._at if self._at in wrong else next(iter(wrong)))
                self._dagtui.bell()
            elif edits == list(editing.questions):
                self._refuse("nothing is edited yet: change a field, or leave with Esc")
            else:
                await asyncio.to_thread(editing.check, edits)
                screen = PreviewScreen(editing, edits, self.session, ask=ask)
                self._dagtui.push_screen(screen, lambda _: self._previewed(screen.chosen))
        except DagtuiError as error:
            self._refuse(_told(error))
        finally:
            self._busy = False

    def _previewed(self, chosen: tuple[Plan, Stale] | None) -> None:
        if chosen is not None:
            self.chosen = chosen
            self.dismiss(None)

    # --- the form ---

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _changed(self) -> None:
        self._refusal = ""
        self._tell()

    def _show(self) -> None:
        """Put the question's draft into the fields."""
        assert self.editing is not None
        draft, asked = self._drafts[self._at], self.editing.questions[self._at]
        several = f" · {self._at + 1} of {len(self._drafts)}" if len(self._drafts) > 1 else ""
        _entitle(self.query_one("#edit-settings"), f"{asked.name}{several}")
        for field in _INPUTS:
            entry = self.query_one(f"#edit-{field}", Input)
            entry.disabled = False
            entry.value = draft[field]
            entry.placeholder = OWN if asked.prompt is None else ""
        for field in _TEXTS:
            area = self.query_one(f"#edit-{field}", TextArea)
            area.disabled = False
            area.display = asked.prompt is not None
            area.load_text(draft[field])
            self._loaded[field] = area.text
        fields = " ".join(f"{{{one}}}" for one in (*self.editing.columns, *asked.needs))
        _entitle(self.query_one("#edit-prompt"), "prompt", one_line(fields, 200))
        _entitle(self.query_one("#edit-system"), "system")
        self._tell()

    def _text(self, field: Field) -> str:
        """What the field says; untouched, exactly what it was given."""
        if field in _INPUTS:
            return self.query_one(f"#edit-{field}", Input).value
        text = self.query_one(f"#edit-{field}", TextArea).text
        return self._drafts[self._at][field] if text == self._loaded.get(field) else text

    def _go_to(self, place: int) -> None:
        """Show another question; what was typed for this one stays."""
        if place != self._at:
            self._drafts[self._at] = {field: self._text(field) for field in (*_INPUTS, *_TEXTS)}
            self._at = place
            self._show()

    def _edits(self) -> tuple[list[Asked], dict[int, dict[Field, str]]]:
        """The questions as they are edited, and what is wrong by question."""
        assert self.editing is not None
        drafts = list(self._drafts)
        drafts[self._at] = {field: self._text(field) for field in (*_INPUTS, *_TEXTS)}
        read = [
            read_asked(asked, draft, self.editing.columns)
            for asked, draft in zip(self.editing.questions, drafts, strict=True)
        ]
        return [asked for asked, _ in read], {place: wrong for place, (_, wrong) in enumerate(read) if wrong}

    def _tell(self) -> None:
        """Beside each field what is wrong with it, or what it is now; in full what is wrong first."""
        if self.editing is None or not self._drafts:
            return
        edits, problems = self._edits()
        wrong, before = problems.get(self._at, {}), self.editing.questions[self._at].typed()
        notes = [_beside(field, self._text(field), before, wrong, self.editing.fixed) for field in _INPUTS]
        self.query_one("#edit-notes", Static).update(Content("\n").join(notes))
        for field in _TEXTS:
            self.query_one(f"#edit-{field}").set_class(field in wrong, "-wrong")
        problem = next((f"{field}: {sentence}" for field, sentence in wrong.items()), self._refusal)
        line = self.query_one("#edit-problem", Static)
        line.update(Content.styled(f"✖ {one_line(problem, _NOTE)}", "$error"))
        line.display = bool(problem)
        self.query_one("#edit-note", Static).update(Content(self._cost(edits, self.editing, bool(problems))))

    def _cost(self, edits: Sequence[Asked], editing: Editing, wrong: bool) -> str:
        changes = told(editing.questions, edits)
        if wrong or not changes:
            return "nothing is edited yet" if not changes else ""
        number = len(editing.compared(edits))
        if not number:
            return "nothing is answered yet that a preview could compare; F8 goes on with the edit"
        most = editing.at_most(edits)
        price = f"for at most {money(most)}" if most is not None else "at a price that is not known"
        return f"F5 asks {some(number, 'answered request')} again {price}, no part of the run"

    def _refuse(self, problem: str) -> None:
        self._refusal = problem
        self._tell()

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]


def _beside(
    field: Field, text: str, before: Mapping[Field, str], wrong: Mapping[Field, str], fixed: str
) -> Content:
    if field in wrong:
        return Content.styled(f"✖ {one_line(wrong[field], _NOTE)}", "$error")
    own = before[field] or (OWN if fixed else "none")
    return Content("as now" if text == before[field] else one_line(f"{own} now", _NOTE))


def _entitle(widget: object, title: str, subtitle: str = "") -> None:
    """Border texts, literally: Textual would take plain text as markup."""
    setattr(widget, "border_title", Content(visible(title)))  # noqa: B010 - the attribute wants a str
    setattr(widget, "border_subtitle", Content(visible(subtitle)))  # noqa: B010


def _told(error: DagtuiError) -> str:
    return one_line(str(error), _NOTE)
