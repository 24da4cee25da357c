"""What to run: a file, a task, a gateway, and how hard to push. What is wrong is said beside the field."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from dagtui.core.errors import DagtuiError
from dagtui.core.figures import UNKNOWN, count
from dagtui.core.text import one_line
from dagtui.tui.paths import home
from dagtui.tui.screens.dialogs import Entry
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.screens.numbers import at_once
from dagtui.tui.widgets.files import FileList, Preview
from dagtui.tui.widgets.form import ADDRESS, Form
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.start import StartButton
from dagtui.tui.words import some

if TYPE_CHECKING:
    from dagtui.past.runs import RunInfo
    from dagtui.plan import InputView, Plan
    from dagtui.tui.app import DagtuiApp
    from dagtui.tui.desk import Desk

_NOTE = 400
_PAUSE = 0.3  # seconds without a change, before it is worth to estimate
_LARGE = 64_000_000  # bytes of a file, above which only dagtui estimate reads it for that


class SetupScreen(FittedScreen):
    """Makes a plan, and starts it when nothing is wrong with it. `refusal` is why `plan` did not start before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "start", "Start", key_display="F5", id="setup.start", priority=True),
        Binding("f2", "samples", "Sample data", key_display="F2", id="setup.samples"),
        Binding("f3,slash", "type_path", "Type a path", key_display="F3", id="setup.path"),
        Binding("f6", "bad_rows", "Bad rows", key_display="F6", id="setup.bad-rows"),
        Binding("tab", "app.focus_next", "Next field", show=False, id="setup.next"),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False, id="setup.previous"),
        Binding("f7", "go_on", "Go on", key_display="F7", id="setup.go-on"),
        Binding("f4", "runs", "Runs", key_display="F4", id="setup.runs"),
        Binding("escape", "to_files", "To the files", show=False, id="setup.files"),
        Binding("q", "app.leave", "Quit", show=False, id="app.quit"),  # where no field takes letters
        Binding("ctrl+q", "app.leave", "Quit", key_display="^q", id="app.quit-anywhere", priority=True),
    ]

    def __init__(self, plan: Plan, desk: Desk, refusal: str = "") -> None:
        super().__init__()
        self.plan = plan
        self.desk = desk
        self.view: InputView | None = None
        self._starting = False
        self._refusal = refusal
        self._estimate = ""
        self._estimated_for: Plan | None = None
        self._searched: set[Path] = set()
        self._wrong: dict[str, str] = {}
        self._run: RunInfo | None = None  # of this file, with something left

    def compose(self) -> ComposeResult:
        """Picker and preview above, the settings below, the start at the end of the tab order."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield Static(_brand(), id="brand")
        with Horizontal(id="pick"):
            with Container(id="picker"):
                yield Input(self.plan.path, placeholder="path of a file", compact=True, id="path")
                yield FileList(id="files")
            yield Preview(id="preview")
        yield Form(self.plan, self.desk.task_choices(), self.desk.gateway_choices())
        yield Static("", id="problem", markup=False)
        with Horizontal(id="start-line"):
            yield StartButton("Start  F5", id="start")
            yield Static("", id="start-note", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """List the folder and look at the file that the plan names."""
        path = home(self.plan.path).resolve() if self.plan.path else None
        here = Path.cwd()
        folder = path.parent if path is not None and path.parent.is_dir() else here
        if folder == self.desk.sample_folder():  # a demo was run: what comes next is the user's own, more likely
            folder = here
        self._list(folder, at=path)
        if self.plan.path:
            self._look(self.plan.path)
        self.query_one(FileList).focus()
        self._check()
        self.call_after_refresh(self._find_tasks, here)
        self.watch(self._dagtui, "app_focus", self._look_again, init=False)

    def _look_again(self, here: bool) -> None:
        """Back from another window, where a task may have been mended: what was wrong is looked at once more."""
        if here and self.is_open and not self._starting:
            self._check()

    def on_screen_resume(self) -> None:
        """Back from a run: what the start said is over."""
        self._look_again(True)

    # --- the file ---

    @on(FileList.Opened)
    def _opened(self, event: FileList.Opened) -> None:
        before = self.query_one(FileList).folder
        if not event.is_folder:
            self._pick(event.path)
        elif before == self.desk.sample_folder() and event.path == before.parent:
            self._list(Path.cwd(), at=before)  # there is nothing to see around the samples
        else:
            self._list(event.path, at=before)

    @on(Input.Submitted, "#path")
    def _typed(self, event: Input.Submitted) -> None:
        path = home(event.value.strip())
        if path.is_dir():
            self._list(path.resolve())
            self.query_one(FileList).focus()
        elif event.value.strip():
            self._pick(path)

    def action_samples(self) -> None:
        """Jump to the sample data."""
        self._list(self.desk.sample_folder())
        self.query_one(FileList).focus()

    def action_type_path(self) -> None:
        """Put the cursor into the path, all of it chosen: to type is to replace it."""
        field = self.query_one("#path", Input)
        field.focus()
        field.action_select_all()

    def action_to_files(self) -> None:
        """Out of a field, back to where it begins."""
        self.query_one(FileList).focus()

    def _list(self, folder: Path, at: Path | None = None) -> None:
        try:
            entries = self.desk.candidates(folder)
        except (OSError, DagtuiError) as error:
            self.notify(one_line(str(error), _NOTE), severity="error", markup=False)
            return
        self.query_one(FileList).list(folder, entries, at)

    def _pick(self, path: Path) -> None:
        if path.parent.is_dir() and path.parent.resolve() != self.query_one(FileList).folder:
            self._list(path.parent.resolve(), at=path.resolve())
        field = self.query_one("#path", Input)
        field.value = str(path)
        field.cursor_position = len(field.value)  # shows the end, and is where to go on
        self._refusal = ""
        self._look(str(path))

    def _look(self, path: str) -> None:
        self.plan = replace(self.plan, path=path)
        self.view = None
        self.query_one(Preview).wait(path)
        self.query_one(FileList).mark(None)
        self.run_worker(self._look_and_show(path), group="look", exclusive=True)

    async def _look_and_show(self, path: str) -> None:
        self._run = None
        self.view = await self.desk.look_at(str(home(path)) if path != "-" else path)
        self.query_one(Preview).show(self.view)
        if not self.view.problem:
            self.query_one(FileList).mark(home(path).resolve())
            self._find_tasks(home(path).resolve().parent)
            self._run = await self.desk.unfinished(str(home(path)) if path != "-" else path)
        self._check()
        self.refresh_bindings()

    # --- the settings ---

    def _find_tasks(self, folder: Path) -> None:
        """Offer the tasks in `folder` too."""
        if folder not in self._searched:
            self._searched.add(folder)
            self.run_worker(partial(self._find_and_offer, folder), group="tasks")

    async def _find_and_offer(self, folder: Path) -> None:
        if found := await asyncio.to_thread(self.desk.tasks_in, folder):
            self.query_one(Form).offer_tasks(found)
            self._check()

    @on(Select.Changed, "#gateway")
    def _gateway_chosen(self, event: Select.Changed) -> None:
        if event.value == ADDRESS:
            self.query_one(Form).choose_gateway(self.plan.gateway)
            hint = "Enter takes it, such as https://host:port/v1 · Esc goes back"
            self._dagtui.push_screen(Entry("address ▸ ", "", hint, refuse=Form.refuse_address), self._addressed)

    def _addressed(self, address: str | None) -> None:
        if address is not None:
            self.query_one(Form).choose_gateway(address)
            self._check()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Bad rows can be left out where there are any, and a run gone on with where one was left."""
        if action == "go_on":
            return self._run is not None
        return bool(self.view and self.view.bad_rows) if action == "bad_rows" else True

    def action_go_on(self) -> None:
        """Say what going on with the last run of this file means."""
        if self._run is not None and not self._starting:
            self._starting = True
            self.run_worker(self._go_on(self._run))

    async def _go_on(self, run: RunInfo) -> None:
        try:
            plan = await self.desk.resumed_plan(run, self.plan)
            going = await self.desk.look_back(run.path, plan)
            self._dagtui.show_contract(going, plan)
        except DagtuiError as error:
            self._refuse(str(error))
        finally:
            self._starting = False

    def action_runs(self) -> None:
        """The runs that there were."""
        self._dagtui.show_runs()

    def action_bad_rows(self) -> None:
        """Leave out the rows that cannot be read, or do not."""
        skip = self.plan.settings.bad_rows == "fail"
        settings = replace(self.plan.settings, bad_rows="skip" if skip else "fail")
        self.plan = replace(self.plan, settings=settings)
        self._check()

    @on(Select.Changed)
    @on(Input.Changed)
    def _changed(self) -> None:
        before = self.plan
        self._check()
        if self.plan != before:
            self._refuse("")

    def on_descendant_focus(self) -> None:
        """What is wrong with the field that has the focus now is told in full."""
        self._explain()

    def _check(self) -> bool:
        """Read the fields, say what is wrong beside each, and tell whether the run may start."""
        form = self.query_one(Form)
        self.plan, wrong = form.read(self.plan)
        if self.view is not None:
            wrong = {**self.desk.problems(self.plan, self.view), **wrong}
        elif problem := self.desk.gateway_problem(self.plan.gateway):
            wrong = {"gateway": problem, **wrong}
        form.tell(self.plan, wrong)
        self._wrong = wrong
        self._explain()
        ready = not wrong and self.view is not None
        if ready and self.plan != self._estimated_for:
            self._estimated_for, self._estimate = self.plan, ""
            self.run_worker(self._foretell(self.plan), group="estimate", exclusive=True)
        self.query_one("#start-note", Static).update(self._readiness(ready=ready))
        self.query_one("#start").set_class(not ready, "-blocked")
        return ready

    async def _foretell(self, plan: Plan) -> None:
        """Say what it will take, once nobody types any more. A large file is not read for it."""
        await asyncio.sleep(_PAUSE)
        if self.view is None or self.view.size > _LARGE or plan.path == "-":
            return
        with suppress(DagtuiError):  # what is wrong is said beside the field, or when it is to start
            self._estimate = await self.desk.estimated(replace(plan, path=str(home(plan.path))))
            if self.is_open:
                self._check()

    def _explain(self) -> None:
        """The one problem that is to be read in full: beside a field, there is seldom room for it."""
        words = self._problem()
        note = self.query_one("#problem", Static)
        note.update(Content.styled(f"✖ {one_line(words, _NOTE)}", "$error"))
        note.display = bool(words)

    def _problem(self) -> str:
        name = self.query_one(Form).first(self._wrong)
        if self._bad_rows_stop and not (name and self.query(f"#{name}:focus")):
            return f"file: {self._wrong['file'].rstrip('.')} (F6)."
        if name:
            return f"{name.replace('_', ' ')}: {self._wrong[name]}"
        return f"not started: {self._refusal}" if self._refusal else ""

    def _refuse(self, refusal: str) -> None:
        """Say why it did not start, until something else is tried."""
        self._refusal = refusal
        self._estimate = ""
        self._estimated_for: Plan | None = None
        self._explain()

    @property
    def _bad_rows_stop(self) -> bool:
        """The preview does not tell of them, as it does of a file that cannot be read at all."""
        return "file" in self._wrong and self.view is not None and not self.view.problem

    def _readiness(self, *, ready: bool) -> Content:
        plan, view, wrong = self.plan, self.view, self._wrong
        if ready and view is not None:
            what = some(view.records, "record") if view.records is not None else "every record"
            left_out = f", {some(view.bad_rows, 'bad row')} left out" if view.bad_rows else ""
            told = f"{what}{left_out}, {at_once(plan.settings)}, through {plan.gateway}"
            if self._run is not None:
                total = UNKNOWN if self._run.total is None else count(self._run.total)
                told += f" · F7 goes on with the last run ({count(self._run.succeeded)} of {total} answered)"
            if self._estimate:
                told += f" · {self._estimate}"
            return Content(one_line(told, _NOTE))
        if "file" in wrong and not self._bad_rows_stop:
            return Content.styled(f"✖ {one_line(wrong['file'], _NOTE)}", "$error")
        if wrong:
            return Content.styled("✖ " + ", ".join(sorted(wrong)) + ": see above", "$error")
        return Content("pick a file first")

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]

    # --- the start ---

    @on(StartButton.Pressed)
    def action_start(self) -> None:
        """Open a session and go to the dashboard, or say what is wrong."""
        if self._starting:
            return
        if not self._check():
            self._dagtui.bell()
            return
        self._starting = True
        self._refuse("")
        self.query_one("#start-note", Static).update("starting …")
        self.run_worker(self._start())

    async def _start(self) -> None:
        try:
            await self._dagtui.open(replace(self.plan, path=str(home(self.plan.path))))
        except DagtuiError as error:
            self._check()
            self._refuse(str(error))
        finally:
            self._starting = False


def _brand() -> Content:
    return Content.assemble(
        Content.styled(" dagtui ", "$background on $accent bold"),
        Content.styled("  a file of records through a model, at the speed of your limit", "$dim"),
    )
