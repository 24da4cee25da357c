"""A run on the screen: one look says how far, how fast, how much money, what goes wrong and what holds it back.

Whether it is live, played once more, or goes on in another process is the affair of the screens built on this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from dagtui.core.events import Phase
from dagtui.core.snapshot import Snapshot
from dagtui.tui.screens.dialogs import converse
from dagtui.tui.screens.export import ask_and_export
from dagtui.tui.screens.fitted import TOO_SMALL
from dagtui.tui.screens.panelled import PanelledScreen
from dagtui.tui.widgets.answers import AnswersPanel
from dagtui.tui.widgets.concurrency import ConcurrencyPanel
from dagtui.tui.widgets.dial import DialPanel
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.heading import Heading
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.money import MoneyPanel
from dagtui.tui.widgets.panel import Panel
from dagtui.tui.widgets.radar import RadarPanel
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.tail import TailPanel
from dagtui.tui.words import troubles

if TYPE_CHECKING:
    from dagtui.core.result import RunResult
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched

S = TypeVar("S", bound="Watched")

POLL = 0.1  # seconds between two looks at the run

LOOKING: tuple[BindingType, ...] = (
    Binding("slash", "filter", "Filter", key_display="/", id="view.filter"),
    Binding("s", "sort", "Sort by the next column", show=False, id="view.sort"),
    Binding("S", "reverse", "Sort the other way", show=False, id="view.reverse"),
    Binding("v", "states", "By state", show=False, id="view.states"),
    Binding("f", "follow", "Follow the newest", show=False, id="view.follow"),
    Binding("l", "log", "Log: failures only, or all", show=False, id="view.log"),
    Binding("tab", "app.focus_next", "Next panel", show=False, id="view.next"),
    Binding("g", "triage", "Triage", id="view.triage"),
    Binding("enter", "request", "All about the request", show=False, id="view.request"),
)
"""The keys that change nothing but what is in view."""


class Watching(PanelledScreen, Generic[S]):
    """Shows one run. It asks the run, ten times a second, and is never told."""

    def __init__(self, session: S) -> None:
        super().__init__()
        self.session = session
        self.result: RunResult | None = None
        self._phase: Phase | None = None
        self._all = True  # the panels, with the next look
        self._turn = 0  # of which panels it is

    def compose(self) -> ComposeResult:
        """Panels in reading order; the style sheet places them for the size at hand."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        with Container(id="dashboard"):
            yield Heading(id="heading")
            with Container(id="figures"):
                yield DialPanel(id="dial", classes="panel")
                yield ConcurrencyPanel(id="concurrency", classes="panel")
                yield MoneyPanel(id="money", classes="panel")
                yield AnswersPanel(id="answers-small", classes="panel")
            with Container(id="body"):
                with Container(id="main"):
                    yield RequestsTable(id="requests")
                    yield Feed(id="log")
                with Container(id="side"):
                    yield RadarPanel(id="radar", classes="panel")
                    yield AnswersPanel(id="answers", classes="panel")
                    yield TailPanel(id="tail", classes="panel")
                    yield RequestMap(id="map", classes="panel")
            yield from self.compose_foot()
        yield Keys()

    def compose_foot(self) -> ComposeResult:
        """What a kind of run has below all the rest; most have nothing."""
        return iter(())

    def on_mount(self) -> None:
        """Begin the run and the looking."""
        self.query_one(Heading).title = self.session.title
        self.query_one(RequestsTable).focus()
        self.session.start()
        self.run_worker(self._wait_for_end(), name="wait-for-end")
        self.set_interval(POLL, self._tick)
        self.poll()

    def poll(self) -> None:
        """Look at the run once and show what changed."""
        self._all = True
        self.look()

    def _tick(self) -> None:
        """The same, but the panels take turns: a frame of half of them holds the loop half as long."""
        self._turn = 1 - self._turn
        self.look()

    def answer(self) -> None:
        """Show in the prompt panels what a key has done; the others follow with the next look."""
        snapshot = self.session.snapshot()
        for panel in self.query(Panel):
            if panel.prompt:
                panel.show(snapshot)

    def look(self) -> None:
        """Look at the run, and show what changed in half of the panels, and in those that are prompt."""
        if self.is_open:
            self._show(self.session.snapshot())
            self._all = False

    # --- looking ---

    def action_filter(self) -> None:
        """Type what the requests are filtered by."""
        from dagtui.tui.screens.filtering import FilterEntry  # imported when asked for

        self._dagtui.push_screen(FilterEntry(self.query_one(RequestsTable)))

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.query_one(RequestsTable).sort_by_next()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.query_one(RequestsTable).reverse()

    def action_states(self) -> None:
        """Show the next group of states."""
        self.query_one(RequestsTable).cycle_states()

    def action_follow(self) -> None:
        """Follow the newest request, or stay."""
        self.query_one(RequestsTable).toggle_follow()

    def action_log(self) -> None:
        """Failures only, or everything."""
        self.query_one(Feed).toggle_failures()

    def action_request(self) -> None:
        """What is known of the request under the cursor."""
        panel = self.focused
        if isinstance(panel, RequestsTable | TailPanel) and panel.selected is not None:
            self._inspect(panel.selected)

    def on_requests_table_opened(self, event: RequestsTable.Opened) -> None:
        """A request was clicked twice."""
        self._inspect(event.seq)

    def on_request_map_chosen(self, event: RequestMap.Chosen) -> None:
        """From the map to the request, or to the first of many."""
        table = self.query_one(RequestsTable)
        table.select(event.seq)
        self.set_focus(table)
        if event.alone:
            self._inspect(event.seq)

    def _inspect(self, seq: int) -> None:
        from dagtui.tui.screens.inspector import InspectorScreen  # imported when asked for

        self._dagtui.push_screen(InspectorScreen(self.session, seq, self.query_one(RequestsTable).sequence))

    def action_triage(self) -> None:
        """What goes wrong, grouped by cause."""
        from dagtui.tui.screens.triage import TriageScreen  # imported when asked for

        self._dagtui.push_screen(TriageScreen(self.session, self.steers))

    def steers(self) -> bool:
        """Whether the run takes commands from here, now."""
        return False

    def action_export(self) -> None:
        """Write the results so far."""
        converse(self, "export", lambda: ask_and_export(self._dagtui, self.session))

    def action_report(self) -> None:
        """The closing report."""
        if self.result is not None:
            self._dagtui.show_report(self.session, self.result)

    # --- inside ---

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]

    async def _wait_for_end(self) -> None:
        self.result = await self.session.wait()
        self.poll()
        self._dagtui.run_ended(self, self.result)

    def _show(self, snapshot: Snapshot) -> None:
        self.query_one(RequestMap).store = self.query_one(TailPanel).store = self.session.store
        all_of_them = self._all or snapshot.phase != self._phase
        for number, panel in enumerate(self.query(Panel)):
            if all_of_them or panel.prompt or number % 2 == self._turn:
                panel.show(snapshot)
        self.query_one(RequestsTable).show(
            self.session.store, snapshot.time, snapshot.counts.total or 0, self.session.since
        )
        self.query_one(Feed).show(self.session.log, snapshot.log_count, troubles(snapshot))
        self._dagtui.announcer.show(snapshot, self.session.title)
        if snapshot.phase != self._phase:
            self._phase = snapshot.phase
            self.refresh_bindings()
