"""Writing the results where the user says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from dagtui.core.errors import DagtuiError, TargetExists
from dagtui.core.figures import count
from dagtui.tui.paths import home
from dagtui.tui.screens.dialogs import Choice, Entry, Question
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.watched import Watched


async def ask_and_export(app: App[int], session: Watched) -> None:
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


async def _written(app: App[int], session: Watched, path: Path) -> int | None:
    """The rows written to `path`; None where a file was there that is to stay."""
    try:
        return await session.export(path)
    except TargetExists:
        choices = (Choice("y", "replace it"), Choice("n", "another name"))
        if await app.push_screen_wait(Question(f"{path} exists. Replace it?", choices)) != "y":
            return None
    return await session.export(path, overwrite=True)


def suggested(session: Watched) -> str:
    """`emails.results.csv` beside where the results go."""
    name = own_title(session.title).split(" · ")[0].strip() or "run"
    stem = Path(name).name.split(".")[0] or "run"
    return f"{stem}.results.csv"
