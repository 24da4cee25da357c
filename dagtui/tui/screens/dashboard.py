"""The run, live: watched, and steered by keys."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from textual.binding import Binding, BindingType

from dagtui.core.errors import ConfigError
from dagtui.core.events import Phase
from dagtui.core.figures import count
from dagtui.core.pilot import at_gate
from dagtui.core.run_settings import MAX_CONCURRENCY
from dagtui.core.snapshot import Snapshot
from dagtui.core.stop_rule import parse_rule
from dagtui.tui.screens.demonstrated import SHOWING
from dagtui.tui.screens.dialogs import Choice, Entry, Question, converse
from dagtui.tui.screens.meddling import MEDDLED, MEDDLING, Meddling
from dagtui.tui.screens.watching import LOOKING
from dagtui.tui.words import drained
from dagtui.watched import Steered

_LIVE: tuple[Phase, ...] = ("ready", "running", "paused", "draining", "cancelling")
STEERED = frozenset(
    {"step", "double", "type_target", "automatic", "pause", "drain", "cancel", "budget", "stop_when"}
)
"""The actions that change the run."""
_NO_RULE = "none"


class Dashboard(Meddling):
    """Watches and steers one session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "step(1)", "More", key_display="+", id="run.more"),
        Binding("minus", "step(-1)", "Fewer", key_display="-", id="run.fewer"),
        Binding("left_square_bracket", "double(-1)", "Half as many", key_display="[", show=False, id="run.halve"),
        Binding(
            "right_square_bracket", "double(1)", "Twice as many", key_display="]", show=False, id="run.double"
        ),
        Binding("t", "type_target", "Type the target", show=False, id="run.type"),
        Binding("p,space", "pause", "Pause", key_display="p", id="run.pause"),
        Binding("d", "drain", "Drain", id="run.drain"),
        *LOOKING,
        *MEDDLING,
        Binding("c", "cancel", "Cancel", id="run.cancel"),
        Binding("q", "app.leave", "Quit", id="app.quit"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="app.help"),
        Binding("e", "export", "Export", id="run.export"),
        Binding("a", "automatic", "Automatic", id="run.automatic"),
        Binding("b", "budget", "Budget", show=False, id="run.budget"),
        Binding("w", "stop_when", "Stop when", show=False, id="run.stop-when"),
        Binding("r", "report", "Report", id="view.report"),
        Binding("E", "edit", "Edit and continue", id="run.edit"),
        Binding("P", "pilot", "The pilot's summary", show=False, id="run.pilot"),
        Binding("n", "new_run", "New run", id="run.new"),
        *SHOWING,
    ]

    def __init__(self, session: Steered) -> None:
        super().__init__(session)
        self._rule: str | None = None  # the stop rule that was typed; None for the settings' own
        self._gate = ""  # the reason of the pilot's gate whose summary was shown

    @property
    def live(self) -> bool:
        """The run has not ended."""
        return self.session.snapshot().phase in _LIVE

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out, or leave out, what makes no sense now."""
        ended = self._phase == "ended"
        if action in STEERED or action in MEDDLED:
            return not ended
        if action == "new_run":
            return ended and self._dagtui.BEGINS_RUNS
        if action == "edit":
            return self._can_edit
        if action == "pilot":
            return at_gate(self.session.snapshot())
        return ended if action == "report" else super().check_action(action, parameters)

    def steers(self) -> bool:
        """Whether the run takes commands now."""
        return self.live and self.check_action("pause", ()) is True

    # --- steering ---

    def action_type_target(self) -> None:
        """Type how many are to be in flight."""
        hint = f"Enter applies (1 to {count(MAX_CONCURRENCY)}) · Esc keeps {count(self.session.snapshot().target)}"
        self._dagtui.push_screen(
            Entry("target ▸ ", "", hint, restrict=r"\d{0,9}", refuse=_refuse_target), self._typed_target
        )

    def action_step(self, direction: int) -> None:
        """One more or fewer; beyond fifty, a tenth."""
        target = self.session.snapshot().target
        self._retune(target + direction * (1 if target <= 50 else max(1, target // 10)))

    def action_double(self, direction: int) -> None:
        """Twice or half as many."""
        target = self.session.snapshot().target
        self._retune(target * 2 if direction > 0 else target // 2)

    def action_automatic(self) -> None:
        """Leave the concurrency to the program, or keep it where the program has it."""
        self.session.automate(not self.session.snapshot().automatic)
        self.poll()

    def action_budget(self) -> None:
        """Type the most that the run may cost."""
        cap = self.session.snapshot().money.cap
        hint = "Enter applies, in dollars; 0 is no budget · Esc leaves it"
        value = "" if cap is None else f"{cap.normalize():f}"
        entry = Entry("budget ▸ $", value, hint, restrict=r"\d{0,7}\.?\d{0,6}", refuse=_refuse_budget)
        self._dagtui.push_screen(entry, self._typed_budget)

    def action_stop_when(self) -> None:
        """Type what the run shall pause at."""
        rule = self._rule if self._rule is not None else self.session.settings.stop_rule or ""
        hint = 'such as failed>20%, truncated>5%, drift>25 · "none" stops at nothing · Esc leaves it'
        self._dagtui.push_screen(Entry("stop when ▸ ", rule, hint, refuse=_refuse_rule), self._typed_rule)

    def _typed_rule(self, answer: str | None) -> None:
        if answer is not None and self.live:
            self._rule = "" if answer == _NO_RULE else answer
            self.session.set_stop_rule(self._rule or None)
            self.poll()

    def _typed_budget(self, answer: str | None) -> None:
        if answer is not None and self.live:
            self.session.set_max_cost(Decimal(answer) or None)
            self.poll()

    def action_pause(self) -> None:
        """Send nothing more, or go on."""
        if self._phase == "paused":
            self.session.resume()
        else:
            self.session.pause()
        self.poll()

    def action_drain(self) -> None:
        """Finish what is in flight and end; after asking, where some wait to retry, who are given up by it."""
        if self.session.snapshot().counts.waiting:
            converse(self, "drain", self._ask_to_drain)
        else:
            self.session.drain()
            self.poll()

    async def _ask_to_drain(self) -> None:
        text = f"{drained(self.session.snapshot().counts)} Drain?"
        choices = (Choice("y", "drain and end"), Choice("n", "go on"))
        if await self._dagtui.push_screen_wait(Question(text, choices)) == "y":
            self.session.drain()
            self.poll()

    def action_cancel(self) -> None:
        """End now, after asking."""
        converse(self, "cancel", self._ask_to_cancel)

    async def _ask_to_cancel(self) -> None:
        flying = self.session.snapshot().counts.in_flight
        text = f"Abandon {count(flying)} in flight? The provider may still bill them."
        choices = (Choice("y", "abandon them and end"), Choice("n", "go on"))
        if await self._dagtui.push_screen_wait(Question(text, choices)) == "y":
            self.session.cancel()
            self.poll()

    def _typed_target(self, answer: str | None) -> None:
        if answer is not None and self.live:
            self._retune(int(answer))

    def _retune(self, target: int) -> None:
        self.session.retune(max(1, min(target, MAX_CONCURRENCY)))
        self.answer()

    # --- an edit, and the pilot's gate ---

    @property
    def _can_edit(self) -> bool:
        """The run is this process's own, goes on, and keeps a journal."""
        under_way = self._phase in ("ready", "running", "paused")
        return under_way and self._dagtui.BEGINS_RUNS and self.session.journal_path is not None

    def action_edit(self) -> None:
        """Pause, edit what is asked, and go on as the next revision."""
        if self._can_edit:
            converse(self._dagtui, "edit", lambda: self._dagtui.revising.edit(self.session))

    def action_pilot(self) -> None:
        """What the first records came to, and whether to go on."""
        from dagtui.tui.screens.pilot import PilotScreen  # imported when a run stands at its gate

        if at_gate(self.session.snapshot()):
            self._dagtui.push_screen(PilotScreen(self.session, edits=self._can_edit), self._answered_pilot)

    def _answered_pilot(self, answer: str | None) -> None:
        if answer == "y":
            self.session.resume()
        elif answer == "d":
            self.session.drain()
        elif answer == "E":
            self.action_edit()
        self.poll()

    def _show(self, snapshot: Snapshot) -> None:
        super()._show(snapshot)
        gate = snapshot.reason if at_gate(snapshot) else ""
        if gate and gate != self._gate and self._dagtui.screen is not self:
            return  # somebody is in the middle of something; the summary comes after it
        if gate != self._gate:
            self._gate = gate
            self.refresh_bindings()
            if gate:
                self.action_pilot()

    def action_new_run(self) -> None:
        """Back to the setup screen."""
        converse(self._dagtui, "new run", self._dagtui.new_run)


def _refuse_rule(text: str) -> str:
    """Why `text` is no stop rule."""
    try:
        if text != _NO_RULE:
            parse_rule(text)
    except ConfigError as error:
        return str(error)
    return ""


def _refuse_budget(text: str) -> str:
    """Why `text` is no budget."""
    return "" if text != "." else "The budget is a number of dollars, such as 2.50; 0 is no budget."


def _refuse_target(text: str) -> str:
    """Why `text` is no target."""
    if 1 <= int(text) <= MAX_CONCURRENCY:
        return ""
    return f"The target is a whole number from 1 to {count(MAX_CONCURRENCY)}, not {count(int(text))}."
