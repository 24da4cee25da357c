"""Before a run goes on: what is kept, what is asked again and what that may cost, and the keys that decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.widgets import Static

from dagtui.core.contract import Choices
from dagtui.core.contract_words import contract_rows
from dagtui.core.errors import DagtuiError
from dagtui.core.text import one_line, visible
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.sheet import BLANK, Line, Sheet, fit
from dagtui.tui.widgets.keys import Keys

if TYPE_CHECKING:
    from dagtui.past.resuming import Going
    from dagtui.plan import Plan
    from dagtui.tui.app import DagtuiApp

_ROLES = {"reused": "done+", "failed": "failed+", "stale": "warn+", "perhaps billed": "warn+"}
_KEYS = {"failed": "f", "stale": "s", "perhaps billed": "b"}
_LABELS, _NUMBERS = 15, 9


class ContractScreen(FittedScreen):
    """Shows what going on means, and goes on when told to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,g", "go_on", "Go on", key_display="Enter", id="contract.go"),
        Binding("b", "ambiguous", "Perhaps billed", id="contract.ambiguous"),
        Binding("s", "stale", "Stale", id="contract.stale"),
        Binding("f", "failed", "Failed", id="contract.failed"),
        Binding("escape", "leave", "Back", id="contract.back"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="app.help"),
        Binding("q", "app.leave", "Quit", id="app.quit"),
    ]

    def __init__(self, going: Going, plan: Plan, choices: Choices | None = None) -> None:
        super().__init__()
        self.going = going
        self.plan = plan
        self.choices = choices or going.choices
        self._starting = False

    def compose(self) -> ComposeResult:
        """The rows, and what can be done."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield ContractTitle(self.going)
        with VerticalScroll(id="contract"):
            yield ContractSheet(self.going, self.choices)
        yield Keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what there is nothing to decide about."""
        contract = self.going.contract
        there = {"ambiguous": contract.ambiguous, "stale": contract.stale, "failed": contract.failed}
        return bool(there[action]) if action in there else True

    def action_ambiguous(self) -> None:
        """What may have been billed: ask again, or leave out."""
        self._choose(replace(self.choices, ambiguous="skip" if self.choices.ambiguous == "retry" else "retry"))

    def action_stale(self) -> None:
        """Answers to what would be asked otherwise: ask again, or keep."""
        self._choose(replace(self.choices, stale="keep" if self.choices.stale == "redo" else "redo"))

    def action_failed(self) -> None:
        """What failed: ask again, or leave."""
        self._choose(replace(self.choices, failed="keep" if self.choices.failed == "retry" else "retry"))

    def action_go_on(self) -> None:
        """Open the session, and watch it."""
        if not self._starting:
            self._starting = True
            self._dagtui.run_worker(self._go_on())  # the app's: this screen will be gone in the middle of it

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self._dagtui.leave_contract(self)

    async def _go_on(self) -> None:
        try:
            await self._dagtui.go_on(self.going, self.plan, self.choices)
        except DagtuiError as error:
            self.notify(one_line(str(error), 400), title="Not gone on", severity="error", markup=False, timeout=20)
        finally:
            self._starting = False

    def _choose(self, choices: Choices) -> None:
        self.choices = choices
        self.query_one(ContractSheet).show(choices)

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]


class ContractTitle(Sheet):
    """Which run it is."""

    def __init__(self, going: Going) -> None:
        super().__init__(id="contract-title")
        self._facts = going.past.facts

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The run's name, and that nothing has been sent."""
        title = f"go on with {self._facts.get('id', '')}"
        about = f"{self._facts.get('title', '')}; nothing is sent yet"
        return ((((fit(title, width).rstrip()), "accent+"),), ((fit(about, width).rstrip(), "dim"),))


class ContractSheet(Sheet):
    """A row for each kind of request."""

    def __init__(self, going: Going, choices: Choices) -> None:
        super().__init__(id="contract-rows", classes="report-section")
        self._going = going
        self._choices = choices

    def on_mount(self) -> None:
        """Title it."""
        self.entitle("what going on means")

    def show(self, choices: Choices) -> None:
        """Show what `choices` lead to."""
        self._choices = choices
        self.repaint()
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the words need."""
        return len(self.draw(width, 0))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """What, how many, what becomes of them, and the key that changes that."""
        lines: list[Line] = [BLANK]
        room = max(16, width - _LABELS - _NUMBERS - 8)
        for label, number, fate in contract_rows(self._going.contract, self._choices):
            key = _KEYS.get(label, "")
            first, *rest = wrap(visible(fate), room) or [""]
            head = ((f" {key:<2}", "accent+"), (fit(label, _LABELS), _ROLES.get(label, "text+")))
            lines.append((*head, (f"{number:>{_NUMBERS}}", "text+"), ("   ", "text"), (first, "text")))
            lines += [((" " * (_LABELS + _NUMBERS + 6), "text"), (line, "text")) for line in rest]
        return [*lines, BLANK]
