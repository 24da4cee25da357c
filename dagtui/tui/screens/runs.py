"""Every run that there was, and those that go on: to be played, watched, told of, gone on with, compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from dagtui.core.errors import DagtuiError
from dagtui.core.text import one_line
from dagtui.past.runs import plan_of, remove_run, run_infos, run_paths
from dagtui.tui.screens.dialogs import Choice, Entry, Question
from dagtui.tui.screens.export import ask_and_export
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.run_detail import RunDetail, RunsTitle
from dagtui.tui.widgets.runs_table import RunsTable

if TYPE_CHECKING:
    from pathlib import Path

    from textual.timer import Timer

    from dagtui.past.runs import RunInfo
    from dagtui.tui.app import DagtuiApp

AGAIN = 2.0  # seconds between two looks at what goes on; looks that take long are further apart
_AT_ONCE = 8  # journals that are read before they are shown


class RunsScreen(FittedScreen):
    """The list. What reads a journal does so in a thread."""

    CSS_PATH = "../styles/runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Show", key_display="⏎", id="history.open"),
        Binding("r", "report", "Report", id="history.report"),
        Binding("g", "go_on", "Go on", id="history.go"),
        Binding("m", "mark", "Mark", id="history.mark"),
        Binding("equals_sign,c", "compare", "Compare", key_display="=", id="history.compare"),
        Binding("slash", "filter", "Filter", key_display="/", id="history.filter"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="history.help"),
        Binding("e", "export", "Export", id="history.export"),
        Binding("s", "sort", "Sort", id="history.sort"),
        Binding("S", "turn_round", "Sort the other way round", show=False, id="history.turn"),
        Binding("D", "delete", "Delete", id="history.delete"),
        Binding("escape", "back", "Back", id="history.back"),
        Binding("q", "app.leave", "Quit", show=False, id="history.quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._left = Event()  # nobody waits for what is being read any more
        self._busy = ""
        self._next: Timer | None = None  # the next look at what goes on

    def compose(self) -> ComposeResult:
        """A line on all of them, the list, and all about one."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield RunsTitle()
        yield RunsTable()
        yield RunDetail()
        yield Keys()

    def on_mount(self) -> None:
        """Begin to read."""
        self._table.focus()
        self.run_worker(self._read_all(), group="read", exclusive=True)

    def on_unmount(self) -> None:
        """Have threads that still read stop."""
        self._left.set()

    @on(events.ScreenResume)
    def _looked_at_again(self) -> None:
        """What was gone on with, removed or ended meanwhile is to be seen."""
        if self._table.infos and not self._table.reading:
            self.run_worker(self._read_again(), group="read", exclusive=True)

    # --- reading ---

    async def _read_all(self) -> None:
        paths = await asyncio.to_thread(run_paths)
        for start in range(0, len(paths), _AT_ONCE):
            part = paths[start : start + _AT_ONCE]
            self._table.reading = len(paths) - start - len(part)
            self._table.take(await asyncio.to_thread(run_infos, part))
        self._table.reading = 0
        self._table.take(())
        self._later(0.0)

    async def _read_again(self) -> None:
        """What goes on, and what is new."""
        begun = time.monotonic()
        paths = await asyncio.to_thread(run_paths)
        table = self._table
        known = {info.path: info for info in table.infos}
        wanted = [path for path in paths if path not in known or known[path].state == "running"]
        infos = await asyncio.to_thread(run_infos, wanted)
        table.keep(paths)
        table.take(infos)
        self._later(time.monotonic() - begun)

    def _later(self, took: float) -> None:
        if self._next is not None:
            self._next.stop()
        self._next = self.set_timer(max(AGAIN, 10 * took), self._look_again)

    def _look_again(self) -> None:
        if self.is_current:
            self.run_worker(self._read_again(), group="read", exclusive=True)

    @on(RunsTable.Moved)
    def _moved(self) -> None:
        self.query_one(RunDetail).show(self._table.selected)
        self.query_one(RunsTitle).show(self._table.infos, self._busy)
        self.refresh_bindings()

    # --- the keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what makes no sense for the run under the cursor."""
        if not self.is_mounted:
            return True
        info = self._table.selected
        match action:
            case "go_on":
                return info is not None and info.state in ("partial", "stopped", "killed")
            case "report" | "export" | "mark":
                return info is not None and info.state != "unreadable"
            case "compare":
                return self._pair() is not None
            case "open" | "delete":
                return info is not None
            case _:
                return True

    def action_back(self) -> None:
        """Show all again; once all are shown, back to where this was asked for."""
        if self._table.filter:
            self._table.find("")
        else:
            self.dismiss(None)

    def action_filter(self) -> None:
        """Show only some."""
        hint = "Enter shows the runs that have these words in them · Esc leaves it"
        self._dagtui.push_screen(Entry("runs with ▸ ", self._table.filter, hint), self._filtered)

    def _filtered(self, answer: str | None) -> None:
        if answer is not None:
            self._table.find(answer)

    def action_sort(self) -> None:
        """By the next column."""
        self._table.sort_by_next()

    def action_turn_round(self) -> None:
        """The other way round."""
        self._table.turn_round()

    def action_mark(self) -> None:
        """To be compared."""
        self._table.mark()
        self.refresh_bindings()

    def action_open(self) -> None:
        """Play it once more; watch it, if it goes on."""
        info = self._table.selected
        if info is not None and info.problem:
            self.notify(one_line(info.problem, 400), title="Not shown", severity="error", markup=False)
        elif info is not None:
            self._work("opening the journal …", self._open(info))

    def action_report(self) -> None:
        """All figures of it."""
        if (info := self._table.selected) is not None:
            self._work("reading the journal for the report …", self._report(info))

    def action_go_on(self) -> None:
        """Say what going on with it means."""
        if (info := self._table.selected) is not None:
            self._work("comparing the journal with the input …", self._go_on(info))

    def action_compare(self) -> None:
        """Hold the marked two against each other, or the marked one and the one under the cursor."""
        if (pair := self._pair()) is not None:
            self._work("reading both journals …", self._compare(*pair))

    def action_export(self) -> None:
        """Write its results."""
        if (info := self._table.selected) is not None:
            from dagtui.past.recap import Stored

            self.run_worker(ask_and_export(self._dagtui, Stored(info.path, info.title)))

    def action_delete(self) -> None:
        """Delete it, after asking."""
        info = self._table.selected
        if info is not None and info.state == "running":
            self.notify("It goes on: stop it first (Enter, then d).", title="Not deleted", severity="warning")
        elif info is not None:
            self.run_worker(self._delete(info))

    # --- the work ---

    async def _open(self, info: RunInfo) -> None:
        from dagtui.tui.screens.visits import VisitedReplay, VisitedRun  # imported when asked for

        plan = await asyncio.to_thread(plan_of, info.path)
        [current] = await asyncio.to_thread(run_infos, [info.path])
        if current.state == "running":
            from dagtui.elsewhere.attached import Attached

            self._dagtui.push_screen(VisitedRun(await asyncio.to_thread(Attached, info.path), plan))
        else:
            from dagtui.past.replay import Replay

            self._dagtui.push_screen(VisitedReplay(await asyncio.to_thread(Replay, info.path), plan))

    async def _report(self, info: RunInfo) -> None:
        from dagtui.past.recap import Stored, recap
        from dagtui.tui.screens.report import ReportScreen

        plan = await asyncio.to_thread(plan_of, info.path)
        told = await asyncio.to_thread(recap, info.path, self._left.is_set)
        stored = Stored(info.path, told.title, told.settings, told.causes)
        of = (stored, told.result, told.kept, plan, told.max_tokens)
        self._dagtui.push_screen(ReportScreen(*of, running=told.running))

    async def _go_on(self, info: RunInfo) -> None:
        app = self._dagtui
        plan = await app.desk.resumed_plan(info, app.plan)
        app.show_contract(await app.desk.look_back(info.path, plan), plan)

    async def _compare(self, a: Path, b: Path) -> None:
        from dagtui.past.comparing import compare_runs
        from dagtui.tui.screens.compare import CompareScreen

        told = await asyncio.to_thread(compare_runs, a, b, self._left.is_set)
        self._dagtui.push_screen(CompareScreen(told))

    async def _delete(self, info: RunInfo) -> None:
        text = f"Delete the run {info.id}, with every answer that was not exported?"
        choices = (Choice("y", "delete it"), Choice("n", "keep it"))
        if await self._dagtui.push_screen_wait(Question(text, choices)) != "y":
            return
        try:
            await asyncio.to_thread(remove_run, info.path)
        except DagtuiError as error:
            self.notify(one_line(str(error), 400), title="Not deleted", severity="error", markup=False)
            return
        self._table.keep([known.path for known in self._table.infos if known.path != info.path])

    # --- inside ---

    @property
    def _table(self) -> RunsTable:
        return self.query_one(RunsTable)

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]

    def _pair(self) -> tuple[Path, Path] | None:
        marks, info = self._table.marks, self._table.selected
        if len(marks) == 2:
            return marks[0], marks[1]
        if len(marks) == 1 and info is not None and not info.problem and info.path != marks[0]:
            return marks[0], info.path
        return None

    def _work(self, busy: str, work: Coroutine[Any, Any, None]) -> None:
        """Do one thing that takes a while, and say so meanwhile; the keys of others wait."""
        if self._busy:
            work.close()
            return
        self._say(busy)
        self.run_worker(self._do(work), group="work")

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except DagtuiError as error:
            self.notify(one_line(str(error), 400), severity="error", markup=False, timeout=20)
        finally:
            self._say("")

    def _say(self, busy: str) -> None:
        self._busy = busy
        if self.is_open:
            self.query_one(RunsTitle).show(self._table.infos, busy)
