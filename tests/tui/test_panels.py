"""Numbers go to panels, and make one of them fill the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget

from dagtui.tui.screens.panelled import PANELS, PanelledScreen
from dagtui.tui.sheet import Sheet
from dagtui.tui.widgets.keys import Keys
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeSession

SIZES = [(160, 48), (120, 36), (80, 24), (60, 15), (120, 18)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_number_makes_its_panel_fill_the_screen_and_escape_gives_it_back(
    folder: Path, size: tuple[int, int]
) -> None:
    async with dashboard(folder, FakeSession(), size, play=2.6) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, PanelledScreen)
        before = _titles(screen)
        for number in PANELS:
            await pilot.press(str(number))
            await pilot.pause()
            if screen.enlarged is None:  # it is in view: the first press only goes there
                assert isinstance(screen.focused, Sheet)
                assert screen.focused.number == number
                await pilot.press(str(number))
                await pilot.pause()
            panel = screen.enlarged
            assert panel is not None
            assert panel.number == number
            assert screen.focused is panel
            assert panel.region.width == size[0]
            assert panel.region.bottom == size[1] - 1
            assert panel.region.height >= size[1] - 6
            assert [sheet.number for sheet in screen.query(Sheet) if _shown(sheet) and sheet.number] == [number]
            assert f" {number} " in lines(app)[panel.region.y]
            assert "All panels" in lines(app)[-1]
            assert "▶ running" in text(app)
            await pilot.press("escape")
            await pilot.pause()
            assert screen.enlarged is None
            assert _titles(screen) == before
            assert isinstance(screen.focused, Sheet)
            assert _shown(screen.focused)


async def test_a_panel_alone_is_drawn_with_the_room_that_it_has(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24), play=2.6) as (app, pilot):
        assert "projected" not in text(app)
        await pilot.press("3", "3")
        await pilot.pause()
        assert "projected" in text(app)


async def test_z_enlarges_what_has_the_focus_and_a_number_changes_what_is_alone(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, PanelledScreen)
        await pilot.press("z")
        await pilot.pause()
        assert _number(screen) == 4
        await pilot.press("5")
        await pilot.pause()
        assert _number(screen) == 5
        await pilot.press("5")
        await pilot.pause()
        assert _number(screen) == 0
        await pilot.press("z", "z")
        await pilot.pause()
        assert _number(screen) == 0


async def test_a_click_focuses_a_panel_and_tab_goes_on_from_there(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        assert await pilot.click("#money")
        await pilot.pause()
        assert app.screen.focused is app.screen.query_one("#money")
        await pilot.press("tab")
        assert app.screen.focused is app.screen.query_one("#requests")


async def test_a_panel_that_fills_the_screen_goes_on_filling_one_of_another_size(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        await pilot.press("9", "9")
        for size in ((80, 24), (60, 15), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            region = app.screen.query_one("#map").region
            assert (region.width, region.bottom) == (size[0], size[1] - 1)
            assert app.screen.query_one(Keys).region.y == size[1] - 1


def _number(screen: PanelledScreen) -> int:
    return screen.enlarged.number if screen.enlarged is not None else 0


def _shown(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


def _titles(screen: PanelledScreen) -> list[str]:
    return [str(sheet.border_title) for sheet in screen.query(Sheet) if _shown(sheet)]
