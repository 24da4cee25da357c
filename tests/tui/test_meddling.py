"""Keys that act on the request under the cursor, wherever that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagtui.core.store import State
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.tail import TailPanel
from tests.tui.conftest import dashboard, text
from tests.tui.fakes import FakeSession


@pytest.mark.parametrize(
    ("key", "command", "told"),
    [("x", "abort", "attempt cancelled"), ("X", "skip", "skipped"), ("h", "hedge", "sent once more")],
)
async def test_the_oldest_in_flight_is_acted_on(folder: Path, key: str, command: str, told: str) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("8", key)
        await pilot.pause()
        seq = session.snapshot().tail[0].seq
        assert session.calls[-1] == (command, (seq,))
        assert f"{session.store.record_id(seq)}: {told}" in text(app)


async def test_a_request_that_is_done_is_asked_again_from_the_table_and_the_map(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=3.0) as (app, pilot):
        done = session.store.state.find(State.SUCCEEDED)
        app.screen.query_one(RequestsTable).select(done)
        await pilot.press("R")
        await pilot.pause()
        assert "Another one takes its place, and is paid for too." in text(app)
        await pilot.press("n")
        assert ("retry", (done,)) not in session.calls
        await pilot.press("R")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert session.calls[-1] == ("retry", (done,))
        await pilot.press("9", "home", "right", "R")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert app.screen.query_one(RequestMap).has_focus
        assert session.calls[-1] == ("retry", (1,))


async def test_what_cannot_be_done_is_said(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=3.0) as (app, pilot):
        done = session.store.state.find(State.SUCCEEDED)
        app.screen.query_one(RequestsTable).select(done)
        await pilot.press("x")
        await pilot.pause()
        assert "stays as it is: it is not in flight" in text(app)
        await pilot.press("3", "x")
        await pilot.pause()
        assert "There is no single request under a cursor here." in text(app)


async def test_a_cell_of_many_is_no_request(folder: Path) -> None:
    session = FakeSession(20_000)
    async with dashboard(folder, session, play=1.0) as (_, pilot):
        await pilot.press("9", "R")
        assert not [call for call in session.calls if call[0] == "retry"]


async def test_enter_on_the_oldest_inspects_it(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("8", "down")
        seq = app.screen.query_one(TailPanel).selected
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, InspectorScreen)
        assert app.screen.seq == seq


async def test_after_the_end_nothing_is_acted_on(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (_, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.press("escape", "x", "X", "h")
        assert not [call for call in session.calls if call[0] in ("abort", "skip", "hedge")]
