"""What is on the screen can be taken along: by the mouse, or by a key."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Question
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.money import MoneyPanel
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeSession


async def drag(pilot: Pilot[int], begin: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(offset=begin)
    await pilot.hover(offset=end)
    await pilot.mouse_up(offset=end)
    await pilot.pause()


def screenful(app: DagtuiApp) -> list[str]:
    return [line.ljust(app.size.width) for line in lines(app)]


async def test_what_the_mouse_selects_in_a_panel_is_copied_by_ctrl_c(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.6) as (app, pilot):
        panel = app.screen.query_one(MoneyPanel).content_region
        shown = screenful(app)
        await drag(pilot, (panel.x, panel.y), (panel.right - 1, panel.y + 1))
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        first, second = (shown[panel.y + y][panel.x : panel.right].rstrip() for y in (0, 1))
        assert app.clipboard == f"{first}\n{second}"
        assert app.clipboard.startswith("spent  ")
        assert "Copied" in text(app)


async def test_a_part_of_a_line_is_copied_as_it_was_marked_and_shown_reversed(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.6) as (app, pilot):
        panel = app.screen.query_one(MoneyPanel)
        region = panel.content_region
        await drag(pilot, (region.x, region.y + 2), (region.x + 5, region.y + 2))
        assert app.screen.get_selected_text() == "in fli"
        strips = app.screen._compositor.render_strips()
        reversed_text = "".join(
            segment.text for segment in strips[region.y + 2] if segment.style is not None and segment.style.reverse
        )
        assert reversed_text == "in fli"
        await pilot.click(offset=(region.x, region.y + 5))
        await pilot.pause()
        assert app.screen.get_selected_text() is None


async def test_ctrl_c_without_a_selection_asks_to_leave(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert isinstance(app.screen, Question)


async def test_selecting_wide_characters_counts_them_as_one(folder: Path) -> None:
    session = FakeSession(ids=["漢字かな_1"])
    async with dashboard(folder, session, play=0.1) as (app, pilot):
        table = app.screen.query_one("#requests").content_region
        row = lines(app)[table.y + 1]
        x = len(row[: row.index("漢")])
        await drag(pilot, (x, table.y + 1), (x + 2, table.y + 1))
        assert app.screen.get_selected_text() == "漢字"


async def test_y_copies_the_request_under_the_cursor_whole(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24), play=2.6) as (app, pilot):
        await pilot.press("home", "y")
        await pilot.pause()
        cells = app.clipboard.split("\t")
        assert "email_0000" in cells
        assert any(cell.startswith("$0.000") for cell in cells)  # a column that 80 have no room for


async def test_y_copies_the_lowest_line_of_the_log_whole(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24), play=2.6) as (app, pilot):
        app.screen.query_one(Feed).focus()
        await pilot.press("y")
        await pilot.pause()
        assert "…" not in app.clipboard.removesuffix("…")
        assert "given up the answer is not JSON: Sorry, I cannot …" in app.clipboard


@pytest.mark.parametrize("poison", ["\x1b]52;c;eA==\x07", "a\u2028b", "\x07"])
async def test_what_is_copied_is_text(folder: Path, poison: str) -> None:
    async with dashboard(folder, FakeSession(ids=[f"r{poison}"]), play=0.1) as (app, pilot):
        await pilot.press("home", "y")
        await pilot.pause()
        assert app.clipboard.replace("\t", "").isprintable()
