"""Writing the results where the user says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from dagtui.core.errors import DagtuiError
from dagtui.core.figures import count
from dagtui.tui.screens.dialogs import Entry

if TYPE_CHECKING:
    from dagtui.session import Session


async def ask_and_export(app: App[int], session: Session) -> None:
    """Ask for a path, write, and say how many rows it were. For a worker: it waits for the answer."""
    suggestion = suggested(session)
    hint = "Enter writes (.csv, .tsv, .jsonl) · Esc goes back"
    answer = await app.push_screen_wait(Entry("export to ▸ ", suggestion, hint))
    if answer is None:
        return
    path = home(answer)
    try:
        rows = await session.export(path)
    except DagtuiError as error:
        app.notify(str(error), title="Not exported", severity="error", markup=False)
    else:
        app.notify(f"{count(rows)} rows written to {path}", title="Exported", markup=False)


def home(text: str) -> Path:
    """`text` as a path, `~` being the user's home."""
    return Path(text).expanduser()


def tilde(path: Path) -> str:
    """`path` as people write it: `~/mail` for what lies in their home. `home` reads it back."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):  # elsewhere, or nobody has a home
        return str(path)


def suggested(session: Session) -> str:
    """`emails.results.csv` beside where the results go."""
    name = session.title.split(" · ")[0].strip() or "run"
    stem = Path(name).name.split(".")[0] or "run"
    return f"{stem}.results.csv"
