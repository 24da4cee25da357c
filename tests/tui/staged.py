"""Every screen on a stage where nothing moves unless it is told: for golden texts, walks through sizes, storms.

Runs that are looked back on come from journals that the engine wrote in virtual time (the fixture `past`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from textual.pilot import Pilot

from dagtui.past.runs import runs_folder
from dagtui.stories import STORIES
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.compare import CompareScreen
from dagtui.tui.screens.dialogs import Question
from dagtui.tui.screens.preview import PreviewScreen
from dagtui.tui.screens.report import ReportScreen
from tests.journaled import RUN, in_virtual_time, journaled
from tests.kept_runs import kept_run
from tests.tui.conftest import dashboard, setup
from tests.tui.fakes import EPOCH, FakeSession
from tests.tui.test_attached import attached
from tests.tui.test_contract import contract
from tests.tui.test_edit import FakeEditing, editing, warmer
from tests.tui.test_edit import on as shown_then
from tests.tui.test_faults import opened as faults_opened
from tests.tui.test_faults import stage as before_a_simulator
from tests.tui.test_inspector import asked, done
from tests.tui.test_inspector import opened as inspector_opened
from tests.tui.test_replay import press as press_in_replay
from tests.tui.test_replay import replayed
from tests.tui.test_runs_screen import at, listed
from tests.tui.test_triage import Mended, triage

Size: TypeAlias = tuple[int, int]


@dataclass
class Stage:
    """A screen that is shown. `session` is the run that goes on under it, where one does."""

    app: DagtuiApp
    pilot: Pilot[Any]
    session: FakeSession | None = None

    async def play(self, seconds: float) -> None:
        """Let the run go on, and every screen that looks at it look."""
        if self.session is not None:
            self.session.play(seconds)
        for screen in self.app.screen_stack:
            if callable(poll := getattr(screen, "poll", None)):
                poll()
        await self.pilot.pause()


Staging: TypeAlias = "Callable[[Path, Size], AbstractAsyncContextManager[Stage]]"


def wall() -> float:
    """What time it is in virtual time: a recorded run is the same to the second whenever it is made."""
    try:
        return EPOCH + asyncio.get_running_loop().time()
    except RuntimeError:
        return EPOCH


def record() -> None:
    """What there was before: a clean run, one with a failure, one drained, and one with faults."""
    kept_run("20261124-010101-aaaa", ["work", "spam", "work", "work"] * 3)
    kept_run("20261125-010101-bbbb", ["work", "work", "", "spam"] * 3, concurrency=2, latency=0.6)
    kept_run("20261126-010101-cccc", ["x"] * 40, title="tickets.jsonl · triage · portkey", drained=True)
    (journal := _journal()).parent.mkdir(parents=True)
    in_virtual_time(journaled(journal))


def _journal() -> Path:
    return runs_folder() / RUN / "journal.db"


@asynccontextmanager
async def _setup(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with setup(folder, size, path="emails.csv") as (app, pilot):
        app.screen.query_one("#picker").border_subtitle = ""  # the name of a temporary folder
        await pilot.pause()
        yield Stage(app, pilot)


@asynccontextmanager
async def _running(folder: Path, size: Size, *keys: str, **more: Any) -> AsyncIterator[Stage]:
    session = FakeSession(**more)
    async with dashboard(folder, session, size, play=2.6) as (app, pilot):
        await pilot.press(*keys)
        await pilot.pause()
        yield Stage(app, pilot, session)


def _keyed(*keys: str) -> Staging:
    """The dashboard in the middle of a run, and then keys."""
    return lambda folder, size: _running(folder, size, *keys)


@asynccontextmanager
async def _reported(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with _running(folder, size) as stage:
        assert stage.session is not None
        stage.session.play_out()
        while not isinstance(stage.app.screen, ReportScreen):
            await stage.pilot.pause()
        await stage.pilot.pause()
        yield stage


@asynccontextmanager
async def _ended(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with _reported(folder, size) as stage:
        await stage.pilot.press("escape")
        await stage.pilot.pause()
        yield stage


@asynccontextmanager
async def _asking(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with _running(folder, size, "q") as stage:
        while not isinstance(stage.app.screen, Question):
            await stage.pilot.pause()
        await stage.pilot.pause()
        yield stage


@asynccontextmanager
async def _inspector(folder: Path, size: Size) -> AsyncIterator[Stage]:
    session = FakeSession()
    async with dashboard(folder, session, size, play=0.2) as (app, pilot):
        done(session)
        session.given = asked()
        await inspector_opened(app, pilot)
        yield Stage(app, pilot, session)


@asynccontextmanager
async def _triage(folder: Path, size: Size) -> AsyncIterator[Stage]:
    session = Mended()
    async with triage(folder, session, size) as (app, pilot, _):
        await pilot.press("down")
        yield Stage(app, pilot, session)


@asynccontextmanager
async def _faults(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with faults_opened(folder, size, requests_per_minute=3000) as on:
        await on.press("down", "down")
        yield Stage(on.app, on.pilot, on.session)


@asynccontextmanager
async def _story(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with before_a_simulator(folder, size) as on:
        screen: Any = on.app.screen
        screen.tell(STORIES["limits"])
        await on.until(lambda: ("retune", 20) in on.session.calls)
        await on.pilot.press("semicolon", "full_stop")  # held, it does not count its seconds
        await on.until(lambda: on.simulator.knobs.requests_per_minute == 3000)
        screen.poll()
        await on.pilot.pause()
        yield Stage(on.app, on.pilot, on.session)


@asynccontextmanager
async def _edit(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with editing(folder, FakeEditing(), size) as (app, pilot, _, session):
        await warmer(pilot, app)
        yield Stage(app, pilot, session)


@asynccontextmanager
async def _preview(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with _edit(folder, size) as stage:
        await stage.pilot.press("f5")
        await shown_then(stage.pilot, stage.app, PreviewScreen)
        await stage.pilot.pause()
        yield stage


@asynccontextmanager
async def _pilot(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with _running(folder, size) as stage:
        assert stage.session is not None
        stage.app.desk.editing = _examples  # type: ignore[method-assign]
        stage.session._set_phase("paused", "pilot: the first 20 records have ended")
        await stage.play(0)
        screen: Any = stage.app.screen
        while not screen._examples:
            await stage.pilot.pause()
        await stage.pilot.pause()
        yield stage


async def _examples(plan: Any, session: Any) -> Any:
    return FakeEditing(records=["email_0000", "email_0001", "email_0002"])


@asynccontextmanager
async def _contract(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with contract(folder, size) as (app, pilot, _):
        yield Stage(app, pilot)


@asynccontextmanager
async def _runs(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with listed(folder, size) as (app, pilot):
        yield Stage(app, pilot)


@asynccontextmanager
async def _compare(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with listed(folder, size) as (app, pilot):
        await pilot.press("down", "m", "down", "equals_sign")
        await at(pilot, CompareScreen)
        yield Stage(app, pilot)


@asynccontextmanager
async def _replay(folder: Path, size: Size, *keys: str) -> AsyncIterator[Stage]:
    async with replayed(_journal(), folder, size) as (app, pilot, replay):
        await press_in_replay(pilot, replay, "space", *["shift+right"] * 4, *keys)
        yield Stage(app, pilot)


@asynccontextmanager
async def _replayed_report(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with replayed(_journal(), folder, size) as (app, pilot, replay):
        await press_in_replay(pilot, replay, "space", "end")
        await press_in_replay(pilot, replay, "r")
        await pilot.pause()
        yield Stage(app, pilot)


@asynccontextmanager
async def _replayed_request(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with replayed(_journal(), folder, size) as (app, pilot, replay):
        await press_in_replay(pilot, replay, "space", "end")
        await inspector_opened(app, pilot)
        yield Stage(app, pilot)


@asynccontextmanager
async def _attached(folder: Path, size: Size) -> AsyncIterator[Stage]:
    async with attached(folder, size) as (app, pilot, session):
        yield Stage(app, pilot, session)


def _alone(number: int) -> Staging:
    """The panel of that number fills the screen."""

    @asynccontextmanager
    async def staging(folder: Path, size: Size) -> AsyncIterator[Stage]:
        async with _running(folder, size) as stage:
            screen: Any = stage.app.screen
            while screen.enlarged is None:  # one that is in view has the focus first
                await stage.pilot.press(str(number))
            await stage.play(0)
            yield stage

    return staging


STAGES: dict[str, Staging] = {
    "setup": _setup,
    "running": _running,
    "ended": _ended,
    "report": _reported,
    "inspector": _inspector,
    "triage": _triage,
    "faults": _faults,
    "story": _story,
    "edit": _edit,
    "preview": _preview,
    "pilot": _pilot,
    "contract": _contract,
    "runs": _runs,
    "compare": _compare,
    "help": _keyed("question_mark"),
    "themes": _keyed("T"),
    "filter": _keyed("slash", "f", "a"),
    "leaving": _asking,
    "replay": _replay,
    "replayed-report": _replayed_report,
    "replayed-request": _replayed_request,
    "attached": _attached,
}
"""Every screen by the name of its golden text."""

PANELS: dict[str, Staging] = {f"panel-{number}": _alone(number) for number in range(1, 10)}
"""Each panel of the dashboard when it fills the screen."""
