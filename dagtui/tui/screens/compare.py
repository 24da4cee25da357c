"""Two runs beside each other."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from dagtui.core.compare import Comparison, swapped
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.widgets.compared import AnswersPart, CategoriesPart, CompareTitle, FiguresPart, Part, SettingsPart
from dagtui.tui.widgets.keys import Keys


class CompareScreen(FittedScreen):
    """What was set differently, what came of it, and which answers differ."""

    CSS_PATH = "../styles/runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="compare.back"),
        Binding("x", "swap", "Swap A and B", id="compare.swap"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="compare.help"),
        Binding("q", "app.leave", "Quit", id="compare.quit"),
    ]

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self.comparison = comparison

    def compose(self) -> ComposeResult:
        """The two, then the parts in columns where there is room."""
        told = self.comparison
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield CompareTitle(told)
        with VerticalScroll(id="compare"), Container(id="compare-columns"):
            with Container(classes="compare-column"):
                yield SettingsPart(told)
                yield FiguresPart(told)
            with Container(classes="compare-column"):
                yield CategoriesPart(told)
                yield AnswersPart(told)
        yield Keys()

    def on_mount(self) -> None:
        """Arrow keys scroll at once."""
        self.query_one("#compare").focus()

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss(None)

    def action_swap(self) -> None:
        """The other way round."""
        self.comparison = swapped(self.comparison)
        for part in self.query(Part):
            part.show(self.comparison)
