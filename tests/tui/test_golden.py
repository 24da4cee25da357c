"""What every screen looks like, as text, at the three sizes that they are designed for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dagtui.tui.app import DagtuiApp
from tests.tui.staged import PANELS, STAGES

SIZES = [(160, 48), (120, 36), (80, 24)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STAGES)
async def test_a_screen_looks_as_it_was_drawn(
    folder: Path, past: None, golden: Callable[[str, DagtuiApp], None], name: str, size: tuple[int, int]
) -> None:
    async with STAGES[name](folder, size) as stage:
        golden(f"{name}-{size[0]}x{size[1]}", stage.app)


@pytest.mark.parametrize("name", PANELS)
async def test_a_panel_alone_looks_as_it_was_drawn(
    folder: Path, past: None, golden: Callable[[str, DagtuiApp], None], name: str
) -> None:
    async with PANELS[name](folder, (80, 24)) as stage:
        golden(f"{name}-80x24", stage.app)
