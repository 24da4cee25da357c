"""One request, all of it, while it runs: what became of it and why, and what can be done about it."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from dagtui.core.errors import DagtuiError
from dagtui.core.figures import count
from dagtui.core.inspection import Asked, Inspection, glimpse
from dagtui.core.store import State
from dagtui.core.text import one_line
from dagtui.tui.order import neighbour
from dagtui.tui.outside import show_outside
from dagtui.tui.screens.dialogs import Question
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.screens.inspector_keys import KEYS
from dagtui.tui.screens.meddling import ANOTHER, ANOTHER_ANSWER
from dagtui.tui.screens.saving import ask_and_save, file_name
from dagtui.tui.widgets import inspected as told
from dagtui.tui.widgets.inspected_summary import Summary
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.section import Section
from dagtui.tui.widgets.time_line import attempts

if TYPE_CHECKING:
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched

LOOK = 0.5  # seconds between two looks at a request that goes on

_FLYING, _OPEN = (State.IN_FLIGHT,), (State.QUEUED, State.IN_FLIGHT, State.WAITING)
_ENDED = (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED)
_STEERING: dict[str, tuple[State, ...]] = {
    "retry": _ENDED,
    "abort": _FLYING,
    "skip": _OPEN,
    "hedge": _FLYING,
}
"""The commands of a run that are about single requests, and the states in which they make sense."""


class InspectorScreen(FittedScreen):
    """Shows request `seq` of `session`; `order` are the requests as the table has them, to go through."""

    CSS_PATH = "../styles/inspector.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    def __init__(self, session: Watched, seq: int, order: Sequence[int] | None = None) -> None:
        super().__init__()
        self.session = session
        self.seq = seq
        self._order = order
        self._asked: Asked | None = None
        self._found: Inspection = glimpse(session.store, seq, session.snapshot().time)
        self._seen: tuple[Any, ...] = ()
        self._looking = -1  # the request that a look is under way for

    def compose(self) -> ComposeResult:
        """What became of it, the time line, then the texts in columns where there is room."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield Summary()
        with VerticalScroll(id="inspector", can_focus=False):
            yield Section("attempts", id="inspected-attempts")
            with Container(id="inspector-columns"):
                with Container(classes="inspector-column"):
                    yield Section("answer", id="inspected-answer")
                    yield Section("parsed fields", id="inspected-fields")
                    yield Section("usage and limits", id="inspected-usage")
                    yield Section("trace", id="inspected-trace")
                with Container(classes="inspector-column"):
                    yield Section("prompt", id="inspected-prompt")
                    yield Section("record", id="inspected-record")
                    yield Section("sent to", id="inspected-sent-to")
        yield Keys()

    def on_mount(self) -> None:
        """Show what is known at once, then ask for the rest."""
        self._show()
        self._look_at(self.seq)
        self.set_interval(LOOK, self.look)

    # --- looking ---

    def look(self) -> None:
        """Look again at a request that goes on, or that somebody has asked again."""
        store, seq = self.session.store, self.seq
        seen = (store.state[seq], store.attempts[seq], store.status[seq], store.latency[seq])
        if self._looking != seq and (seen != self._seen or not self._found.settled):
            self._seen, self._looking = seen, seq
            self.run_worker(partial(self._inspect, seq), group="inspect", exclusive=True)

    def _look_at(self, seq: int) -> None:
        self.seq, self._asked, self._seen, self._looking = seq, None, (), -1
        self._found = glimpse(self.session.store, seq, self.session.snapshot().time)
        self._show()
        self.look()
        self.run_worker(partial(self._ask, seq), group="ask", exclusive=True)

    async def _inspect(self, seq: int) -> None:
        try:
            found = await self.session.inspect(seq)
        finally:
            self._looking = -1 if self._looking == seq else self._looking
        if seq == self.seq and self.is_open:
            self._found = found
            self._show()

    async def _ask(self, seq: int) -> None:
        asked = await self.session.asked(seq)
        if seq == self.seq and self.is_open:
            self._asked = asked
            self._show()

    def _show(self) -> None:
        """Have every panel show what is known now; those for which nothing changed stay as they are."""
        found, asked = self._found, self._asked
        verdict = (found.state, found.seq, found.verdict)
        moving = found.time if not found.settled else 0.0
        sections = {section.id: section for section in self.query(Section)}
        sections["inspected-attempts"].show(
            (moving, *verdict, found.exchanges), lambda width: attempts(found, width)
        )
        sections["inspected-answer"].entitle(told.answer_title(found))
        sections["inspected-answer"].show((*verdict, found.trouble), lambda width: told.answer(found, width))
        sections["inspected-fields"].show(verdict, lambda width: told.fields(found, width))
        sections["inspected-usage"].show((*verdict, found.limits), lambda width: told.usage(found, width))
        last = found.exchanges[-1:], found.logs
        sections["inspected-trace"].show((*verdict, *last, asked), lambda width: told.trace(found, asked, width))
        sections["inspected-prompt"].entitle(told.prompt_title(found, asked))
        sections["inspected-prompt"].show((*verdict, asked), lambda width: told.prompt(found, asked, width))
        sections["inspected-record"].show((found.seq, asked), lambda width: told.record(asked, width))
        sections["inspected-sent-to"].show((found.seq, asked), lambda width: told.sent_to(asked, width))
        summary = self.query_one(Summary)
        summary.content = found, asked, self.session.snapshot().counts.total
        summary.repaint()
        self.refresh_bindings()

    # --- going about ---

    def action_leave(self) -> None:
        """Back to where it was opened."""
        self.dismiss(None)

    def action_go(self, steps: int) -> None:
        """To another request, in the order of the table."""
        following = neighbour(self.seq, steps, self._order, len(self.session.store))
        if following is None:
            self._dagtui.bell()
            return
        self._look_at(following)
        self.action_top()

    def action_scroll(self, lines: int) -> None:
        """By lines."""
        self._scroll.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """By what is in view."""
        self._scroll.scroll_relative(y=pages * max(1, self._scroll.size.height - 1), animate=False)

    def action_top(self) -> None:
        """To the top."""
        self._scroll.scroll_home(animate=False)

    def action_bottom(self) -> None:
        """To the end."""
        self._scroll.scroll_end(animate=False)

    # --- taking along ---

    def action_copy_answer(self) -> None:
        """The answer to the clipboard."""
        text = self._answer()
        if text is not None:
            self._copy(text, f"The answer, {count(len(text))} characters,")

    def action_copy_curl(self) -> None:
        """The request as a command."""
        self.run_worker(partial(self._copy_command, self.seq), group="curl", exclusive=True)

    async def _copy_command(self, seq: int) -> None:
        asked = await self.session.asked(seq)  # the last attempt may be another one by now
        if asked.curl:
            advice = f" {asked.advice}" if asked.advice else ""
            self._copy(asked.curl, "The command, with the names of variables for keys,", advice)
        else:
            self._tell("Not copied", asked.trouble)

    def _copy(self, text: str, what: str, more: str = "") -> None:
        self._dagtui.copy_to_clipboard(text)
        tmux = " In tmux that takes: set -s set-clipboard on." if os.environ.get("TMUX") else ""
        self._tell("Copied", f"{what} was copied to the terminal's clipboard.{tmux}{more}", bad=False)

    def action_page_answer(self) -> None:
        """The answer in the pager."""
        if (text := self._answer()) is not None:
            self._outside(told.pretty(text), "pager", "answer.txt")

    def action_page_prompt(self) -> None:
        """The prompt in the pager."""
        if self._asked is None or self._asked.prompt is None:
            self._tell("No prompt", self._asked.trouble if self._asked else "The record is still being read.")
            return
        prompt = self._asked.prompt
        system = f"system:\n{prompt.system}\n\n" if prompt.system else ""
        self._outside(f"{system}user:\n{prompt.user}", "pager", "prompt.txt")

    def action_edit(self) -> None:
        """The answer in the editor; what is changed there is for the user alone."""
        if (text := self._answer()) is not None:
            self._outside(told.pretty(text), "editor", file_name("answer", text))

    def _outside(self, text: str, how: Literal["pager", "editor"], name: str) -> None:
        async def show() -> None:
            if problem := await show_outside(self._dagtui, text, how, name):
                self._tell("Not opened", problem)

        self.run_worker(show, group="outside", exclusive=True)

    def action_save(self) -> None:
        """The answer into a file."""
        if (text := self._answer()) is not None:
            self.run_worker(partial(ask_and_save, self._dagtui, text, file_name(self._found.record_id, text)))

    def action_logs(self) -> None:
        """The gateway's log."""
        if self._found.logs:
            self._dagtui.open_url(self._found.logs)
        else:
            self._tell("No log", "This gateway has no page with its log that is known here; see the trace id.")

    def _answer(self) -> str | None:
        verdict = self._found.verdict
        if verdict is None or verdict.text is None:
            self._tell("No answer", "There is no answer yet." if not self._found.settled else "It has no answer.")
            return None
        return verdict.text

    # --- steering ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what makes no sense for this request now, and leave out what this run cannot do."""
        if action != "steer":
            return True
        name = str(parameters[0])
        if self._command(name) is None:
            return False
        live = self.session.snapshot().phase != "ended"
        return True if live and self._found.state in _STEERING[name] else None

    def action_steer(self, name: str) -> None:
        """Have the run do something about this request."""
        self.run_worker(partial(self._steer, name, self.seq), group="steer")

    async def _steer(self, name: str, seq: int) -> None:
        command = self._command(name)
        if command is None:
            return
        asks = name == "retry" and self._found.state == State.SUCCEEDED
        if asks and await self._dagtui.push_screen_wait(Question(ANOTHER_ANSWER, ANOTHER)) != "y":
            return
        try:
            done = command([seq])
            if inspect.isawaitable(done):
                await done
        except DagtuiError as error:
            self._tell("Not done", str(error))
        self.look()

    def _command(self, name: str) -> Callable[[list[int]], object] | None:
        """The command of a run that takes one; those that only show a run have none."""
        return getattr(self.session, name, None)

    # --- inside ---

    @property
    def _scroll(self) -> VerticalScroll:
        return self.query_one("#inspector", VerticalScroll)

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]

    def _tell(self, title: str, text: str, *, bad: bool = True) -> None:
        severity = "warning" if bad else "information"
        self.notify(one_line(text, 400), title=title, severity=severity, markup=False)
