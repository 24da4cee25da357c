"""Every size from the smallest to a large one: nothing overlaps, nothing is cut, nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget

from dagtui.tui.sheet import Sheet
from tests.tui.conftest import dashboard, setup, text
from tests.tui.fakes import FakeSession

SIZES = [
    (60, 15), (60, 70), (79, 23), (80, 24), (119, 42), (120, 15), (120, 36), (240, 22), (240, 70),
]  # fmt: skip
"""The smallest, the largest, and both sides of every size at which a screen is arranged anew."""

WIDTHS, HEIGHTS = (60, 70, 80, 100, 119, 120, 160, 200, 240), (15, 16, 21, 22, 24, 30, 37, 41, 42, 48, 60, 70)


def whole(panels: list[Widget], width: int, height: int) -> None:
    for number, panel in enumerate(panels):
        region = panel.region
        assert region.width > 2, f"{panel.id} is {region}"
        assert region.height >= 1, f"{panel.id} is {region}"
        assert region.right <= width, f"{panel.id} is {region}"
        assert region.bottom <= height - 1, f"{panel.id} is {region}, below it the footer"
        for other in panels[:number]:
            assert not region.overlaps(other.region), f"{panel.id} {region} overlaps {other.id} {other.region}"


async def test_the_dashboard_is_whole_at_every_size(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.6) as (app, pilot):
        for width in WIDTHS:
            for height in HEIGHTS:
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                shown = [sheet for sheet in app.screen.query(Sheet) if sheet.size and sheet.region]
                assert len(shown) >= 5, (width, height)
                whole([sheet for sheet in app.screen.query(Sheet) if _visible(sheet)], width, height)
                assert "█" in text(app)


async def test_the_setup_screen_is_whole_at_every_size_from_80_by_24(folder: Path) -> None:
    async with setup(folder, (160, 48), path=str(folder / "emails.csv")) as (app, pilot):
        for width in (80, 100, 120, 200):
            for height in (24, 30, 48, 60):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                panels = [
                    app.screen.query_one(name)
                    for name in ("#brand", "#picker", "#preview", "#settings", "#start-line")
                ]
                whole(panels, width, height)
                for field in app.screen.query("#fields > *, #labels, #notes"):
                    assert app.screen.query_one("#settings").region.contains_region(field.region)


@pytest.mark.parametrize("size", [(59, 30), (100, 14), (20, 5), (4, 2), (1, 1)])
async def test_below_60_by_15_a_message_says_so(folder: Path, size: tuple[int, int]) -> None:
    async with dashboard(folder, FakeSession(), size, play=1.0) as (app, _):
        assert not any(_visible(sheet) for sheet in app.screen.query(Sheet))
        if size[0] >= 30:
            assert "too small" in text(app)


def _visible(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
