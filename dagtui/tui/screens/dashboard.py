"""The run, live: one look says how far, how fast, how much money, what goes wrong and what holds it back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from dagtui.core.events import Phase
from dagtui.core.figures import count
from dagtui.core.run_settings import MAX_CONCURRENCY
from dagtui.core.snapshot import Snapshot
from dagtui.tui.screens.dialogs import Choice, Entry, Question
from dagtui.tui.screens.export import ask_and_export
from dagtui.tui.screens.fitted import FittedScreen
from dagtui.tui.widgets.concurrency import ConcurrencyPanel
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.figures import CategoriesPanel, LatencyPanel, LimitsPanel, MoneyPanel
from dagtui.tui.widgets.heading import Heading
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.panel import Panel
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.throughput import ThroughputPanel
from dagtui.tui.words import drained, troubles

if TYPE_CHECKING:
    from dagtui.session import RunResult, Session
    from dagtui.tui.app import DagtuiApp

POLL = 0.1  # seconds between two looks at the run
TOO_SMALL = "This terminal is too small.\nMake it at least 60 columns wide and 15 lines high."
_LIVE: tuple[Phase, ...] = ("ready", "running", "paused", "draining", "cancelling")
_STEERED = frozenset({"step", "double", "automatic", "pause", "drain", "cancel", "budget"})


class Dashboard(FittedScreen):
    """Watches and steers one session. It asks the session, ten times a second, and is never told."""

    TYPED = (("0-9", f"Type the concurrency, 1 to {count(MAX_CONCURRENCY)}"),)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "step(1)", "More", key_display="+", id="run.more"),
        Binding("minus", "step(-1)", "Fewer", key_display="-", id="run.fewer"),
        Binding("left_square_bracket", "double(-1)", "Half as many", key_display="[", show=False, id="run.halve"),
        Binding(
            "right_square_bracket", "double(1)", "Twice as many", key_display="]", show=False, id="run.double"
        ),
        Binding("p,space", "pause", "Pause", key_display="p", id="run.pause"),
        Binding("d", "drain", "Drain", id="run.drain"),
        Binding("c", "cancel", "Cancel", id="run.cancel"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="view.help"),
        Binding("q", "app.leave", "Quit", id="run.quit"),
        Binding("s", "states", "Filter", id="view.states"),
        Binding("f", "follow", "Follow the newest", show=False, id="view.follow"),
        Binding("l", "log", "Log: failures only, or all", show=False, id="view.log"),
        Binding("tab", "app.focus_next", "Requests, log", show=False, id="view.next"),
        Binding("enter", "request", "All about the request", show=False, id="view.request"),
        Binding("e", "export", "Export", id="run.export"),
        Binding("a", "automatic", "Automatic", id="run.automatic"),
        Binding("b", "budget", "Budget", show=False, id="run.budget"),
        Binding("r", "report", "Report", id="view.report"),
        Binding("n", "new_run", "New run", id="run.new"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.result: RunResult | None = None
        self._phase: Phase | None = None
        self._typing: Entry | None = None

    def compose(self) -> ComposeResult:
        """Panels in reading order; the style sheet places them for the size at hand."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        with Container(id="dashboard"):
            yield Heading(id="heading")
            with Container(id="figures"):
                yield ThroughputPanel(id="throughput", classes="panel")
                yield LatencyPanel(id="latency", classes="panel")
                yield ConcurrencyPanel(id="concurrency", classes="panel")
                yield MoneyPanel(id="money", classes="panel")
                yield CategoriesPanel(id="categories-small", classes="panel")
            with Container(id="body"):
                with Container(id="main"):
                    yield RequestsTable(id="requests")
                    yield Feed(id="log")
                with Container(id="side"):
                    yield LimitsPanel(id="limits", classes="panel")
                    yield CategoriesPanel(id="categories", classes="panel")
                    yield RequestMap(id="map", classes="panel")
        yield Keys()

    def on_mount(self) -> None:
        """Begin the run and the looking."""
        self.query_one(Heading).title = self.session.title
        self.query_one(RequestMap).store = self.session.store
        self.query_one(RequestsTable).focus()
        self.session.start()
        self.run_worker(self._wait_for_end(), name="wait-for-end")
        self.set_interval(POLL, self.poll)
        self.poll()

    def poll(self) -> None:
        """Look at the run once and show what changed."""
        if self.is_attached:
            self._show(self.session.snapshot())

    @property
    def live(self) -> bool:
        """The run has not ended."""
        return self.session.snapshot().phase in _LIVE

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out, or leave out, what makes no sense now."""
        ended = self._phase == "ended"
        if action in _STEERED:
            return not ended
        if action in ("report", "new_run"):
            return ended
        return True

    def on_key(self, event: events.Key) -> None:
        """A digit begins to type a concurrency. At once, so that the next key finds the field."""
        character = event.character or ""
        if self._typing is not None and self._typing.type(event):  # it came before the dialog took over
            event.stop()
            return
        if not (character.isascii() and character.isdecimal()) or self._phase == "ended":
            return
        event.stop()
        hint = f"Enter applies (1 to {count(MAX_CONCURRENCY)}) · Esc keeps {count(self.session.snapshot().target)}"
        self._typing = Entry("concurrency ▸ ", character, hint, restrict=r"\d{0,9}", refuse=_refuse_target)
        self._dagtui.push_screen(self._typing, self._typed_target)

    # --- steering ---

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
            self.run_worker(self._ask_to_drain())
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
        self.run_worker(self._ask_to_cancel())

    async def _ask_to_cancel(self) -> None:
        flying = self.session.snapshot().counts.in_flight
        text = f"Abandon {count(flying)} in flight? The provider may still bill them."
        choices = (Choice("y", "abandon them and end"), Choice("n", "go on"))
        if await self._dagtui.push_screen_wait(Question(text, choices)) == "y":
            self.session.cancel()
            self.poll()

    def _typed_target(self, answer: str | None) -> None:
        self._typing = None
        if answer is not None and self.live:
            self._retune(int(answer))

    def _retune(self, target: int) -> None:
        self.session.retune(max(1, min(target, MAX_CONCURRENCY)))
        self.poll()

    # --- looking ---

    def action_states(self) -> None:
        """Show the next group of states."""
        self.query_one(RequestsTable).cycle_filter()

    def action_follow(self) -> None:
        """Follow the newest request, or stay."""
        self.query_one(RequestsTable).toggle_follow()

    def action_log(self) -> None:
        """Failures only, or everything."""
        self.query_one(Feed).toggle_failures()

    def action_request(self) -> None:
        """What is known of the request under the cursor."""
        from dagtui.tui.screens.request import RequestScreen  # imported when asked for

        table = self.query_one(RequestsTable)
        if table.has_focus and table.selected is not None:
            self._dagtui.push_screen(RequestScreen(self.session, table.selected))

    def action_export(self) -> None:
        """Write the results so far."""
        self.run_worker(ask_and_export(self._dagtui, self.session))

    def action_report(self) -> None:
        """The closing report."""
        if self.result is not None:
            self._dagtui.show_report(self.session, self.result)

    def action_new_run(self) -> None:
        """Back to the setup screen."""
        self._dagtui.run_worker(self._dagtui.new_run())

    # --- inside ---

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]

    async def _wait_for_end(self) -> None:
        self.result = await self.session.wait()
        self.poll()
        self._dagtui.run_ended(self, self.result)

    def _show(self, snapshot: Snapshot) -> None:
        for panel in self.query(Panel):
            panel.show(snapshot)
        self.query_one(RequestsTable).show(self.session.store, snapshot.time, snapshot.counts.total or 0)
        self.query_one(Feed).show(self.session.log, snapshot.log_count, troubles(snapshot))
        if snapshot.phase != self._phase:
            self._phase = snapshot.phase
            self.refresh_bindings()


def _refuse_budget(text: str) -> str:
    """Why `text` is no budget."""
    return "" if text != "." else "The budget is a number of dollars, such as 2.50; 0 is no budget."


def _refuse_target(text: str) -> str:
    """Why `text` is no concurrency."""
    if 1 <= int(text) <= MAX_CONCURRENCY:
        return ""
    return f"The concurrency is a whole number from 1 to {count(MAX_CONCURRENCY)}, not {count(int(text))}."
