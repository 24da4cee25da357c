"""What the screens look like, as text, at the two sizes that they are designed for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dagtui.tui.app import DagtuiApp
from tests.tui.conftest import dashboard, setup
from tests.tui.fakes import FakeDesk, FakeSession

SIZES = [(160, 48), (80, 24)]
Golden = Callable[[str, DagtuiApp], None]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_setup(folder: Path, golden: Golden, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    desk = FakeDesk(folder)
    async with setup(folder, size, desk, path="emails.csv") as (app, pilot):
        app.screen.query_one("#picker").border_subtitle = ""
        await pilot.pause()
        golden(f"setup-{size[0]}x{size[1]}", app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_dashboard_in_the_middle_of_a_run(folder: Path, golden: Golden, size: tuple[int, int]) -> None:
    async with dashboard(folder, FakeSession(), size, play=2.6) as (app, _):
        golden(f"running-{size[0]}x{size[1]}", app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_report_and_dashboard_after_the_end(folder: Path, golden: Golden, size: tuple[int, int]) -> None:
    session = FakeSession()
    async with dashboard(folder, session, size) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.pause()
        golden(f"report-{size[0]}x{size[1]}", app)
        await pilot.press("escape")
        await pilot.pause()
        golden(f"ended-{size[0]}x{size[1]}", app)
