"""A folder with files, a session that moves only when told, and golden texts of whole screens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from tests.tui.fakes import FakeDesk, FakeSession, Plan

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "DAGTUI_UPDATE_GOLDEN"


@pytest.fixture(autouse=True)
def _one_time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screens are polled by hand, garbage is collected as ever, and signals stay pytest's."""
    monkeypatch.setattr("dagtui.tui.screens.watching.POLL", 3600.0)
    monkeypatch.setattr("dagtui.tui.app._after_first_paint", lambda: None)
    monkeypatch.setattr("dagtui.process.prepare", lambda: None)
    monkeypatch.setattr("dagtui.tui.signals.listen", lambda leave: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    (tmp_path / "emails.csv").write_text("id,subject,body\n")
    (tmp_path / "tickets.jsonl").write_text("{}\n")
    return tmp_path


@pytest.fixture(scope="session")
def _recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of state in which the runs of `staged.record` are."""
    from tests.tui.staged import record, wall

    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as frozen:
        frozen.setenv("XDG_STATE_HOME", str(state))
        frozen.setattr("time.time", wall)
        record()
    return state


@pytest.fixture
def past(_recorded: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `staged` needs: recorded runs, nothing that looks by itself, and the folder as the one to begin in."""
    monkeypatch.setenv("XDG_STATE_HOME", str(_recorded))
    monkeypatch.chdir(folder)
    for looking in ("screens.runs.AGAIN", "screens.triage.POLL", "widgets.faults.LOOK_S"):
        monkeypatch.setattr(f"dagtui.tui.{looking}", 3600.0)


@pytest.fixture
def golden() -> Callable[[str, DagtuiApp], None]:
    """Compares the screen's text with a file; with DAGTUI_UPDATE_GOLDEN=1, writes the file instead."""

    def compare(name: str, app: DagtuiApp) -> None:
        path = GOLDEN / f"{name}.txt"
        shown = "\n".join(lines(app)) + "\n"
        if os.environ.get(UPDATE):
            GOLDEN.mkdir(exist_ok=True)
            path.write_text(shown, "utf-8")
        assert shown == path.read_text("utf-8"), f"if the change is meant, run again with {UPDATE}=1"

    return compare


def lines(app: DagtuiApp) -> list[str]:
    """The text of the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return [strip.text.rstrip() for strip in strips]


def text(app: DagtuiApp) -> str:
    return "\n".join(lines(app))


@asynccontextmanager
async def setup(
    folder: Path, size: tuple[int, int] = (120, 40), desk: FakeDesk | None = None, path: str = "", **more: Any
):
    """The app on its setup screen."""
    app = DagtuiApp(Plan(path=path), desk=desk or FakeDesk(folder), **more)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        yield app, pilot


@asynccontextmanager
async def dashboard(
    folder: Path, session: FakeSession, size: tuple[int, int] = (160, 48), play: float = 0.0, **more: Any
):
    """The app on the dashboard of `session`, of which `play` seconds have passed."""
    app = DagtuiApp(
        Plan(path=str(folder / "emails.csv")), start_at_once=True, desk=FakeDesk(folder, session), **more
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        while not isinstance(app.screen, Dashboard):
            await pilot.pause()
        if play:
            session.play(play)
        app.screen.poll()
        await pilot.pause()
        yield app, pilot
