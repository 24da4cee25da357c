"""The map of the requests: its cells, its cursor, what it tells and where it leads."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dagtui.core.events import AttemptStarted, RecordRead, RequestEnded
from dagtui.core.model import Cancelled, Success, Usage
from dagtui.core.stats import Stats
from dagtui.core.store import LAST_CHANGES, State
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.sheet import length
from dagtui.tui.widgets.buckets import Buckets
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from tests.tui.conftest import dashboard, text
from tests.tui.fakes import FakeSession


async def on_map(app, pilot) -> RequestMap:
    panel = app.screen.query_one(RequestMap)
    panel.focus()
    await pilot.pause()
    return panel


async def told(app, pilot) -> str:
    await pilot.pause()
    await pilot.pause()
    return str(app.screen.query_one(RequestMap).border_subtitle)


async def test_the_map_has_a_cell_a_request_then_buckets(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.0) as (app, _):
        panel = app.screen.query_one(RequestMap)
        cells = "".join(part for line in panel.draw(50, 12) for part, _ in line)
        assert len(cells.replace(" ", "")) == 100
        assert cells.count("■") == panel.snapshot.counts.succeeded  # type: ignore[union-attr]
        lines = panel.draw(5, 4)
        assert len(lines) == 4
        assert all(length(line) == 5 for line in lines)


async def test_where_a_cell_stands_for_many_the_map_says_for_how_many(folder: Path) -> None:
    async with dashboard(folder, FakeSession(20_000), play=40.0) as (app, pilot):
        await pilot.pause()
        assert "a cell is 53 requests" in text(app)


def test_buckets_that_follow_a_run_are_those_of_a_look_at_all_of_it() -> None:
    dice, stats = random.Random(2), Stats(("x",), 10)
    buckets, read = Buckets(), 0
    for turn in range(12):
        for number in range(read, read + 500 * (turn % 3)):
            stats.fold(RecordRead(0.0, number, f"r{number}"))
        read = len(stats.store)
        for _ in range(300 if turn != 9 else LAST_CHANGES):
            if read:
                seq = dice.randrange(read)
                outcome = dice.choice((Success("x", "x", 1, 0.1, Usage(1, 1), None, "a"), Cancelled("no")))
                stats.fold(AttemptStarted(0.0, seq, 1) if dice.random() < 0.3 else RequestEnded(0.0, seq, outcome))
        shape = (max(read, 6000 if turn < 6 else 6500), 20 if turn != 4 else 30, 37)
        assert list(buckets.lines(stats.store, *shape)) == list(Buckets().lines(stats.store, *shape)), turn


async def test_the_cursor_travels_by_keys_and_tells_what_is_under_it(folder: Path) -> None:
    session = FakeSession()
    session.failing = 0.3
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        assert await told(app, pilot) == ""
        panel = await on_map(app, pilot)
        across = panel._across
        for keys, seq in (
            (["home"], 0),
            (["right", "l"], 2),
            (["down"], 2 + across),
            (["j", "k", "up"], 2),
            (["left", "h", "h"], 0),
            (["end"], 99),
            (["down", "right"], 99),
            (["pageup"], 99 % across),
            (["pagedown"], 99),
        ):
            await pilot.press(*keys)
            assert panel.cursor == seq, keys
        failed = session.store.state.find(State.FAILED)
        panel.action_go(failed)
        assert await told(app, pilot) == f"email_{failed:04d} ✖ failed invalid output"
        app.screen.query_one(RequestsTable).focus()
        assert await told(app, pilot) == ""


async def test_enter_on_a_cell_of_one_request_opens_it(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.0) as (app, pilot):
        panel = await on_map(app, pilot)
        panel.action_go(7)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, InspectorScreen)
        assert "email_0007" in text(app)
        await pilot.press("escape")
        assert app.screen.query_one(RequestsTable).selected == 7


async def test_enter_on_a_cell_of_many_goes_to_its_first_failure_or_its_first(folder: Path) -> None:
    session = FakeSession(20_000)
    session.failing = 0.0
    async with dashboard(folder, session, play=5.0) as (app, pilot):
        table = app.screen.query_one(RequestsTable)
        session.store.state[77] = State.FAILED
        for cell, seq in ((1, 77), (2, 106)):
            panel = await on_map(app, pilot)
            panel.action_go(cell)
            said = await told(app, pilot)
            assert said.startswith(
                f"requests {cell * 53 + 1}-{cell * 53 + 53}: " + ("1 failed" if cell == 1 else "")
            )
            await pilot.press("enter")
            await pilot.pause()
            assert (isinstance(app.screen, Dashboard), table.selected, table.has_focus) == (True, seq, True)


async def test_the_mouse_tells_puts_the_cursor_and_opens(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.0) as (app, pilot):
        panel = app.screen.query_one(RequestMap)
        across = panel._across
        place = (2 + 2 * 3, 1 + 1)  # border and air, then the fourth cell of the second row
        await pilot.hover(panel, offset=place)
        assert (await told(app, pilot)).startswith(f"email_{across + 3:04d} ")
        await pilot.hover(RequestsTable)
        assert await told(app, pilot) == ""
        await pilot.click(panel, offset=place)
        assert panel.cursor == across + 3
        await pilot.double_click(panel, offset=place)
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, InspectorScreen)
        assert f"email_{across + 3:04d}" in text(app)


@pytest.mark.parametrize("records", [0, 2, 100, 20_000])
async def test_a_resize_keeps_the_cursor_on_its_request(folder: Path, records: int) -> None:
    async with dashboard(folder, FakeSession(records), play=0.1 if records else 0.0) as (app, pilot):
        panel = await on_map(app, pilot)
        await pilot.press("end", "up", "left")
        chosen = panel.cursor
        await pilot.resize_terminal(180, 60)
        await pilot.pause()
        await pilot.pause()
        assert panel.cursor == chosen
        drawn = panel.draw(*panel.size)
        marked = [glyph for line in drawn for glyph, role in line if role.endswith("!")]
        assert len(marked) == (1 if records else 0)
