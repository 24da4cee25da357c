"""Takes the README's pictures anew, from real runs against the simulator.

python docs/pictures.py
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from dagtui import Plan, RunSettings
from dagtui.plan import sample_folder
from dagtui.tui.app import DagtuiApp

DOCS = Path(__file__).resolve().parent
# A limit of 20 requests a second that forty at once run into: something to see in the log.
KNOBS = {"requests_per_minute": 1200, "requests_burst": 45, "input_tokens_per_minute": 200_000, "rate_500": 0.03}


async def until_done(pilot: Pilot[int], app: DagtuiApp, share: float) -> None:
    while app.session is None or app.session.snapshot().counts.ended < share * 100:
        await pilot.pause(0.05)
    await pilot.pause(0.15)


def keep(app: DagtuiApp, name: str) -> None:
    svg = app.export_screenshot(title="dagtui", simplify=False)
    # Pictures are shown without a network: the reader's own monospace font will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (DOCS / f"{name}.svg").write_text(svg)
    print(f"docs/{name}.svg")


async def dashboard(width: int, height: int) -> None:
    settings = RunSettings(concurrency=40)
    app = DagtuiApp(Plan(path="emails.csv", settings=settings, knobs=KNOBS), start_at_once=True)
    async with app.run_test(size=(width, height)) as pilot:
        await until_done(pilot, app, 0.6)
        keep(app, f"dashboard-{width}x{height}")


async def setup() -> None:
    app = DagtuiApp(Plan(path="emails.csv", settings=RunSettings(concurrency=40)))
    async with app.run_test(size=(160, 48)) as pilot:
        for _ in range(20):
            await pilot.pause(0.05)
        keep(app, "setup-160x48")


async def main() -> None:
    await dashboard(160, 48)
    await dashboard(80, 24)
    await setup()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:  # so that no picture shows whose machine it was
        os.environ["HOME"] = home
        shutil.copytree(sample_folder(), Path(home) / "mail", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        os.chdir(Path(home) / "mail")
        asyncio.run(main())
