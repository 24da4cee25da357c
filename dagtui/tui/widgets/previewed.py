"""What a preview shows: the edits, old and new answers side by side, and what the difference comes to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from textual.geometry import Size

from dagtui.core.edit import told
from dagtui.core.figures import UNKNOWN, count, money
from dagtui.core.preview import Change, Compared, Difference, difference
from dagtui.core.snapshot import Counts
from dagtui.core.store import State
from dagtui.tui.sheet import BLANK, Line, Sheet, fit, length, spread, whole
from dagtui.tui.words import some
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.tui.screens.preview import PreviewScreen

_CHANGES: dict[Change, tuple[str, str]] = {
    "same": ("= same", "dim"),
    "words": ("≈ words", "text"),
    "other": ("≠ other", "warn+"),
    "failed": ("✖ failed", "failed+"),
}
_MONEY, _CHANGE = 9, 9


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
        columns = _Columns(width, several=len({row.question for row in rows}) > 1)
        heads = ("record", "question", "now", "with the edit")
        left = "".join(f"{fit(word, cells)} " for word, cells in zip(heads, columns.texts, strict=True) if cells)
        now = f"{'now':>{_MONEY}} " if columns.old else ""
        head = f"{left}{fit('', _CHANGE)}{now}{'edit':>{_MONEY}}"
        return ((head, "dim"),), *(self._row(row, columns) for row in rows)

    def _row(self, row: Compared, columns: _Columns) -> Line:
        record, question, old, new = columns.texts
        change, role = _CHANGES[row.change] if row.change else ("", "dim")
        if row.new is None and self._of.asking:
            change, role = "● asked", "running"
        after = row.new
        name = ((f"{fit(row.question, question)} ", "dim"),) if question else ()
        before = ((f"{fit(row.old.gist, old)} ", "dim"),) if old else ()
        cost = ((f"{_cell(row.old.cost)} ", "money"),) if old else ()
        return (
            (f"{fit(row.record_id, record)} ", "text+"),
            *name,
            *before,
            (f"{fit(after.gist if after else '', new)} ", "failed" if after and after.problem else "text"),
            (fit(change, _CHANGE), role),
            *cost,
            (_cell(after.cost) if after else " " * _MONEY, "money+"),
        )


class _Columns:
    """How wide what is; where room is short, the old answer and its cost give way: the change tells of them."""

    def __init__(self, width: int, *, several: bool) -> None:
        record = 16 if width >= 110 else 11
        question = (12 if width >= 70 else 8) if several else 0
        self.old = 0
        room = width - record - 1 - (question + 1 if question else 0) - _CHANGE - _MONEY - 1
        if width >= 70:
            room -= _MONEY + 2
            self.old = room // 2
        self.texts = (record, question, self.old, room - self.old)


class PreviewSums(_Part):
    """What the difference comes to, for each way to go on."""

    def __init__(self, of: PreviewScreen) -> None:
        super().__init__(of, "preview-sums")

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A request; the rest; all of it; the preview itself."""
        self.entitle("what it comes to")
        of, counts = self._of, self._of.session.snapshot().counts
        apart = difference(of.rows)
        left, paid = _left(counts), self._paid_again()
        whole_again = None if left is None else left + paid
        again = f"{some(paid, 'answer')} paid again"
        return (
            _each(apart, width),
            _way("c", "what is left", (left, left, counts.total), apart, width, ""),
            _way("a", "all again", (left, whole_again, counts.total), apart, width, again),
            self._own(width),
        )

    def _own(self, width: int) -> Line:
        of = self._of
        most = of.editing.at_most(of.edits)
        bound = f"at most {money(most)}" if most is not None else "a price that is not known"
        if of.tried is not None:
            told = (money(of.tried.spent), f" of {bound}")
        elif of.asking:
            told = ("asking", f" for {bound}")
        else:
            told = ("not asked", f"; p asks for {bound}") if of.rows else ("nothing to ask", "")
        label = (("  ", "text"), (f"{'this preview':<14}", "dim"), (told[0], "text"))
        return whole(width, label, ((told[1], "text"),), ((", no part of the run", "dim"),))

    def _paid_again(self) -> int:
        """Answers to questions that the edits concern."""
        states, width = bytes(self._of.session.store.state), len(self._of.session.dimensions)
        affected = self._of.editing.affected(self._of.edits)
        return sum(states[position::width].count(State.SUCCEEDED) for position in affected)


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
