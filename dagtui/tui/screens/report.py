"""The closing report as a screen. The words come from core, so that the shell says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from dagtui.core.errors import DagtuiError
from dagtui.core.report import Kept, Section, is_unfinished, report
from dagtui.core.text import one_line, visible
from dagtui.tui.paths import tail
from dagtui.tui.screens.dialogs import converse
from dagtui.tui.screens.export import Exported, ask_and_export, ask_and_write, suggested_report
from dagtui.tui.screens.fitted import TOO_SMALL, FittedScreen
from dagtui.tui.sheet import Line, Sheet, fit, gauge, wrapped
from dagtui.tui.widgets.keys import Keys
from dagtui.tui.widgets.report_charts import LatencyChart, MoneyChart, OutcomesChart, SpeedChart
from dagtui.watched import own_title

if TYPE_CHECKING:
    from pathlib import Path

    from dagtui.core.causes import Causes
    from dagtui.core.result import RunResult
    from dagtui.core.run_settings import RunSettings
    from dagtui.plan import Plan
    from dagtui.tui.app import DagtuiApp
    from dagtui.watched import Watched


class Told(Exported, Protocol):
    """A run as far as its report asks for it."""

    @property
    def settings(self) -> RunSettings: ...
    @property
    def journal_path(self) -> Path | None: ...
    @property
    def causes(self) -> Causes: ...


_SPEECH = {
    "complete": ("◆ complete", "done+"),
    "partial": ("◆ ended with failures", "failed+"),
    "drained": ("▽ drained", "warn+"),
    "cancelled": ("◌ cancelled", "warn+"),
    "stopped": ("✖ stopped", "failed+"),
    "running": ("▶ running", "running+"),
}


class ReportScreen(FittedScreen):
    """Every figure of the run that has ended, and what to change next time."""

    CSS_PATH = "../styles/report.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,r", "leave", "Back", id="report.back"),
        Binding("n", "new_run", "New run", id="report.new"),
        Binding("e", "export", "Export", id="report.export"),
        Binding("w", "write", "Save as HTML", id="report.write"),
        Binding("g", "go_on", "Go on", id="report.go"),
        Binding("f", "triage", "Failures by cause", id="report.triage"),
        Binding("q", "app.leave", "Quit", id="app.quit"),
    ]

    def __init__(
        self,
        session: Told,
        result: RunResult,
        kept: Kept,
        plan: Plan | None = None,
        max_tokens: int | None = None,
        *,
        running: bool = False,
    ) -> None:
        super().__init__()
        self.session = session
        self.result = result
        self._kept = kept
        self._plan = plan  # of a run that is not the app's own
        self._max_tokens = max_tokens
        self._outcome = "running" if running else result.outcome

    def compose(self) -> ComposeResult:
        """The outcome, then the sections in columns where there is room."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        snapshot = self.result.snapshot
        sections = report(
            snapshot,
            self._kept,
            self.result.audit,
            settings=self.session.settings,
            title=own_title(self.session.title),
            max_tokens=self._max_tokens,
            causes=self.session.causes.groups,
        )
        advice = [section for section in sections if not section.rows[0][0]]
        wide = [section for section in sections if section.verbatim]
        tables = [section for section in sections if section not in (*advice, *wide)]
        yield Outcome(self.session.title, self._outcome, self.result.reason)
        with VerticalScroll(id="report"):
            with Container(id="report-charts"):
                yield SpeedChart(snapshot)
                yield LatencyChart(snapshot)
                yield OutcomesChart(snapshot)
                yield MoneyChart(snapshot)
            for section in advice:
                text = "\n".join(f"▸ {visible(value)}" for _, value in section.rows)
                hint = Static(Content(text), id="report-hints")
                hint.border_title = "next time"
                yield hint
            with Container(id="report-columns"):
                for column in _balanced(tables, 2):
                    with Container(classes="report-column"):
                        for section in column:
                            yield SectionSheet(section)
            for section in wide:
                yield SectionSheet(section)
        yield Keys()

    def on_mount(self) -> None:
        """Arrow keys scroll at once."""
        self.query_one("#report").focus()

    def action_leave(self) -> None:
        """Back to the dashboard."""
        self.dismiss(None)

    def action_new_run(self) -> None:
        """Another run."""
        converse(self._dagtui, "new run", self._dagtui.new_run)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A run can be gone on with where something of it is left."""
        begins = self._dagtui.BEGINS_RUNS  # who only looks at a run begins none
        if action == "go_on":
            left = self._outcome != "running" and is_unfinished(self.result.snapshot)
            return begins and self._kept.run is not None and left
        if action == "triage":  # of a run of which only its figures are at hand, there are no requests to look at
            return hasattr(self.session, "store")
        return begins or action != "new_run"

    def action_go_on(self) -> None:
        """Ask again what failed or was not asked, after saying what that means."""
        converse(self._dagtui, "go on", self._go_on)

    async def _go_on(self) -> None:
        path = self.session.journal_path
        if path is not None:
            try:
                await self._dagtui.look_back(path, self._plan)
            except DagtuiError as error:
                told = one_line(str(error), 400)
                self.notify(told, title="Not gone on", severity="error", markup=False, timeout=20)

    def action_triage(self) -> None:
        """What went wrong, grouped by cause."""
        from dagtui.tui.screens.triage import TriageScreen  # imported when asked for

        self._dagtui.push_screen(TriageScreen(cast("Watched", self.session)))

    def action_export(self) -> None:
        """Write the results somewhere."""
        converse(self, "export", lambda: ask_and_export(self._dagtui, self.session))

    def action_write(self) -> None:
        """Write the report as a file to be sent."""
        path = suggested_report(self.session)
        converse(self, "write", lambda: ask_and_write(self._dagtui, self._write, path))

    def _write(self, target: Path, overwrite: bool) -> None:
        from dagtui.past.report_file import write_live  # imported when asked for

        title, settings = own_title(self.session.title), self.session.settings
        journal = self.session.journal_path
        told = self.result, self._outcome
        write_live(title, *told, self._kept, settings, journal, target, overwrite=overwrite)

    @property
    def _dagtui(self) -> DagtuiApp:
        return cast("DagtuiApp", self.app)  # pyright: ignore[reportUnknownMemberType]


class Outcome(Sheet):
    """The first line of the report."""

    def __init__(self, title: str, outcome: str, reason: str) -> None:
        super().__init__(id="report-outcome")
        self._title = title
        self._outcome = outcome
        self._reason = reason

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """What was run and how it ended."""
        words, role = _SPEECH[self._outcome]
        title = fit(self._title, max(0, width - len(words) - 2)).rstrip()
        reason = fit(self._reason, width).rstrip()
        return (((title, "accent+"), ("  ", "text"), (words, role)), ((reason, "dim"),))


class SectionSheet(Sheet):
    """One section as a bordered table."""

    def __init__(self, section: Section) -> None:
        super().__init__(classes="report-section")
        self._section = section

    def on_mount(self) -> None:
        """Title it."""
        self.entitle(self._section.title.lower())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the values need."""
        return len(self.draw(width, 0))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Labels, values beside them, and bars between the two where there are shares."""
        section = self._section
        if section.verbatim:
            return _verbatim(section, width)
        labels = min(max(len(label) for label, _ in section.rows), width // 2)
        values = max(len(value) for _, value in section.rows)
        room = max(1, width - labels - 2)
        lines: list[Line] = []
        for number, (label, value) in enumerate(section.rows):
            name = (fit(label, labels) + "  ", "dim")
            if section.shares:
                bar = gauge(section.shares[number], max(0, room - values - 2), "chart", track=" ")
                lines.append((name, *bar, ("  " + fit(value, values, right=True), "text+")))
                continue
            role = "money+" if value.startswith("$") else "text+"
            first, *rest = wrapped(value, room)
            lines.append((name, (first, role)))
            lines += [((" " * (labels + 2), "dim"), (line, role)) for line in rest]
        return lines


def _verbatim(section: Section, width: int) -> list[Line]:
    """Values to be copied: beside their labels, or on lines of their own; cut only where even those are short."""
    labels = max(len(label) for label, _ in section.rows)
    lines: list[Line] = []
    for label, value in section.rows:
        name = (fit(label, labels) + "  ", "dim")
        if cell_len(visible(value)) <= width - labels - 2:
            lines.append((name, (visible(value), "text+")))
        else:
            lines += [(name,), ((tail(value, width), "text+"),)]
    return lines


def _balanced(sections: Sequence[Section], columns: int) -> list[list[Section]]:
    """`sections` in order over `columns`, about equally tall."""
    heights = [len(section.rows) + 2 for section in sections]
    goal = sum(heights) / columns
    result: list[list[Section]] = [[]]
    used = 0.0
    for section, height in zip(sections, heights, strict=True):
        if used + height / 2 > goal * len(result) and len(result) < columns:
            result.append([])
        result[-1].append(section)
        used += height
    return result
