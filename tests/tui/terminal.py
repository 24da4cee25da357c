"""A driver that takes what would go to the terminal, so that bytes can be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from textual.drivers.headless_driver import HeadlessDriver

from dagtui.tui.app import DagtuiApp


class CapturingDriver(HeadlessDriver):
    """Not headless for Textual, which therefore makes every byte; nothing is shown."""

    written: ClassVar[list[str]] = []

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.written.append(data)


@asynccontextmanager
async def captured(app: DagtuiApp, size: tuple[int, int]) -> AsyncIterator[list[str]]:
    """Run `app`; yields the list that its output is appended to."""
    written: ClassVar[list[str]] = []
    app.driver_class = type("Driver", (CapturingDriver,), {"written": written})
    task = asyncio.create_task(app.run_async(size=size, mouse=False))
    try:
        yield written
    finally:
        app.exit()
        await asyncio.wait([task])
