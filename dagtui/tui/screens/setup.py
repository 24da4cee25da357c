"""What to run: a file, a task, a gateway, and how hard to push. What is wrong is said beside the field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from dagtui.core.errors import DagtuiError
from dagtui.core.text import one_line
from dagtui.tui.screens.export import home, tilde
from dagtui.tui.screens.fitted import FittedScreen
from dagtui.tui.screens.numbers import NUMBERS, settings_from
from dagtui.tui.widgets.files import FileList, Preview
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.start import StartButton

if TYPE_CHECKING:
    from dagtui.plan import InputView, Plan
    from dagtui.tui.app import DagtuiApp
    from dagtui.tui.desk import Desk

_NOTE = 200
_LABELS = {"task": "task", "gateway": "gateway"} | {number.name: number.label for number in NUMBERS}


class SetupScreen(FittedScreen):
    """Makes a plan, and starts it when nothing is wrong with it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "start", "Start", key_display="F5", id="setup.start", priority=True),
        Binding("f2", "samples", "Sample data", key_display="F2", id="setup.samples"),
        Binding("f3", "type_path", "Type a path", key_display="F3", id="setup.path"),
        Binding("ctrl+q", "app.leave", "Quit", key_display="^q", id="setup.quit", priority=True),
    ]

    def __init__(self, plan: Plan, desk: Desk) -> None:
        super().__init__()
        self.plan = plan
        self.desk = desk
        self.view: InputView | None = None
        self._starting = False

    def compose(self) -> ComposeResult:
        """Picker and preview above, the settings below, the start at the end of the tab order."""
        plan = self.plan
        yield Static(_brand(), id="brand")
        with Horizontal(id="pick"):
            with Container(id="picker") as picker:
                picker.border_title = "file"
                yield Input(
                    plan.path, placeholder="path of a file", compact=True, id="path", select_on_focus=False
                )
                yield FileList(id="files")
            yield Preview(id="preview")
        with Horizontal(id="settings") as settings:
            settings.border_title = "run"
            yield Static("\n".join(_LABELS.values()), id="labels")
            with Container(id="fields"):
                yield _choice("task", [choice.name for choice in self.desk.task_choices()], plan.task)
                yield _choice("gateway", [choice.name for choice in self.desk.gateway_choices()], plan.gateway)
                for number in NUMBERS:
                    shown = number.shown(plan.settings)
                    yield Input(shown, placeholder=number.placeholder, compact=True, id=number.name)
            yield Static("", id="notes", markup=False)
        with Horizontal(id="start-line"):
            yield StartButton("Start  F5", id="start")
            yield Static("", id="start-note", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """List the folder and look at the file that the plan names."""
        path = Path(self.plan.path).expanduser() if self.plan.path else None
        folder = path.parent if path is not None and path.parent.is_dir() else Path.cwd()
        self._list(folder.resolve(), at=path.resolve() if path is not None else None)
        if self.plan.path:
            self._look(self.plan.path)
        self.query_one(FileList).focus()
        self._check()

    # --- the file ---

    @on(FileList.Opened)
    def _opened(self, event: FileList.Opened) -> None:
        if event.is_folder:
            self._list(event.path, at=self.query_one(FileList).folder)
        else:
            self._pick(event.path)

    @on(Input.Submitted, "#path")
    def _typed(self, event: Input.Submitted) -> None:
        path = Path(event.value.strip()).expanduser()
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
        """Put the cursor into the path."""
        self.query_one("#path").focus()

    def _list(self, folder: Path, at: Path | None = None) -> None:
        try:
            entries = self.desk.candidates(folder)
        except OSError as error:
            self.notify(f"{folder} cannot be listed: {error.strerror}.", severity="error", markup=False)
            return
        self.query_one(FileList).list(folder, entries, at)
        self.query_one("#picker").border_subtitle = cast("str", Content(one_line(tilde(folder), _NOTE)))

    def _pick(self, path: Path) -> None:
        if path.parent.is_dir() and path.parent.resolve() != self.query_one(FileList).folder:
            self._list(path.parent.resolve(), at=path.resolve())
        self.query_one("#path", Input).value = str(path)
        self._look(str(path))

    def _look(self, path: str) -> None:
        self.plan = replace(self.plan, path=path)
        self.view = None
        self.query_one(Preview).wait(path)
        self.query_one(FileList).mark(None)
        self.run_worker(self._look_and_show(path), group="look", exclusive=True)

    async def _look_and_show(self, path: str) -> None:
        self.view = await self.desk.look_at(str(home(path)) if path != "-" else path)
        self.query_one(Preview).show(self.view)
        if not self.view.problem:
            self.query_one(FileList).mark(home(path).resolve())
        self._check()

    # --- the settings ---

    @on(Select.Changed)
    @on(Input.Changed)
    def _changed(self) -> None:
        self._check()

    def _check(self) -> bool:
        """Read the fields, say what is wrong beside each, and tell whether the run may start."""
        settings, wrong = settings_from(self.plan.settings, {n.name: self._value(n.name) for n in NUMBERS})
        self.plan = replace(
            self.plan, settings=settings, task=self._chosen("task"), gateway=self._chosen("gateway")
        )
        if self.view is not None:
            wrong = {**self.desk.problems(self.plan, self.view), **wrong}
        self._tell(wrong)
        ready = not wrong and self.view is not None
        self._say_ready(wrong, ready=ready)
        return ready

    def _say_ready(self, wrong: dict[str, str], *, ready: bool) -> None:
        note = self.query_one("#start-note", Static)
        if ready:
            records = self.view.records if self.view else None
            what = f"{records:,} records" if records is not None else "every record"
            concurrency = self.plan.settings.concurrency
            note.update(f"{what}, {concurrency:,} at once, through {self.plan.gateway}")
        elif "file" in wrong:
            note.update(Content.styled(f"✖ {one_line(wrong['file'], _NOTE)}", "$error"))
        elif wrong:
            note.update(Content.styled("✖ " + ", ".join(sorted(wrong)) + ": see above", "$error"))
        else:
            note.update("pick a file first")
        self.query_one("#start").set_class(not ready, "-blocked")

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _chosen(self, name: str) -> str:
        value = cast("Select[str]", self.query_one(f"#{name}", Select)).value
        return value if isinstance(value, str) else cast("str", getattr(self.plan, name))

    def _tell(self, wrong: dict[str, str]) -> None:
        """Beside each field, what it is about or what is wrong with it."""
        notes = {number.name: number.note(self._value(number.name)) for number in NUMBERS}
        tasks = {choice.name: f"{choice.description} · {choice.model}" for choice in self.desk.task_choices()}
        notes["task"] = tasks.get(self.plan.task, "")
        gateways = {choice.name: choice.description for choice in self.desk.gateway_choices()}
        notes["gateway"] = gateways.get(self.plan.gateway, "")
        if self.plan.gateway in gateways and (unready := self.desk.gateway_problem(self.plan.gateway)):
            wrong = {"gateway": unready, **wrong}
        lines = [
            Content.styled(f"✖ {one_line(wrong[name], _NOTE)}", "$error")
            if name in wrong
            else Content(one_line(notes[name], _NOTE))
            for name in _LABELS
        ]
        self.query_one("#notes", Static).update(Content("\n").join(lines))

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
        self.query_one("#start-note", Static).update("starting …")
        self.run_worker(self._start())

    async def _start(self) -> None:
        try:
            await self._dagtui.open(replace(self.plan, path=str(home(self.plan.path))))
        except DagtuiError as error:
            self.query_one("#start-note", Static).update(
                Content.styled(f"✖ {one_line(str(error), 400)}", "$error")
            )
        finally:
            self._starting = False


def _choice(name: str, choices: list[str], chosen: str) -> Select[str]:
    names = choices if chosen in choices else [*choices, chosen]
    options = [(Content(one_line(text, 60)), text) for text in names]
    return Select(cast("list[tuple[str, str]]", options), value=chosen, allow_blank=False, compact=True, id=name)


def _brand() -> Content:
    return Content.assemble(
        Content.styled(" dagtui ", "$background on $accent bold"),
        Content.styled("  a file of records through a model, at the speed of your limit", "$dim"),
    )
