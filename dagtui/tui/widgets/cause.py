"""One group of what goes wrong: an example in full, what it means, what to do, and who is in it now."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from dagtui.core.causes import Group
from dagtui.core.figures import count, kind_words
from dagtui.core.remedies import advice, meaning
from dagtui.core.snapshot import Snapshot
from dagtui.core.store import RequestStore
from dagtui.tui.palette import GLYPHS, STATE_ROLES, State
from dagtui.tui.sheet import BLANK, Line, Sheet, Span, cut, fit, spread, wrapped
from dagtui.tui.widgets.columns import fitting, header, row
from dagtui.tui.widgets.heading import PHASES
from dagtui.tui.widgets.panel import Panel

_LABELS = 12


class TriageHeading(Panel):
    """The run in one line: which it is, its phase, and how many have failed or wait."""

    title = ""

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The title at the left, figures at the right."""
        snapshot = self.snapshot
        return () if snapshot is None else (spread(((self.title, "accent+"),), _figures(snapshot), width),)


def _figures(snapshot: Snapshot) -> Line:
    counts = snapshot.counts
    words, role = PHASES[snapshot.phase]
    digits = len(count(counts.total or 0))
    spans: list[Span] = [(f"{words:<12}", role)]
    for state, number, word in (
        (State.FAILED, counts.failed, "failed"),
        (State.WAITING, counts.waiting, "waiting"),
    ):
        spans += [(f"   {GLYPHS[state]} ", STATE_ROLES[state] if number else "dim")]
        spans += [(f"{count(number):>{digits}}", "text+" if number else "dim"), (f" {word}", "dim")]
    return tuple(spans)


class GroupSheet(Sheet):
    """The group under the cursor, in words."""

    group: Group | None = None
    _chosen: int | None = None
    _place: tuple[int, int] = (0, 0)
    _ended = False

    def __init__(self) -> None:
        super().__init__(id="cause", classes="panel")
        self.store = RequestStore(("",))

    def show(
        self, store: RequestStore, group: Group | None, members: MembersSheet, *, ended: bool = False
    ) -> None:
        """Show `group`, and who of `members` is chosen; what to do is another thing when the run has `ended`."""
        self.store, self.group, self._ended = store, group, ended
        self._chosen, self._place = members.chosen, members.place
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The example; then, as far as there is room, what it means, what to do, and the figures."""
        group = self.group
        if group is None:
            self.entitle("")
            return ()
        self.entitle(f"{kind_words(group.kind)}{f' · {group.status}' if group.status else ''}")
        message = group.example.message
        todo = _labelled(
            "to do", advice(group.kind, message, ended=self._ended and bool(group.failed)), width, "accent"
        )
        means = _labelled("it means", meaning(group.kind, message), width)
        figures = [cut((*_label("so far"), (_so_far(group, width - _LABELS - 2), "text")), width)]
        now = [cut((*_label("in it now"), *self._now()), width)]
        example = wrapped(" ".join(message.split()), width)
        room = height - 1 - min(3, len(example))  # of the message, so much before all else
        kept = {id(part): False for part in (todo, now, means, figures)}
        for part in (todo, now, means, figures):
            if len(part) <= room:
                kept[id(part)] = True
                room -= len(part)
        most = min(3, len(example)) + max(0, room)
        if len(example) > most:
            example = [*example[: most - 1], fit(f"{example[most - 1]} {example[most]}", width)]
        lines: list[Line] = [self._example(group, width), *(((line, "text"),) for line in example)]
        for part in (means, todo, figures, now):
            lines += part if kept[id(part)] else ()
        return lines

    def _example(self, group: Group, width: int) -> Line:
        told = f"{self._request(group.example.seq)}, try {count(group.example.attempt)}"
        return cut((*_label("for example"), (fit(told, max(0, width - _LABELS - 2)).rstrip(), "text+")), width)

    def _request(self, seq: int) -> str:
        if seq >= len(self.store):
            return "a request"
        question = f" · {self.store.dimension(seq)}" if len(self.store.dimensions) > 1 else ""
        return f"{self.store.record_id(seq)}{question}"

    def _now(self) -> Line:
        place, total = self._place
        if self._chosen is None:
            return (("nobody: whoever met it went on", "dim"),)
        return (
            ("‹ ", "accent"),
            (f"{count(place + 1):>{len(count(total))}} of {count(total)}", "text+"),
            (" ›  ", "accent"),
            (fit(self._request(self._chosen), 80).rstrip(), "text"),
        )


class MembersSheet(Sheet):
    """The requests that are in the group now. Who of them is chosen it knows also where it is not to be seen."""

    def __init__(self) -> None:
        super().__init__(id="members", classes="panel")
        self.store = RequestStore(("",))
        self.seqs: Sequence[int] = ()
        self.chosen: int | None = None
        self._top = 0

    def show(self, store: RequestStore, seqs: Sequence[int]) -> None:
        """Show the requests `seqs` (ascending). The chosen one stays, or the one after it is chosen."""
        self.store, self.seqs = store, seqs
        self.chosen = seqs[min(self.place[0], len(seqs) - 1)] if seqs else None
        self.repaint()

    def choose(self, steps: int) -> None:
        """The next one, or with a negative number an earlier one."""
        if self.seqs:
            self.chosen = self.seqs[max(0, min(self.place[0] + steps, len(self.seqs) - 1))]
            self.repaint()

    def forget(self) -> None:
        """Another group: begin at its first."""
        self.chosen, self._top = None, 0

    @property
    def place(self) -> tuple[int, int]:
        """Where the chosen one stands, and among how many."""
        return (0 if self.chosen is None else bisect_left(self.seqs, self.chosen)), len(self.seqs)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The titles, then as many requests as fit around the chosen one."""
        place, total = self.place
        self.entitle(f"{count(total)} in it now", f"{count(place + 1)} of {count(total)}" if total else "")
        if not total:
            return [BLANK, (("nobody: whoever met it went on", "dim"),)]
        rows = max(1, height - 1)
        self._top = max(0, min(self._top, total - rows))
        self._top = max(min(self._top, place), place - rows + 1)
        columns = fitting(width - 1, len(self.store.dimensions))
        shown = range(self._top, min(self._top + rows, total))
        marks = ("@" if position == place else "" for position in shown)
        return [
            header(columns),
            *(
                row(self.store, self.seqs[position], columns, mark)
                for position, mark in zip(shown, marks, strict=True)
            ),
        ]


def _label(text: str) -> Line:
    return ((f"{text:<{_LABELS}}  ", "dim"),)


def _labelled(text: str, words: str, width: int, role: str = "text") -> list[Line]:
    first, *rest = wrapped(words, max(16, width - _LABELS - 2))
    return [(*_label(text), (first, role)), *((*_label(""), (line, role)) for line in rest)]


def _so_far(group: Group, width: int) -> str:
    """What became of the attempts, and in `width` cells where they stand now, as far as there is room for both."""
    retries = f"{count(group.retries)} {'retry' if group.retries == 1 else 'retries'}"
    now = f"now {count(group.failed)} failed, {count(group.waiting)} waiting"
    ended = f"{retries}, {count(group.failures)} given up"
    return f"{ended}; {now}" if len(f"{ended}; {now}") <= width else ended
