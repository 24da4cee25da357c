"""The pilot's summary: it comes by itself when the run stands at its gate, and answers with a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Entry
from dagtui.tui.screens.pilot import PilotScreen
from tests.tui.conftest import dashboard, text
from tests.tui.fakes import FakeSession
from tests.tui.test_edit import FakeEditing
from tests.tui.test_hostile_text import HOSTILE

GATE = "pilot: the first 20 records have ended"


def at_gate(app, session: FakeSession) -> None:
    session._set_phase("paused", GATE)
    assert isinstance(app.screen, Dashboard)
    app.screen.poll()


async def editing(self, plan, session) -> FakeEditing:
    return FakeEditing(records=[HOSTILE[2], "email_0001", "email_0002"])


@pytest.fixture(autouse=True)
def _examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tui.fakes.FakeDesk.editing", editing, raising=False)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36), (240, 70)])
async def test_the_summary_comes_by_itself_with_figures_and_examples(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession()
    async with dashboard(folder, session, size, play=2.6) as (app, pilot):
        at_gate(app, session)
        await pilot.pause()
        while not app.screen._examples:  # type: ignore[attr-defined]
            await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, PilotScreen)
        shown = text(app)
        assert "The first 56 of 100 requests have ended" in " ".join(shown.split())
        assert "y go on   n end here   E edit   Esc look around" in shown
        assert "■ done" in shown
        if size[1] >= 24:
            assert "98.2%" in shown
            assert "work 20 · spam 17" in shown
            assert "p50 0.35 s" in shown
            assert "projected" in shown
        if size[1] >= 36:
            assert "[@click=app" in shown
            assert "work · A meeting" in shown


@pytest.mark.parametrize(
    ("key", "call"), [("y", "resume"), ("enter", "resume"), ("n", "drain"), ("d", "drain"), ("escape", "start")]
)
async def test_a_key_decides(folder: Path, key: str, call: str) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.6) as (app, pilot):
        at_gate(app, session)
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        assert session.calls[-1] == call
        if key == "escape":
            app.screen.poll()  # type: ignore[attr-defined]
            await pilot.pause()
            assert isinstance(app.screen, Dashboard), "it is not asked again by itself"
            await pilot.press("P")
            await pilot.pause()
            assert isinstance(app.screen, PilotScreen)
            await pilot.press("escape")
            await pilot.press("p")
            assert session.calls[-1] == "resume"


async def test_it_waits_until_nobody_is_in_the_middle_of_something(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.6) as (app, pilot):
        board = app.screen
        await pilot.press("b")
        await pilot.pause()
        session._set_phase("paused", GATE)
        board.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert isinstance(app.screen, Entry)
        await pilot.press("escape")
        await pilot.pause()
        board.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert isinstance(app.screen, PilotScreen)


async def test_an_ordinary_pause_has_no_summary(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.6) as (app, pilot):
        await pilot.press("p")
        await pilot.pause()
        await pilot.press("P")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
