"""Draining, exporting and leaving: what is asked first, and what stays in the shell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagtui.tui import app as app_module
from dagtui.tui.app import DagtuiApp, run_app
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Entry, Question
from dagtui.tui.screens.report import ReportScreen
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeDesk, FakeSession, Plan


def waiting_session() -> FakeSession:
    session = FakeSession()
    session.throttling = 0.5
    return session


async def test_drain_asks_with_numbers_where_some_wait_to_retry(folder: Path) -> None:
    session = waiting_session()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        counts = session.snapshot().counts
        assert counts.waiting
        await pilot.press("d")
        assert isinstance(app.screen, Question)
        told = f"{counts.in_flight} in flight will be finished, {counts.waiting} waiting to retry will not. Drain?"
        assert told in text(app)
        await pilot.press("n")
        assert "drain" not in session.calls
        await pilot.press("d", "y")
        assert "drain" in session.calls


async def test_drain_does_not_ask_where_nothing_is_given_up(folder: Path) -> None:
    session = FakeSession()
    session.throttling = 0.0
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("d")
        assert "drain" in session.calls
        assert isinstance(app.screen, Dashboard)


@pytest.mark.parametrize(("key", "back"), [("c", "n"), ("d", "n"), ("e", "escape")])
async def test_a_key_that_comes_twice_before_its_dialog_asks_once(folder: Path, key: str, back: str) -> None:
    async with dashboard(folder, waiting_session(), play=1.0) as (app, pilot):
        act = {"c": "cancel", "d": "drain", "e": "export"}[key]
        for _ in range(2):
            await app.screen.run_action(act)
        await pilot.pause()
        assert isinstance(app.screen, Question | Entry)
        await pilot.press(back)
        assert isinstance(app.screen, Dashboard)
        await pilot.press(key)  # and it asks again, later
        assert isinstance(app.screen, Question | Entry)


async def test_quitting_tells_what_draining_gives_up(folder: Path) -> None:
    session = waiting_session()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("q")
        assert f"{session.snapshot().counts.waiting} waiting to retry will not." in text(app)


async def test_an_export_does_not_replace_a_file_before_it_may(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    target = folder / "emails.results.csv"
    target.write_text("precious")
    session = FakeSession()
    session.writes = True
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        await pilot.press("e", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        assert "emails.results.csv exists. Replace it?" in text(app)
        await pilot.press("n")
        await pilot.pause()
        assert isinstance(app.screen, Entry)
        assert target.read_text() == "precious"
        await pilot.press("enter", "y")
        for _ in range(3):
            await pilot.pause()
        assert target.read_text() == "exported"
        assert "rows written to emails.results.csv" in text(app)
    left = [path.name for path in folder.glob("*results*")]  # noqa: ASYNC240
    assert left == [target.name]


async def test_what_stays_in_the_shell_tells_outcome_counts_money_and_the_path(folder: Path) -> None:
    session = FakeSession()
    session.results_path = folder / "a-long-name" / "emails-with-hyphens.results.csv"
    session.title = "emails.csv \x1b[2J· email · demo"
    async with dashboard(folder, session) as (app, pilot):
        app.desk.run = "20261122-191500-4f2a"  # type: ignore[attr-defined]
        session.play_out()
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
    assert app.farewell == [
        "emails.csv ␛[2J· email · demo: partial, 99 of 100 done, 1 failed, $0.023287 spent in 0:06",
        f"results: {session.results_path}",
        "to go on: dagtui resume 20261122-191500-4f2a",
    ]


async def test_a_run_that_was_cancelled_on_the_way_out_is_told_of_too(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("q", "c")
        await pilot.pause()
    assert "cancelled, " in app.farewell[0]
    assert " not started" in app.farewell[0]


async def test_without_a_run_there_is_nothing_to_tell(folder: Path) -> None:
    app = DagtuiApp(Plan(), desk=FakeDesk(folder))
    async with app.run_test() as pilot:
        await pilot.press("ctrl+q")
        await pilot.pause()
    assert app.farewell == []


def test_the_lines_are_written_after_the_screen_was_given_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(self: DagtuiApp, loop: object) -> int:
        print("the screen", file=sys.stdout)
        self.farewell = ["one", "two"]
        return 3

    monkeypatch.setattr(app_module.DagtuiApp, "run", run)
    assert run_app(Plan()) == 3  # type: ignore[arg-type]
    assert capsys.readouterr().out == "the screen\none\ntwo\n"


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_a_path_in_the_report_is_never_wrapped(folder: Path, size: tuple[int, int]) -> None:
    path = Path("/home/somebody/with-hyphens-in-names/20261122-191500-4f2a/results.jsonl")
    assert len(str(path)) < 74
    session = FakeSession()
    session.results_path = path
    async with dashboard(folder, session, size) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        app.screen.query_one("#report").scroll_end(animate=False)
        await pilot.pause()
        assert str(path) in text(app)


async def test_a_path_too_long_for_the_screen_shows_its_end(folder: Path) -> None:
    session = FakeSession()
    session.results_path = Path("/home") / ("x-" * 60) / "results.jsonl"
    async with dashboard(folder, session, (80, 24)) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.pause()
        app.screen.query_one("#report").scroll_end(animate=False)
        await pilot.pause()
        line = next(line for line in lines(app) if "results.jsonl" in line)
        assert line.startswith("│ …")
        assert "x-/results.jsonl │" in line
