"""The app is left while it still opens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dagtui.core.plan import Plan
from dagtui.tui.app import DagtuiApp
from tests.tui.fakes import FakeDesk, FakeSession


@pytest.mark.parametrize("at_once", [False, True], ids=["setup", "dashboard"])
async def test_whenever_that_is_it_ends_without_a_word(
    folder: Path, capsys: pytest.CaptureFixture[str], at_once: bool
) -> None:
    for steps in (0, 2, 3, 4, 6, 9, 14, 25, 50, 80, 120):  # of the loop
        desk = FakeDesk(folder, FakeSession())
        app = DagtuiApp(Plan(path=str(folder / "emails.csv")), start_at_once=at_once, desk=desk)
        running = asyncio.create_task(app.run_async(headless=True, size=(80, 24)))
        for _ in range(steps):
            await asyncio.sleep(0)
        app.exit()
        await running
        assert app.return_code in (0, None), steps
    assert "Traceback" not in capsys.readouterr().err
