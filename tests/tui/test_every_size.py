"""Every screen at every size: nothing overlaps or stands outside, panels have values, storms do no harm."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest
from textual.events import Resize
from textual.geometry import Region, Size
from textual.screen import ModalScreen
from textual.scrollbar import ScrollBar, ScrollBarCorner
from textual.widget import Widget

from dagtui.tui.screens.fitted import TOO_SMALL
from dagtui.tui.sheet import Sheet
from dagtui.tui.widgets.keys import Keys
from tests.tui.conftest import lines, text
from tests.tui.staged import PANELS, STAGES, Stage, Staging
from tests.tui.test_sizes import SIZES


async def resize(stage: Stage, width: int, height: int) -> None:
    """As the terminal does, without waiting for the processor to be idle."""
    app, size = stage.app, Size(width, height)
    app._driver._size = size  # type: ignore[union-attr]
    app.post_message(Resize(size, size))
    rounds = 0
    while app.screen._compositor.size != size or rounds < 3:
        await stage.pilot._wait_for_screen()
        await asyncio.sleep(0)
        app.screen._on_timer_update()
        rounds += 1
        assert rounds < 500, f"{app.screen} never was {size}"
    await stage.pilot.pause()  # what a screen does about its new size is laid out once more


def shown(stage: Stage) -> dict[Widget, Region]:
    """The widgets that show something of their own, and where."""
    found: dict[Widget, Region] = {}
    for widget, (region, clip) in stage.app.screen._compositor.visible_widgets.items():
        parts = [child for child in widget.children if child.display]
        if widget is not stage.app.screen and not parts and (part := region.intersection(clip)):
            found[widget] = part
    return found


def check_whole(stage: Stage, size: tuple[int, int]) -> None:
    """Nothing stands outside or upon another, and nothing is cut off but what can be scrolled to."""
    screen = Region(0, 0, *size)
    found = {widget: part for widget, part in shown(stage).items() if not isinstance(widget, ScrollBarCorner)}
    placed: list[tuple[Widget, Region]] = []
    for widget, part in found.items():
        assert screen.contains_region(part), f"{size}: {widget} stands at {part}"
        for other, taken in placed:
            over = isinstance(widget, Keys) or isinstance(other, Keys)  # it stays, what scrolls goes on below it
            assert not part.overlaps(taken) or (over and stage.app.screen.max_scroll_y), (
                f"{size}: {widget} {part} is upon {other} {taken}\n{text(stage.app)}"
            )
        placed.append((widget, part))
        if not isinstance(widget, ScrollBar) and not scrolls(widget) and not stage.app.screen.max_scroll_y:
            assert part == widget.region, (
                f"{size}: of {widget} {widget.region} is {part} in view\n{text(stage.app)}"
            )


def scrolls(widget: Widget) -> bool:
    """It lies in something that can be scrolled."""
    around = [one for one in widget.ancestors if isinstance(one, Widget) and one is not widget.screen]
    return any(one.allow_vertical_scroll for one in around)


def check_values(stage: Stage, size: tuple[int, int]) -> None:
    """A panel has a figure, or says in a sentence why it has none; the map has its cells."""
    rows = lines(stage.app)
    for panel in stage.app.screen.query(Sheet):
        region = shown(stage).get(panel)
        if not panel.number or region is None:
            continue
        inside = "\n".join(row[region.x + 1 : region.right - 1] for row in rows[region.y + 1 : region.bottom - 1])
        told = re.search(r"\d|[■●·▒]|\w+ \w+ \w+", inside)
        assert told, f"{size}: panel {panel.number} shows nothing\n{text(stage.app)}"


@pytest.mark.parametrize("name", STAGES)
async def test_a_screen_is_whole_at_every_size(folder: Path, past: None, name: str) -> None:
    async with STAGES[name](folder, (160, 48)) as stage:
        over = isinstance(stage.app.screen, ModalScreen)
        for size in SIZES[::2] if over else SIZES:
            await resize(stage, *size)
            check_whole(stage, size)
            check_values(stage, size)
        for size in ((59, 30), (100, 14), (12, 4), (1, 1)):
            await resize(stage, *size)
            if size[0] > 50 and not over:
                assert TOO_SMALL.splitlines()[0] in text(stage.app)


@pytest.mark.parametrize("name", PANELS)
async def test_a_panel_alone_has_a_value(folder: Path, past: None, name: str) -> None:
    async with PANELS[name](folder, (80, 24)) as stage:
        for size in ((80, 24), (60, 15), (240, 70)):
            await resize(stage, *size)
            check_whole(stage, size)
            check_values(stage, size)


UNEQUAL = ("faults", "story", "report", "ended", "pilot")
"""They tell how a run went on by the time of the storm, which in steps it does a little differently."""


@pytest.mark.parametrize("name", [name for name in STAGES if name not in UNEQUAL])
async def test_after_a_storm_of_sizes_a_screen_is_as_one_that_saw_none(
    folder: Path, past: None, name: str
) -> None:
    calm = await played(STAGES[name], folder, random.Random(name), storm=False)
    assert await played(STAGES[name], folder, random.Random(name), storm=True) == calm


async def played(staging: Staging, folder: Path, chance: random.Random, *, storm: bool) -> list[str]:
    """Where everything stands after two seconds of the run, with thirty sizes meanwhile."""
    async with staging(folder, (120, 36)) as stage:
        for tick in range(30 if storm else 0):
            size = Size(chance.randint(1, 240), chance.randint(1, 70))
            stage.app._driver._size = size  # type: ignore[union-attr]
            stage.app.post_message(Resize(size, size))
            await asyncio.sleep(0)
            if tick % 6 == 0:
                await stage.play(0.4)
        await resize(stage, 120, 36)
        await stage.play(0.0 if storm else 2.0)
        await stage.pilot.pause()
        assert text(stage.app).strip()
        return sorted(f"{widget} {part}" for widget, part in shown(stage).items() if not scrolls(widget))
