"""A run that was, on the screen: the same panels, and keys that move through its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dagtui.past.replay import Replay
from dagtui.tui.screens.replay import ReplayScreen
from dagtui.tui.screens.report import ReportScreen
from dagtui.tui.watching_app import ReplayApp
from tests.journaled import in_virtual_time, journaled
from tests.tui.conftest import text
from tests.tui.fakes import FakeDesk, Plan


class Still(Replay):
    """Moves only when it is told."""

    def start(self) -> None:
        self.playing = True


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "journal.db"
    in_virtual_time(journaled(path))
    return path


@asynccontextmanager
async def replayed(
    journal: Path, folder: Path, size: tuple[int, int] = (160, 48)
) -> AsyncIterator[tuple[ReplayApp, Pilot[int], Still]]:
    replay = Still(journal)
    app = ReplayApp(replay, Plan(), desk=FakeDesk(folder))  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        while not isinstance(app.screen, ReplayScreen):
            await pilot.pause()
        await pilot.pause()
        yield app, pilot, replay


async def press(pilot: Pilot[int], replay: Still, *keys: str) -> None:
    await pilot.press(*keys)
    replay.settle()
    if isinstance(pilot.app.screen, ReplayScreen):
        pilot.app.screen.poll()
    await pilot.pause()


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_keys_move_through_the_run(journal: Path, folder: Path, size: tuple[int, int]) -> None:
    async with replayed(journal, folder, size) as (app, pilot, replay):
        assert "replay of x.csv · ask" in text(app)
        assert "Quit" in text(app)
        await press(pilot, replay, "space")
        assert not replay.playing
        await press(pilot, replay, "right", "right", "shift+right")
        step = replay.position / 12
        assert step > 0
        await press(pilot, replay, "left")
        assert replay.position == pytest.approx(11 * step)
        await press(pilot, replay, "end")
        assert replay.at_end
        assert "◆ ended" in text(app)
        await press(pilot, replay, "home")
        assert replay.position == 0
        assert " in flight of 8" in text(app)
        await press(pilot, replay, ">", ">", "<")
        assert replay.speed == 2
        assert "2×" in text(app)


async def test_a_click_on_the_bar_goes_there(journal: Path, folder: Path) -> None:
    async with replayed(journal, folder) as (_, pilot, replay):
        await pilot.click("#scrubber", offset=(90, 0))
        replay.settle()
        assert 0.3 * replay.length < replay.position < 0.7 * replay.length


async def test_the_report_comes_at_the_end_and_nothing_can_be_begun_or_steered(
    journal: Path, folder: Path
) -> None:
    async with replayed(journal, folder) as (app, pilot, replay):
        await press(pilot, replay, "r", "d", "c", "plus", "5")
        assert isinstance(app.screen, ReplayScreen)
        await press(pilot, replay, "end")
        await press(pilot, replay, "r")
        assert isinstance(app.screen, ReportScreen)
        assert "ended with failures" in text(app)
        assert "New run" not in text(app)
        await press(pilot, replay, "n")
        assert isinstance(app.screen, ReportScreen)
        await press(pilot, replay, "q")
    assert app.return_value == 0
