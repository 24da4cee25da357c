"""The dashboard of a run that goes on elsewhere: its keys follow the connection, leaving it leaves it alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dagtui.tui.screens.attached import AttachedScreen
from dagtui.tui.screens.dialogs import Question
from dagtui.tui.screens.report import ReportScreen
from dagtui.tui.watching_app import AttachedApp
from tests.tui.conftest import text
from tests.tui.fakes import FakeDesk, FakeSession, Plan


class Elsewhere(FakeSession):
    """As `Attached`, but played by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.title = f"attached: {self.title}"
        self.steerable = True
        self.trouble = lambda told: None


@asynccontextmanager
async def attached(
    folder: Path, size: tuple[int, int] = (160, 48)
) -> AsyncIterator[tuple[AttachedApp, Pilot[int], Elsewhere]]:
    session = Elsewhere()
    desk = FakeDesk(folder)
    desk.run = "run-1"
    app = AttachedApp(session, Plan(), desk=desk)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        while not isinstance(app.screen, AttachedScreen):
            await pilot.pause()
        session.play(1.0)
        app.screen.poll()
        await pilot.pause()
        yield app, pilot, session


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_it_is_steered_like_any_run_and_left_running(folder: Path, size: tuple[int, int]) -> None:
    async with attached(folder, size) as (app, pilot, session):
        assert "attached: emails.csv" in text(app)
        await pilot.press("plus")
        assert ("retune", 11) in session.calls
        await pilot.press("q")
        await pilot.pause()
        assert "leave it running" in text(app)
        await pilot.press("enter")
        await pilot.pause()
    assert app.return_value == 0
    assert "drain" not in session.calls
    assert "cancel" not in session.calls[: session.calls.index("aclose")]
    assert app.farewell == ["left running; to come back to it: dagtui attach run-1"]


async def test_a_run_that_takes_no_commands_offers_none(folder: Path) -> None:
    async with attached(folder) as (app, pilot, session):
        assert "Drain" in text(app)
        session.steerable = False
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        await pilot.press("plus", "a", "p", "d", "5")
        assert "Drain" not in text(app)
        assert session.calls == ["start"]
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        assert "drain it" not in text(app)


async def test_it_can_be_drained_on_the_way_out_and_its_exit_code_is_the_runs(folder: Path) -> None:
    async with attached(folder) as (app, pilot, session):
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("d")
        async with asyncio.timeout(10):
            while "drain" not in session.calls:
                await pilot.pause()
        session.play_out()
        await app.workers.wait_for_complete()
    assert app.return_value == 130


async def test_the_end_is_shown_with_its_report_and_no_new_run_is_offered(folder: Path) -> None:
    async with attached(folder) as (app, pilot, session):
        session.failing = 0.2
        session.play_out()
        async with asyncio.timeout(10):
            while not isinstance(app.screen, ReportScreen):
                await pilot.pause()
        await pilot.pause()
        assert "ended with failures" in text(app)
        assert "New run" not in text(app)
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == 3
    assert "failed" in app.farewell[0]


async def test_a_signal_ends_the_watching_and_not_the_run(folder: Path) -> None:
    async with attached(folder) as (app, pilot, session):
        app.leave_for_signal("SIGTERM")
        await pilot.pause()
    assert app.return_value == 130
    assert "drain" not in session.calls
