"""What the list of runs has no room for: a line on all of them, and all about the one under the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dagtui.core.figures import clock, count, money, rate
from dagtui.tui.sheet import Line, Sheet, fit, whole, wrapped
from dagtui.tui.widgets.runs_table import STATES

if TYPE_CHECKING:
    from dagtui.past.runs import RunInfo

_DONE_WITH = {
    "running": "it goes on in another process; Enter watches and steers it",
    "complete": "every request has its answer",
    "partial": "some failed; g asks them again",
    "stopped": "it was ended before all was asked; g goes on with it",
    "killed": "the program was killed; g goes on with it, after saying what may have been billed",
}


class RunsTitle(Sheet):
    """How many runs there are, how they stand and what they cost."""

    def __init__(self) -> None:
        super().__init__(id="runs-title")
        self._infos: Sequence[RunInfo] = ()
        self._busy = ""

    def show(self, infos: Sequence[RunInfo], busy: str = "") -> None:
        """Show what `infos` amount to, and what is being done meanwhile."""
        self._infos, self._busy = infos, busy
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """One line."""
        head: Line = (("runs", "accent+"), ("   ", "text"))
        if self._busy:
            return ((*head, (fit(self._busy, max(0, width - 7)).rstrip(), "warn")),)
        states = Counter(info.state for info in self._infos)
        total = sum((info.spent for info in self._infos if info.spent is not None), Decimal(0))
        groups: list[Line] = [((f"{count(len(self._infos))}   ", "text+"),)]
        for state, (glyph, role) in STATES.items():
            if states[state]:
                groups.append(((f"{glyph} ", role), (f"{count(states[state])} ", "text"), (f"{state}   ", "dim")))
        if total:
            groups.append(((money(total), "money"), (" in all", "dim")))
        return (whole(width, head, *groups),)


class RunDetail(Sheet):
    """The run under the cursor."""

    def __init__(self) -> None:
        super().__init__(id="run-detail")
        self._info: RunInfo | None = None

    def show(self, info: RunInfo | None) -> None:
        """Show `info`."""
        self._info = info
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Its title, the figures that the list may have no room for, and what can be done with it."""
        info = self._info
        self.entitle("" if info is None else info.id)
        if info is None:
            return ()
        if info.problem:
            return [((line, "warn"),) for line in wrapped(info.problem, width)]
        speed = "n/a" if info.rate is None else f"{rate(info.rate)}/s"
        sessions = f"   {info.sessions} sessions" if info.sessions > 1 else ""
        figures = whole(
            width,
            ((f"{info.model}   ", "text"),),
            (("took ", "dim"), (f"{clock(info.elapsed)}   ", "text")),
            (("at ", "dim"), (f"{speed}   ", "text")),
            ((f"{count(info.failed)} ", "text"), ("failed   ", "dim")),
            ((f"{money(info.spent)}", "money"), (sessions, "dim")),
        )
        title = (fit(info.title or info.id, width).rstrip(), "text+")
        return ((title,), figures, ((fit(_DONE_WITH.get(info.state, ""), width).rstrip(), "dim"),))
