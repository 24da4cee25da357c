"""Takes the pictures of every screen in every theme anew, from runs that are the same each time.

python docs/pictures.py [screen ...]
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from unittest.mock import patch

from rich.cells import cell_len

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # the stages are those of the tests

from dagtui.tui.app import DagtuiApp  # noqa: E402
from dagtui.tui.screens import inspector, runs, triage, watching  # noqa: E402
from dagtui.tui.screens.theme_picker import ThemeList  # noqa: E402
from dagtui.tui.widgets import faults  # noqa: E402
from docs.stages import STAGES, Size  # noqa: E402
from tests.journaled import in_virtual_time, journaled  # noqa: E402
from tests.kept_runs import kept_run  # noqa: E402

PICTURES = DOCS / "pictures"
THEMES = ("dark", "dusk", "forest", "high-contrast", "light")
CELL = 12.2  # units that a cell is wide
TEXT = re.compile(r'(<text class="r\d+" x=")([\d.]+)(" y="[\d.]+") textLength="[\d.]+">([^<]*)</text>')
PLAIN = "no-color"
LARGE, MIDDLE, SMALL = (160, 48), (120, 36), (80, 24)
THEN = 1_790_000_000.0  # when it all happened, epoch seconds
README = {
    "dashboard-160x48": ("dashboard", LARGE),
    "dashboard-80x24": ("dashboard", SMALL),
    "setup-160x48": ("setup", LARGE),
}


def keep(app: DagtuiApp, path: Path) -> None:
    """Write the screen as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(small(app.export_screenshot(title="dagtui", simplify=True)), "utf-8")


def small(svg: str) -> str:
    """The same picture in less than half the bytes, with the reader's own monospace font: pictures are shown
    without a network."""
    for said, instead in (
        (r"@font-face \{.*?\}\s*", ""),
        (r"terminal-\d+-", ""),  # it is the only picture in its file
        (r'<clipPath id="line-\d+">.*?</clipPath>\s*', ""),  # a line of text does not leave its line
        (r' clip-path="url\(#line-\d+\)"', ""),
        (r"&#160;", "\u00a0"),
        (r"\n\s+", "\n"),
    ):
        svg = re.sub(said, instead, svg, flags=re.DOTALL)
    return TEXT.sub(_trimmed, svg)


def _trimmed(text: re.Match[str]) -> str:
    """Without the blanks around it, which some renderers drop and move the rest by."""
    before, x, between, said = text.groups()
    kept = said.strip("\u00a0")
    cells = len(said) - len(said.lstrip("\u00a0"))
    wide = cell_len(unescape(kept))
    length = f' textLength="{CELL * wide:.5g}"' if wide > 1 else ""
    return f"{before}{float(x) + CELL * cells:.5g}{between}{length}>{kept}</text>" if kept else ""


async def take(screen: str, folder: Path, size: Size, paths: dict[str, Path]) -> None:
    """`screen` at `size`, in each of the themes that `paths` has a place for."""
    async with STAGES[screen](folder, size) as (app, pilot):
        for theme, path in paths.items():
            if theme != PLAIN:
                app.theme = f"dagtui-{theme}"
            for picker in app.screen.query(ThemeList):
                picker.cursor = picker._names.index(app.theme)
                picker.repaint()
            for _ in range(3):
                await pilot.pause()
            keep(app, path)


async def without_colours(screen: str, folder: Path) -> None:
    with patch.dict(os.environ, {"NO_COLOR": "1"}):
        await take(screen, folder, MIDDLE, {PLAIN: PICTURES / PLAIN / f"{screen}.svg"})


async def main(folder: Path, screens: list[str]) -> None:
    for screen in screens:
        await take(screen, folder, LARGE, {"dark": PICTURES / "dark" / f"{screen}.svg"})
        await take(screen, folder, MIDDLE, {theme: PICTURES / theme / f"{screen}.svg" for theme in THEMES[1:]})
        await without_colours(screen, folder)
        print(screen)
    if "dashboard" in screens:
        for size in (MIDDLE, SMALL):
            path = PICTURES / "dark" / f"dashboard-{size[0]}x{size[1]}.svg"
            await take("dashboard", folder, size, {"dark": path})
    for name, (screen, size) in README.items():
        if screen in screens:
            await take(screen, folder, size, {"dark": DOCS / f"{name}.svg"})


def index() -> str:
    """The page that shows them."""
    lines = [
        "# Every screen in every theme",
        "",
        "Made by `python docs/pictures.py`: at 160x48 in the theme `dark`, at 120x36 in the others.",
    ]
    for theme in (*THEMES, PLAIN):
        lines += ["", f"## {theme}", ""]
        names = [*STAGES] + (["dashboard-120x36", "dashboard-80x24"] if theme == "dark" else [])
        lines += [f"![{name} in {theme}]({theme}/{name}.svg)" for name in names]
    return "\n".join(lines) + "\n"


def stand_still() -> None:
    """Nothing is looked at again by itself, and it is always the same time in the same place."""
    os.environ.update(TZ="UTC", TEXTUAL_ANIMATIONS="none")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    for module in (watching, triage):
        module.POLL = 3600.0
    inspector.LOOK = faults.LOOK_S = runs.AGAIN = 3600.0


def furnish(folder: Path) -> None:
    """Files to choose from, and runs that were."""
    (folder / "old").mkdir(parents=True)
    (folder / "emails.csv").write_text("id,subject,body\n")
    (folder / "tickets.jsonl").write_text("{}\n")
    sorted_well = ["work", "spam", "work", "newsletter", "personal"] * 8
    with patch("time.time", lambda: THEN):
        in_virtual_time(journaled(folder.parent / "journal.db"))
        kept_run("20260921-131320-aaaa", sorted_well)
        otherwise = ["work", "work", "", "newsletter", "spam"] * 8
        kept_run("20260921-141320-bbbb", otherwise, concurrency=2, latency=0.6)
        kept_run("20260921-151320-cccc", ["x"] * 40, title="tickets.jsonl · triage · portkey", drained=True)


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(STAGES)
    stand_still()
    with tempfile.TemporaryDirectory() as home:  # so that no picture shows whose machine it was
        os.environ.update(HOME=home, XDG_STATE_HOME=f"{home}/state", XDG_CONFIG_HOME=f"{home}/config")
        work = Path(home) / "mail"
        furnish(work)
        os.chdir(work)
        asyncio.run(main(work, wanted))
        os.chdir(DOCS)
    (PICTURES / "README.md").write_text(index())
