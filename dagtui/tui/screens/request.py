"""One request: what the store holds of it, and what the log still says of its attempts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dagtui.core.figures import count, kind_words
from dagtui.core.snapshot import LogEntry
from dagtui.core.store import RequestStore
from dagtui.core.text import one_line, visible
from dagtui.tui.palette import LEVELS
from dagtui.tui.widgets.columns import COLUMNS
from dagtui.tui.widgets.scrolled import Scrolled
from dagtui.tui.words import again

if TYPE_CHECKING:
    from dagtui.watched import Watched

_LABELS = {"try": "attempts", "in": "tokens in", "out": "tokens out"}
_MOST = 50  # attempts that are shown, the last ones
_LOOK = 0.5  # seconds between two looks


class RequestScreen(ModalScreen[None]):
    """Everything that is held of request `seq`, its errors in full."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "leave", "Back", id="request.back"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="app.help"),
    ]

    def __init__(self, session: Watched, seq: int) -> None:
        super().__init__()
        self._session = session
        self._seq = seq
        self._shown = (0, 0)

    def compose(self) -> ComposeResult:
        """The text, in a panel that scrolls."""
        with Scrolled("request", id="request"):
            yield Static(self._text())

    def on_mount(self) -> None:
        """The request may go on."""
        self._shown = self._version()
        self.set_interval(_LOOK, self._look)

    def _look(self) -> None:
        if self._shown != (now := self._version()):
            self._shown = now
            self.query_one(Static).update(self._text())

    def _version(self) -> tuple[int, int]:
        return self._session.store.version, len(self._session.log)

    def _text(self) -> Content:
        """The figures, then what became of each attempt."""
        store, log = self._session.store, self._session.log
        told = attempts(log, store.record_id(self._seq), store.dimension(self._seq))
        return Content.assemble(*_figures(store, self._seq), *_told(told))

    def action_leave(self) -> None:
        """Back to the dashboard."""
        self.dismiss(None)


def attempts(log: Iterable[LogEntry], record_id: str, dimension: str) -> list[LogEntry]:
    """What `log` holds of a request, oldest first."""
    found = [entry for entry in log if entry.record_id == record_id and entry.dimension == dimension]
    return found[-_MOST:]


def _figures(store: RequestStore, seq: int) -> Iterator[Content]:
    for column in COLUMNS:
        value, _ = column.cell(store, seq)
        if value:
            yield Content.styled(f"{_LABELS.get(column.title, column.title):<12}", "$dim")
            yield Content(f"{one_line(value, 400)}\n")


def _told(entries: list[LogEntry]) -> Iterator[Content]:
    if not entries:
        yield Content.styled("\nThe log holds no retry and no failure of it.", "$dim")
    for entry in entries:
        glyph, _ = LEVELS[entry.level]
        stamp = time.strftime("%H:%M:%S", time.localtime(entry.time))
        status = f"{entry.status} " if entry.status else ""
        kind = kind_words(entry.kind) if entry.kind else ""
        color = "$error" if entry.level == "failure" else "$warning"
        yield Content.styled(f"\n{stamp} {glyph} try {count(entry.attempt)}  {status}{kind}", color)
        if entry.wait is not None:
            yield Content.styled(visible(f"  again {again(entry.wait, entry.wait_reason)}"), "$dim")
        yield Content(f"\n{visible(entry.text)}\n")
