"""Writing the results where the user says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from textual.app import App

from dagtui.core.errors import DagtuiError, TargetExists
from dagtui.core.figures import count
from dagtui.tui.paths import home
from dagtui.tui.screens.dialogs import Choice, Entry, Question
from dagtui.watched import own_title


class Exported(Protocol):
    """A run whose results can be written."""

    @property
    def title(self) -> str: ...
    async def export(self, path: Path, *, overwrite: bool = False) -> int: ...


async def ask_and_export(app: App[int], session: Exported) -> None:
    """Ask for a path, write, and say how many rows it were. For a worker: it waits for the answers."""
    path = suggested(session)
    hint = "Enter writes (.csv, .tsv, .jsonl) · Esc goes back"
    while (answer := await app.push_screen_wait(Entry("export to ▸ ", path, hint))) is not None:
        path = answer
        try:
            rows = await _written(app, session, home(answer))
        except DagtuiError as error:
            app.notify(str(error), title="Not exported", severity="error", markup=False)
            return
        if rows is not None:
            app.notify(f"{count(rows)} rows written to {home(answer)}", title="Exported", markup=False)
            return


async def ask_and_write(app: App[int], write: Callable[[Path, bool], None], path: str) -> None:
    """Ask where the report is to be written, and have `write` do it in a thread; it is told the path, and whether
    a file there may be replaced. For a worker: it waits for the answers.
    """
    hint = "Enter writes (.html with charts, or .txt) · Esc goes back"
    while (answer := await app.push_screen_wait(Entry("save to ▸ ", path, hint))) is not None:
        path = answer
        target = home(answer)
        try:
            try:
                await asyncio.to_thread(write, target, False)
            except TargetExists:
                if not await _may_replace(app, target):
                    continue
                await asyncio.to_thread(write, target, True)
        except DagtuiError as error:
            app.notify(str(error), title="Not written", severity="error", markup=False)
            return
        app.notify(f"the report is in {target}", title="Written", markup=False)
        return


async def _may_replace(app: App[int], path: Path) -> bool:
    choices = (Choice("y", "replace it"), Choice("n", "another name"))
    return await app.push_screen_wait(Question(f"{path} exists. Replace it?", choices)) == "y"


async def _written(app: App[int], session: Exported, path: Path) -> int | None:
    """The rows written to `path`; None where a file was there that is to stay."""
    try:
        return await session.export(path)
    except TargetExists:
        if not await _may_replace(app, path):
            return None
    return await session.export(path, overwrite=True)


def suggested(session: Exported) -> str:
    """`emails.results.csv` beside where the results go."""
    return f"{_stem(session)}.results.csv"


def suggested_report(session: Exported) -> str:
    """`emails.report.html`."""
    return f"{_stem(session)}.report.html"


def _stem(session: Exported) -> str:
    name = own_title(session.title).split(" · ")[0].strip() or "run"
    return Path(name).name.split(".")[0] or "run"
