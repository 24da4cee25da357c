"""Triage: what goes wrong in a run, grouped by cause, and what to do with all who are in a group."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from dagtui.core.causes import members
from dagtui.core.errors import DagtuiError
from dagtui.core.figures import count
from dagtui.core.store import State
from dagtui.tui.paths import home
from dagtui.tui.screens.dialogs import Choice, Entry, Question, converse
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.widgets.cause import GroupSheet, MembersSheet, TriageHeading
from dagtui.tui.widgets.causes import CausesTable
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.words import some

if TYPE_CHECKING:
    from pathlib import Path

    from dagtui.core.causes import Group
    from dagtui.core.store import RequestStore
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched

POLL = 0.3  # seconds between two looks
_ROWS_PER_SECOND = 500_000  # who is in the group is read off a large store only as often as that allows
_MOST_TOKENS = 1_000_000


class Mending(Protocol):
    """What a run can be asked to do with some of its requests. `Session` says what its members mean."""

    def retry(
        self, seqs: Sequence[int], *, later: bool = False, max_tokens: int | None = None, by: str = "you"
    ) -> int: ...
    def skip(self, seqs: Sequence[int], by: str = "you") -> int: ...
    async def write_out(self, seqs: Sequence[int], path: Path) -> int: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


_NEEDS = {"retry": "retry", "later": "retry", "tokens": "retry", "skip": "skip", "pause": "pause"}
"""By action that changes the run: what the session must be able to do."""
_OF_ONE = frozenset({"retry", "later", "tokens", "skip", "write_out", "inspect", "member"})
"""Actions on those who are in a group now."""


class TriageScreen(FittedScreen):
    """The groups of `session`, live. `steers` tells whether the run takes commands now."""

    CSS_PATH = "../styles/triage.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "Retry now", id="triage.retry"),
        Binding("l", "later", "Retry later", id="triage.later"),
        Binding("m", "tokens", "More tokens", id="triage.tokens"),
        Binding("x", "skip", "Skip", id="triage.skip"),
        Binding("w", "write_out", "Write out", id="triage.write"),
        Binding("p", "pause", "Pause", id="triage.pause"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="view.help"),
        Binding("enter", "inspect", "Inspect", key_display="⏎", id="triage.inspect"),
        Binding("slash", "filter", "Filter", key_display="/", id="triage.filter"),
        Binding("escape,g", "leave", "Back", key_display="esc", id="triage.back"),
        Binding("f", "failures", "Failures only", id="triage.failures"),
        Binding("s", "sort", "Sort", id="triage.sort"),
        Binding("y", "copy", "Copy", id="triage.copy"),
        Binding("tab", "failures", "Failures only", show=False, id="triage.failures-too"),
        Binding("left", "member(-1)", "The request before, of the group", show=False, id="triage.before"),
        Binding("right", "member(1)", "The next request of the group", show=False, id="triage.after"),
        Binding("q", "app.leave", "Quit", show=False, id="triage.quit"),
    ]

    def __init__(self, session: Watched, steers: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.session = session
        self._steers = steers
        self._store: RequestStore | None = None
        self._version = -1  # of the store, when it was looked who is in the group
        self._looked_at = 0.0
        self._allowed: tuple[bool, bool, bool, bool, str] | None = None

    def compose(self) -> ComposeResult:
        """The groups above, the one under the cursor below."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        with Container(id="triage"):
            yield TriageHeading(id="triage-heading")
            yield CausesTable()
            with Container(id="triage-lower"):
                yield GroupSheet()
                yield MembersSheet()
        yield Keys()

    def on_mount(self) -> None:
        """Look, and go on looking."""
        self.query_one(TriageHeading).title = self.session.title
        self._table.focus()
        self.set_interval(POLL, self.poll)
        self.poll()

    def poll(self) -> None:
        """Look at the run once and show what changed."""
        if not self.is_open:
            return
        snapshot, store, causes = self.session.snapshot(), self.session.store, self.session.causes
        self._table.show(causes, snapshot.time)
        now, due = time.monotonic(), self._looked_at + len(store) / _ROWS_PER_SECOND
        if store is not self._store or (store.version != self._version and now >= due):
            self._look_who(now)
        self.query_one(TriageHeading).show(snapshot)
        self._show_group()

    # --- the group under the cursor ---

    @property
    def group(self) -> Group | None:
        """The group under the cursor."""
        return self._table.selected

    def on_causes_table_moved(self, event: CausesTable.Moved) -> None:
        """Another group may be under the cursor."""
        event.stop()
        self._turn_to_group()

    def _turn_to_group(self) -> None:
        self._members.forget()
        self._look_who(time.monotonic())
        self._show_group()

    def _look_who(self, now: float) -> None:
        self._store, self._looked_at = self.session.store, now
        self._version = self._store.version
        self._members.show(self._store, self._in_it())

    def _show_group(self) -> None:
        group = self.group
        phase = self.session.snapshot().phase
        self.query_one(GroupSheet).show(self.session.store, group, self._members, ended=phase == "ended")
        failed = group is not None and group.failed > 0
        waiting = group is not None and group.waiting > 0
        allowed = (self._steers(), bool(self._members.seqs), failed, waiting, phase)
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def _in_it(self, *, failed_only: bool = False) -> Sequence[int]:
        """Who is in the group now."""
        group = self.group
        return () if group is None else members(self.session.store, group.number, failed_only=failed_only)

    def _waiting(self) -> Sequence[int]:
        """Who of the group waits for another attempt."""
        state = self.session.store.state
        return [seq for seq in self._in_it() if state[seq] == State.WAITING]

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what can do nothing."""
        if not self.is_mounted:
            return True
        if action in _OF_ONE - {"inspect"} and not self._members.seqs:
            return None
        if action in ("inspect", "copy") and self.group is None:
            return None
        if action == "later" and not (self.group and self.group.failed):
            return None
        if action == "skip" and not (self.group and self.group.waiting):  # who has failed has its outcome
            return None
        if action == "write_out" and not hasattr(self.session, "write_out"):
            return None
        if action in _NEEDS:
            ended = self.session.snapshot().phase == "ended"
            return True if self._steers() and not ended and hasattr(self.session, _NEEDS[action]) else None
        return True

    def action_retry(self) -> None:
        """Ask all of the group again, those that wait at once."""
        seqs = self._in_it()
        self._do(lambda: self._run.retry(seqs), "asked again")

    def action_later(self) -> None:
        """Ask those that failed again, when the rest is done."""
        seqs = self._in_it(failed_only=True)
        self._do(lambda: self._run.retry(seqs, later=True), "to be asked again when the rest is done")

    def action_tokens(self) -> None:
        """Ask all of the group again, with more tokens."""
        converse(self, "tokens", lambda: self._ask_for_tokens(self._in_it()))

    async def _ask_for_tokens(self, seqs: Sequence[int]) -> None:
        hint = f"Enter asks {some(len(seqs), 'request')} again with so many tokens at most · Esc goes back"
        entry = Entry("max_tokens ▸ ", "", hint, restrict=r"\d{0,7}", refuse=_refuse_tokens)
        answer = await self._dagtui.push_screen_wait(entry)
        if answer is not None:
            tokens = int(answer)
            told = f"asked again, with {count(tokens)} tokens at most"
            self._do(lambda: self._run.retry(seqs, max_tokens=tokens), told)

    def action_skip(self) -> None:
        """Give up all of the group that wait, after asking."""
        converse(self, "skip", lambda: self._ask_to_skip(self._waiting()))

    async def _ask_to_skip(self, seqs: Sequence[int]) -> None:
        text = f"Skip {some(len(seqs), 'request')}? They get no answer, nor does what needs theirs."
        choices = (Choice("y", f"skip {'it' if len(seqs) == 1 else 'them'}"), Choice("n", "leave them"))
        if await self._dagtui.push_screen_wait(Question(text, choices)) == "y":
            self._do(lambda: self._run.skip(seqs), "skipped")

    def action_write_out(self) -> None:
        """Write all of the group to a file that can be run again."""
        if (group := self.group) is not None:
            path = f"failures-{group.kind}.csv"
            converse(self, "write", lambda: self._ask_and_write(self._in_it(), path))

    async def _ask_and_write(self, seqs: Sequence[int], path: str) -> None:
        hint = f"Enter writes the records of {some(len(seqs), 'request')} (.csv, .tsv, .jsonl) · Esc goes back"
        while (answer := await self._dagtui.push_screen_wait(Entry("write out to ▸ ", path, hint))) is not None:
            path = answer
            try:
                rows = await self._run.write_out(seqs, home(path))
            except DagtuiError as error:
                self.notify(str(error), title="Not written", severity="error", markup=False)
                continue
            self.notify(f"{some(rows, 'row')} written to {home(path)}", title="Written out", markup=False)
            return

    def action_pause(self) -> None:
        """Have the run send nothing more, or go on."""
        if self.session.snapshot().phase == "paused":
            self._run.resume()
        else:
            self._run.pause()
        self.poll()

    def action_inspect(self) -> None:
        """All about the chosen request, or the example where nobody is in the group any more."""
        from dagtui.tui.screens.inspector import InspectorScreen  # imported when asked for

        group, chosen = self.group, self._members.chosen
        if group is not None:
            seq = group.example.seq if chosen is None else chosen
            if seq < len(self.session.store):
                self._dagtui.push_screen(InspectorScreen(self.session, seq))

    def action_member(self, steps: int) -> None:
        """Another request of the group."""
        self._members.choose(steps)
        self._show_group()

    def action_filter(self) -> None:
        """Show only groups in whose line some words are."""
        hint = "Enter shows groups with these words: a kind, a status, part of the message · Esc goes back"
        self._dagtui.push_screen(Entry("filter ▸ ", self._table.words, hint), self._filtered)

    def _filtered(self, words: str | None) -> None:
        if words is not None:
            self._table.narrow(words=words)
            self._turn_to_group()

    def action_failures(self) -> None:
        """Groups with failures only, or all."""
        self._table.narrow(failures_only=not self._table.failures_only)
        self._turn_to_group()

    def action_sort(self) -> None:
        """What is open now first, then what was met most often."""
        self._table.sort()
        self._table.repaint()

    def action_copy(self) -> None:
        """The message of the example, for the clipboard."""
        if self.group is not None:
            self._dagtui.copy_to_clipboard(self.group.example.message)

    def action_leave(self) -> None:
        """Show all groups again; if they are shown, back to where triage was asked for."""
        if self._table.words:
            self._table.narrow(words="")
            self._turn_to_group()
        else:
            self.dismiss(None)

    # --- inside ---

    def _do(self, command: Callable[[], int], told: str) -> None:
        """Have the run do it, and say to how many it happened."""
        try:
            number = command()
        except DagtuiError as error:
            self.notify(str(error), title="Not done", severity="error", markup=False)
            return
        self.notify(f"{count(number)} {told}" if number else "nobody was left for that", markup=False, timeout=4)
        self.poll()

    @property
    def _run(self) -> Mending:
        return cast("Mending", self.session)

    @property
    def _table(self) -> CausesTable:
        return self.query_one(CausesTable)

    @property
    def _members(self) -> MembersSheet:
        return self.query_one(MembersSheet)

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]


def _refuse_tokens(text: str) -> str:
    """Why `text` is no number of tokens."""
    if 1 <= int(text) <= _MOST_TOKENS:
        return ""
    return f"max_tokens is a whole number from 1 to {count(_MOST_TOKENS)}, not {count(int(text))}."
