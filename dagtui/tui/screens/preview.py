"""An edit tried on some records: old and new side by side, what the difference comes to, and how to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size

from dagtui.core.edit import Asked, told
from dagtui.core.errors import DagtuiError
from dagtui.core.figures import UNKNOWN, count, money
from dagtui.core.preview import Answered, Change, Compared, Difference, difference
from dagtui.core.snapshot import Counts
from dagtui.core.text import one_line
from dagtui.tui.screens.fitted import FittedScreen
from dagtui.tui.sheet import BLANK, Line, Sheet, fit, length, spread, whole
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.words import some
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.core.contract import Stale
    from dagtui.editing import Editing, Tried
    from dagtui.plan import Plan
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched

_CHANGES: dict[Change, tuple[str, str]] = {
    "same": ("= same", "dim"),
    "words": ("≈ words", "text"),
    "other": ("≠ other", "warn+"),
    "failed": ("✖ failed", "failed+"),
}
_MONEY, _CHANGE = 9, 9


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
        self.rows = editing.compared
        self.tried: Tried | None = None
        self.asking = False
        self._ask = ask
        self._choosing = False

    def compose(self) -> ComposeResult:
        """What was edited, the answers side by side, the sums."""
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


class _Part(Sheet):
    """A part of the preview; `of` has what is shown."""

    def __init__(self, of: PreviewScreen, name: str) -> None:
        super().__init__(id=name)
        self._of = of


class PreviewTitle(_Part):
    """Which run it is, and what was edited."""

    def __init__(self, of: PreviewScreen) -> None:
        super().__init__(of, "preview-title")

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The run's title and the edits."""
        editing = self._of.editing
        right = f"preview of revision {editing.revision}"
        title = fit(own_title(self._of.session.title), max(0, width - len(right) - 2)).rstrip()
        edits = "; ".join(told(editing.questions, self._of.edits))
        return (
            spread(((title, "accent+"),), ((right, "text+"),), width),
            ((fit(edits, width).rstrip(), "warn"),),
        )


class PreviewRows(_Part):
    """A line for each question of each record."""

    def __init__(self, of: PreviewScreen) -> None:
        super().__init__(of, "preview-rows")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A heading and the rows, or a sentence."""
        return 1 + max(1, len(self._of.rows))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Old and new, and what each cost."""
        rows = self._of.rows
        there = sum(row.new is not None for row in rows)
        self.entitle("old and new", f"{there} of {len(rows)}")
        if not rows:
            return (BLANK, (("nothing is answered yet that could be asked again", "dim"),))
        record = 16 if width >= 110 else 11
        several = len({row.question for row in rows}) > 1
        question = 12 if several else 0
        room = width - record - question - _CHANGE - 2 * _MONEY - (5 if several else 4)
        old = room // 2
        heads = (("record", record), ("question", question), ("now", old), ("with the edit", room - old))
        left = "".join(f"{fit(word, cells)} " for word, cells in heads if cells)
        head = f"{left}{fit('', _CHANGE)}{'now':>{_MONEY}} {'edit':>{_MONEY}}"
        return ((head, "dim"),), *(self._row(row, record, question, old, room - old) for row in rows)

    def _row(self, row: Compared, record: int, question: int, old: int, new: int) -> Line:
        change, role = _CHANGES[row.change] if row.change else ("", "dim")
        if row.new is None and self._of.asking:
            change, role = "● asked", "running"
        after = row.new
        name = ((f"{fit(row.question, question)} ", "dim"),) if question else ()
        return (
            (f"{fit(row.record_id, record)} ", "text+"),
            *name,
            (f"{fit(row.old.gist, old)} ", "dim"),
            (f"{fit(after.gist if after else '', new)} ", "failed" if after and after.problem else "text"),
            (fit(change, _CHANGE), role),
            (f"{_cell(row.old.cost)} ", "money"),
            (_cell(after.cost) if after else " " * _MONEY, "money+"),
        )


class PreviewSums(_Part):
    """What the difference comes to, for each way to go on."""

    def __init__(self, of: PreviewScreen) -> None:
        super().__init__(of, "preview-sums")

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A request; the rest; all of it; the preview itself."""
        self.entitle("what it comes to")
        of, counts = self._of, self._of.session.snapshot().counts
        apart = difference(of.rows)
        left, again = _left(counts), f"{some(counts.succeeded, 'answer')} paid again"
        return (
            _each(apart, width),
            _way("c", "what is left", (left, left, counts.total), apart, width, ""),
            _way("a", "all again", (left, counts.total, counts.total), apart, width, again),
            self._own(width),
        )

    def _own(self, width: int) -> Line:
        of = self._of
        most = of.editing.at_most(of.edits)
        bound = f" of at most {money(most)}" if most is not None else ""
        if of.tried is not None:
            spent = f"{money(of.tried.spent)}{bound}, no part of the run"
        elif of.asking:
            spent = f"asking{bound}, no part of the run"
        else:
            spent = f"not asked; p asks{bound.replace(' of', ' for')}" if of.rows else "nothing to ask"
        return whole(width, (("  ", "text"), (f"{'this preview':<14}", "dim"), (spent, "text")))


def _left(counts: Counts) -> int | None:
    """Requests that have no answer when what is in flight is finished."""
    return None if counts.total is None else max(0, counts.total - counts.succeeded - counts.in_flight)


def _each(apart: Difference | None, width: int) -> Line:
    label = (("  ", "text"), (f"{'a request':<14}", "dim"))
    if apart is None:
        return whole(width, (*label, (UNKNOWN, "dim")))
    share = f"{100 * (apart.new - apart.old) / apart.old:+.1f}%" if apart.old else ""
    return whole(width, (*label, (f"{money(apart.old)} -> {money(apart.new)}   ", "money")), ((share, "text+"),))


def _way(
    key: str,
    words: str,
    numbers: tuple[int | None, int | None, int | None],
    apart: Difference | None,
    width: int,
    note: str,
) -> Line:
    """One way to go on: requests, dollars as before and with the edit, and the difference.

    `numbers` are the requests that are to come without an edit, with it, and all that there are.
    """
    old, new, total = numbers
    requests = f"{'~' + count(new):>{len(count(total)) + 1}} requests   "
    head: Line = ((f"{key} ", "accent+"), (f"{words:<14}", "text+"), (requests, "text"))
    if apart is None or old is None or new is None:
        return whole(width, head, ((note, "dim"),))
    more = apart.times(old, new)
    sign = "+" if more >= 0 else "-"
    sums = f"~{money(apart.old * old)} -> ~{money(apart.new * new)}   "
    line: Line = (*head, (sums, "money"))
    if length(line) > width - 14:  # the difference matters more than what it is made of
        line = head
    return whole(width, (*line, (f"{sign}{money(abs(more))}   ", "money+")), ((note, "dim"),))


def _cell(cost: Decimal | None) -> str:
    return f"{money(cost):>{_MONEY}}"
