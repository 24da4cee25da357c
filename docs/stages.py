"""The stages of the pictures: every screen, in the middle of something, and the same each time.

The runs are those of the tests: a script in a time of its own, journals written in virtual time, and a simulator
that nobody asks. Nothing here looks at a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from dagtui.core.errors import ErrorKind
from dagtui.core.model import AttemptError
from dagtui.io.simulated import SimulatorControl
from dagtui.past.replay import Replay
from dagtui.simulator import Knobs, start
from dagtui.stories import STORIES
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.compare import CompareScreen
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.edit import EditScreen
from dagtui.tui.screens.pilot import PilotScreen
from dagtui.tui.screens.preview import PreviewScreen
from dagtui.tui.screens.replay import ReplayScreen
from dagtui.tui.screens.runs import RunsScreen
from dagtui.tui.watching_app import ReplayApp
from dagtui.tui.widgets.faults import FaultsPanel
from dagtui.tui.widgets.runs_table import RunsTable
from tests.tui import test_inspector as inspected
from tests.tui.fakes import FakeDesk, FakeSession, Plan
from tests.tui.test_edit import EditingDesk, FakeEditing
from tests.tui.test_triage import Mended

Size = tuple[int, int]
Shown = tuple[DagtuiApp, Pilot[int]]
SLOW = AttemptError(ErrorKind.TIMEOUT, "no answer within 60 s", None)
BROKEN = AttemptError(ErrorKind.SERVER, "internal error", 500)


class Still(Replay):
    """Moves only when it is told."""

    def start(self) -> None:
        self.playing = True


def troubled() -> FakeSession:
    """A run of 400 that meets a limit, a broken provider and answers that are no JSON."""
    session = Mended(400, 24, seed=3)
    session.throttling = 0.10
    session.failing = 0.03
    return session


def more_trouble(session: FakeSession) -> None:
    """Attempts of the last records fail in yet other ways."""
    assert isinstance(session, Mended)
    last = len(session.store.state) - 1
    for seq, error in ((last - 29, BROKEN), (last - 28, BROKEN), (last - 20, SLOW)):
        session.waits(seq, error)
    session.fails(last - 10, BROKEN, 3)


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await pilot.pause(0.01)
    for _ in range(3):
        await pilot.pause()


def on(pilot: Pilot[int], kind: type) -> Awaitable[None]:
    return until(pilot, lambda: isinstance(pilot.app.screen, kind))


@asynccontextmanager
async def setup(folder: Path, size: Size) -> AsyncIterator[Shown]:
    app = DagtuiApp(Plan(path="emails.csv"), desk=FakeDesk(folder))  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        app.screen.query_one("#picker").border_subtitle = ""  # the folder, which is another each time
        yield app, pilot


@asynccontextmanager
async def watched(
    folder: Path, size: Size, session: FakeSession | None = None, play: float = 6.0
) -> AsyncIterator[Shown]:
    session = session or troubled()
    desk = EditingDesk(folder, session)
    desk.editing_of = FakeEditing()
    app = DagtuiApp(Plan(path="emails.csv"), start_at_once=True, desk=desk)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await on(pilot, Dashboard)
        session.play(play)
        more_trouble(session)
        await poll(app, pilot)
        yield app, pilot


async def poll(app: DagtuiApp, pilot: Pilot[int]) -> None:
    app.screen.poll()  # type: ignore[attr-defined]
    await pilot.pause()


@asynccontextmanager
async def after(folder: Path, size: Size, *keys: str, wanted: type = object) -> AsyncIterator[Shown]:
    """The dashboard after some keys."""
    async with watched(folder, size) as (app, pilot):
        await pilot.press(*keys)
        await on(pilot, wanted)
        yield app, pilot


def keys(*pressed: str, wanted: type = object) -> Callable[[Path, Size], Any]:
    return lambda folder, size: after(folder, size, *pressed, wanted=wanted)


@asynccontextmanager
async def inspector(folder: Path, size: Size) -> AsyncIterator[Shown]:
    session = troubled()
    async with watched(folder, size, session, 0.2) as (app, pilot):
        inspected.done(session)
        session.given = inspected.asked()
        await inspected.opened(app, pilot)
        yield app, pilot


@asynccontextmanager
async def triage(folder: Path, size: Size) -> AsyncIterator[Shown]:
    session = Mended(target=4)
    async with watched(folder, size, session, 1.0) as (app, pilot):
        session.trouble()
        await poll(app, pilot)
        await pilot.press("g")
        await until(pilot, lambda: not isinstance(app.screen, Dashboard))
        yield app, pilot


@asynccontextmanager
async def simulated(folder: Path, size: Size) -> AsyncIterator[Shown]:
    simulator = await start(Knobs(requests_per_minute=3000, rate_500=0.02))
    session = troubled()
    session.provider = SimulatorControl(simulator.url)
    try:
        async with watched(folder, size, session) as shown:
            yield shown
    finally:
        await simulator.stop()


@asynccontextmanager
async def faults(folder: Path, size: Size) -> AsyncIterator[Shown]:
    async with simulated(folder, size) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: bool(app.screen.query(FaultsPanel)))
        panel = app.screen.query_one(FaultsPanel)
        await until(pilot, lambda: panel._state is not None)
        await pilot.press("left")
        await until(pilot, lambda: not any(worker.group == "faults" for worker in app.workers))
        yield app, pilot


@asynccontextmanager
async def story(folder: Path, size: Size) -> AsyncIterator[Shown]:
    async with simulated(folder, size) as (app, pilot):
        board = app.screen
        assert isinstance(board, Dashboard)
        board.tell(replace(STORIES["limits"], chapters=STORIES["limits"].chapters[:3]))
        session = board.session
        await until(pilot, lambda: ("retune", 20) in session.calls)  # type: ignore[attr-defined]
        board.action_hold_story()
        board.action_chapter(1)
        await until(pilot, lambda: any("2 of 3" in note for note in session.notes))  # type: ignore[attr-defined]
        await poll(app, pilot)
        yield app, pilot


@asynccontextmanager
async def edit(folder: Path, size: Size) -> AsyncIterator[Shown]:
    async with after(folder, size, "E", wanted=EditScreen) as (app, pilot):
        await until(pilot, lambda: app.screen.editing is not None)  # type: ignore[attr-defined]
        app.screen.query_one("#edit-temperature").focus()
        await pilot.press("0", ".", "7")
        for field in (*app.screen.query(Input), *app.screen.query(TextArea)):
            field.cursor_blink = False
        await pilot.pause()
        yield app, pilot


@asynccontextmanager
async def preview(folder: Path, size: Size) -> AsyncIterator[Shown]:
    async with edit(folder, size) as (app, pilot):
        await pilot.press("f5")
        await on(pilot, PreviewScreen)
        await until(pilot, lambda: not any(worker.group == "preview" for worker in app.workers))
        yield app, pilot


@asynccontextmanager
async def at_gate(folder: Path, size: Size) -> AsyncIterator[Shown]:
    session = troubled()
    async with watched(folder, size, session, 2.0) as (app, pilot):
        session._set_phase("paused", "pilot: the first 20 records have ended")
        await poll(app, pilot)
        await on(pilot, PilotScreen)
        await until(pilot, lambda: bool(app.screen._examples))  # type: ignore[attr-defined]
        yield app, pilot


@asynccontextmanager
async def report(folder: Path, size: Size) -> AsyncIterator[Shown]:
    session = troubled()
    async with watched(folder, size, session) as (app, pilot):
        session.play_out()
        await poll(app, pilot)
        await until(pilot, lambda: not isinstance(app.screen, Dashboard))
        yield app, pilot


@asynccontextmanager
async def runs(folder: Path, size: Size) -> AsyncIterator[Shown]:
    app = DagtuiApp(Plan(), desk=FakeDesk(folder))  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("f4")
        await on(pilot, RunsScreen)
        await until(pilot, lambda: not app.screen.query_one(RunsTable).reading)
        await app.workers.wait_for_complete()
        await pilot.press("end", "m", "up")
        await pilot.pause()
        yield app, pilot


@asynccontextmanager
async def compare(folder: Path, size: Size) -> AsyncIterator[Shown]:
    async with runs(folder, size) as (app, pilot):
        await pilot.press("m", "equals_sign")
        await on(pilot, CompareScreen)
        yield app, pilot


@asynccontextmanager
async def replay(folder: Path, size: Size) -> AsyncIterator[Shown]:
    played = Still(folder.parent / "journal.db")
    app = ReplayApp(played, Plan(), desk=FakeDesk(folder))  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await on(pilot, ReplayScreen)
        await pilot.press("space", *["shift+right"] * 3)
        played.settle()
        await poll(app, pilot)  # type: ignore[arg-type]
        yield app, pilot  # type: ignore[misc]


STAGES: Mapping[str, Callable[[Path, Size], Any]] = {
    "setup": setup,
    "dashboard": watched,
    "panel": keys("2", "2"),
    "inspector": inspector,
    "triage": triage,
    "faults": faults,
    "story": story,
    "edit": edit,
    "preview": preview,
    "pilot": at_gate,
    "report": report,
    "runs": runs,
    "compare": compare,
    "help": keys("question_mark"),
    "themes": keys("T"),
    "replay": replay,
}
