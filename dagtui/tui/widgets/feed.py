"""The log of retries and failures: the newest at the bottom, read from the session's ring."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType

from dagtui.core.figures import count, kind_words
from dagtui.core.snapshot import LogEntry
from dagtui.tui.palette import LEVELS
from dagtui.tui.sheet import Line, Sheet, Span, cut, fit
from dagtui.tui.words import again, some

_WHOLE = 4000  # cells of a line that is copied


class Feed(Sheet, can_focus=True):
    """Shows the end of the log, or, once scrolled back, keeps what is read where it is while more arrives."""

    number = 5

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "back(1)", "Back", show=False, id="log.back"),
        Binding("down,j", "back(-1)", "Forward", show=False, id="log.forward"),
        Binding("pageup", "page(1)", "Page back", show=False, id="log.page-back"),
        Binding("pagedown", "page(-1)", "Page forward", show=False, id="log.page-forward"),
        Binding("home", "oldest", "Oldest line", show=False, id="log.oldest"),
        Binding("end", "newest", "Newest line", show=False, id="log.newest"),
        Binding("y", "copy", "Copy the lowest line in view", show=False, id="log.copy"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.log_ring: deque[LogEntry] = deque()
        self.failures_only = False
        self.behind = 0
        self._seen = 0
        self._failed = 0
        self._trouble: str = ""
        self._failures: deque[LogEntry] = deque(maxlen=10_000)

    def show(self, ring: deque[LogEntry], appended: int, trouble: str = "") -> None:
        """Show `ring`, to which `appended` entries were ever added; `trouble` sums up in the title."""
        if ring is not self.log_ring or appended < self._seen:
            self.log_ring, self._seen, self.behind, self._failed = ring, 0, 0, 0
            self._failures.clear()
        fresh = min(appended - self._seen, len(ring))
        if not fresh and trouble == self._trouble:
            return
        self._seen, self._trouble = appended, trouble
        newest = list(islice(reversed(ring), fresh))
        failures = [entry for entry in reversed(newest) if entry.level == "failure"]
        self._failures.extend(failures)
        self._failed += len(failures)
        if self.behind:
            self.behind += len(failures) if self.failures_only else fresh
        self.repaint()

    def toggle_failures(self) -> None:
        """Show failures only, or everything."""
        self.failures_only = not self.failures_only
        self.behind = 0
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The last lines of what is chosen, less those scrolled back."""
        entries = self._entries
        self.behind = max(0, min(self.behind, len(entries) - height))
        shown = list(islice(reversed(entries), self.behind, self.behind + height))
        self._entitle()
        if not shown:
            return [(("nothing failed so far" if self.failures_only else "nothing to tell yet", "dim"),)]
        return [_line(entry, width) for entry in reversed(shown)]

    def action_back(self, lines: int) -> None:
        """Scroll towards older lines."""
        self.behind = max(0, self.behind + lines)
        self.repaint()

    def action_page(self, pages: int) -> None:
        """Scroll by what is in view."""
        self.action_back(pages * max(1, self.size.height - 1))

    def action_oldest(self) -> None:
        """To the first line that is kept."""
        self.action_back(len(self._entries))

    def action_newest(self) -> None:
        """To the end, and stay there."""
        self.action_back(-self.behind)

    def action_copy(self) -> None:
        """Copy the lowest line in view, whole."""
        for entry in islice(reversed(self._entries), self.behind, self.behind + 1):
            whole = "".join(text for text, _ in _line(entry, _WHOLE))
            self.app.copy_to_clipboard(" ".join(whole.split()))  # pyright: ignore[reportUnknownMemberType]

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by three."""
        event.stop()
        self.action_back(3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by three."""
        event.stop()
        self.action_back(-3)

    def _entitle(self) -> None:
        """What is shown and how much of it there is."""
        number = self._failed if self.failures_only else self._seen
        lines = some(number, "failure" if self.failures_only else "line") if number else ""
        title = f"log · {'failures' if self.failures_only else 'all'}"
        self.entitle(
            f"{title} · {self._trouble}" if self._trouble else title,
            f"{count(self.behind)} newer below" if self.behind else lines,
        )

    @property
    def _entries(self) -> deque[LogEntry]:
        return self._failures if self.failures_only else self.log_ring


def _line(entry: LogEntry, width: int) -> Line:
    glyph, role = LEVELS[entry.level]
    stamp = time.strftime("%H:%M:%S", time.localtime(entry.time))
    head: list[Span] = [(f"{stamp} ", "dim"), (f"{glyph} ", role)]
    if not entry.record_id:
        return cut((*head, (fit(entry.text, width - 11).rstrip(), "text")), width)
    status = str(entry.status) if entry.status else ""
    kind = kind_words(entry.kind) if entry.kind else ""
    roomy = width >= 90
    head += [(fit(entry.record_id, 14 if roomy else 10) + " ", "text")]
    head += [(f"{status:>3} ", role), (f"{kind:<16} ", role)]
    head += [(f"try {entry.attempt:<2} ", "dim")]
    wait = _wait(entry)
    head += [(fit(wait, max(20 if roomy else 8, cell_len(wait))) + " ", "waiting")]
    room = width - sum(cell_len(text) for text, _ in head)
    said = fit(entry.text, room).rstrip() if room >= 8 else ""
    return cut((*head, (said, "dim" if entry.level == "retry" else "text")), width)


def _wait(entry: LogEntry) -> str:
    if entry.wait is None:
        return "given up" if entry.level == "failure" else ""
    return again(entry.wait, entry.wait_reason)
