"""Every key of the dashboard on a run that goes on: it does something that shows, and Esc leads back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.widget import Widget

from dagtui.tui.doable import doable, elsewhere
from dagtui.tui.keymap import every_action
from dagtui.tui.screens.dashboard import Dashboard
from tests.tui.conftest import dashboard, text
from tests.tui.fakes import FakeSession
from tests.tui.test_edit import FakeEditing

ENDS = {"app.quit-anywhere"}  # the key of the terminal, which asks as q does


async def editing(plan: Any, session: Any) -> FakeEditing:
    return FakeEditing()


async def test_each_key_acts_or_says_why_not_and_escape_leads_back(folder: Path, past: None) -> None:
    session = FakeSession()
    async with dashboard(folder, session, (160, 48), play=2.0) as (app, pilot):
        app.desk.editing = editing  # type: ignore[method-assign]
        board = app.screen
        tried: set[str] = set()
        for able in [*doable(board), *elsewhere(board)]:
            if not able.enabled or able.id in ENDS:
                continue
            if isinstance(able.node, Widget) and able.node is not board and able.node.focusable:
                board.set_focus(able.node)
            before = await state(app, pilot, session)
            await pilot.press(able.key)
            after = await state(app, pilot, session)
            assert after != before or able.moves, f"{able.id} ({able.key}) does nothing that shows"
            tried.add(able.id)
            await back(app, pilot, board)
        steering = {name for name, able in every_action().items() if able.place == "Dashboard" and "run." in name}
        assert steering - tried <= {"run.new", "run.pilot", "run.faults"}  # which are for other times


async def state(app: Any, pilot: Any, session: FakeSession) -> tuple[Any, ...]:
    """All that a key may change."""
    await pilot.pause()
    if isinstance(app.screen, Dashboard):
        app.screen.poll()
        await pilot.pause()
    return text(app), len(session.calls), len(app._notifications), app.screen, app.focused


async def back(app: Any, pilot: Any, board: Any) -> None:
    """Esc, as often as it takes."""
    for _ in range(5):
        if app.screen is board and board.enlarged is None:
            break
        await pilot.press("escape")
        await pilot.pause()
    assert app.screen is board
    assert board.enlarged is None
    if board._phase == "paused":
        await pilot.press("p")
