"""The line that the requests are filtered by, with the requests in view narrowing down as it is typed."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Input, Static

from dagtui.core.query import EXAMPLES, BadQuery
from dagtui.core.text import visible
from dagtui.tui.screens.dialogs import Entry
from dagtui.tui.widgets.requests import RequestsTable

_LOOK = 0.1  # seconds between two looks at how many there are


class FilterEntry(Entry):
    """Filters `table` while one types. Enter keeps that, Esc puts back what was."""

    CSS_PATH = "../styles/filtering.tcss"

    def __init__(self, table: RequestsTable) -> None:
        self._before = table.query_text
        super().__init__("filter ▸ ", self._before, "")
        self._table = table
        self._problem = ""

    def on_mount(self) -> None:
        """How many match may take a moment to find out, and changes as the run goes on."""
        self.set_interval(_LOOK, self._tell)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try what is there so far."""
        super().on_input_changed(event)
        self._try(event.value)
        self._tell()

    def action_leave(self) -> None:
        """As it was before."""
        self._try(self._before)
        super().action_leave()

    def _answer(self, text: str) -> None:
        self._try(text)
        if not self._problem:
            self.dismiss(text)
            return
        self._refused = (text, self._problem)
        self._tell()

    def _try(self, text: str) -> None:
        try:
            self._table.filter_by(text)
            self._problem = ""
        except BadQuery as problem:
            self._problem = str(problem)

    def _tell(self) -> None:
        for hint in self.query("#entry-hint").results(Static):
            hint.update(self._told(), layout=False)

    def _told(self) -> Content:
        if self._refused[1]:
            return super()._told()
        said = self._problem or f"{self._table.matching} · Enter keeps it · Esc puts back what was"
        return Content(f"{visible(said)}\n" + ("" if self._problem else EXAMPLES))
