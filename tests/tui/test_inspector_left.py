"""The inspector is left while it still waits for what it asked: nothing of that may bring the program down."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dagtui.tui.screens.dashboard import Dashboard
from tests.tui.conftest import dashboard
from tests.tui.fakes import FakeSession


async def test_what_comes_after_the_inspector_was_left_is_let_go(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        for steps in range(8):  # the answer arrives at another step of the screen's removal each time
            arrived, asked = asyncio.Event(), session.asked

            async def late(seq: int, arrived: asyncio.Event = arrived, asked=asked):
                await arrived.wait()
                return await asked(seq)

            session.asked = late
            await pilot.press("home", "enter")
            await pilot.pause()
            inspector = app.screen
            app.call_next(inspector.dismiss, None)
            for _ in range(steps * 4):
                await asyncio.sleep(0)
            arrived.set()
            await pilot.pause()
            session.asked = asked
        assert isinstance(app.screen, Dashboard)
