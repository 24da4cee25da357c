"""Writing one text where the user says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from textual.app import App

from dagtui.core.figures import count
from dagtui.tui.paths import home
from dagtui.tui.screens.dialogs import Choice, Entry, Question

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


async def ask_and_save(app: App[int], text: str, suggested: str) -> None:
    """Ask for a path and write `text` there, as it is. For a worker: it waits for the answers."""
    path, hint = suggested, "Enter writes · Esc goes back"
    while (answer := await app.push_screen_wait(Entry("write to ▸ ", path, hint))) is not None:
        path = answer
        try:
            if not await _written(app, home(answer), text):
                continue
        except OSError as error:
            told = f"{answer}: {error.strerror or error}."
            app.notify(told, title="Not written", severity="error", markup=False)
            continue
        app.notify(f"{count(len(text))} characters written to {home(answer)}", title="Written", markup=False)
        return


async def _written(app: App[int], path: Path, text: str) -> bool:
    """Whether it was written: what is there already is asked for."""
    if await asyncio.to_thread(path.exists):
        choices = (Choice("y", "replace it"), Choice("n", "another name"))
        if await app.push_screen_wait(Question(f"{path} exists. Replace it?", choices)) != "y":
            return False
    await asyncio.to_thread(path.write_text, text, "utf-8", "replace", "")
    return True


def file_name(name: str, text: str) -> str:
    """A name for a file with `text`: safe, and with the ending of what it holds."""
    stem = _NOT_IN_NAMES.sub("_", name).strip("._-")[:60] or "answer"
    return f"{stem}.{'json' if text.lstrip().startswith(('{', '[')) else 'txt'}"
