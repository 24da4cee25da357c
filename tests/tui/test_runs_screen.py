"""The list of runs, from real journals: found, filtered, sorted, opened, compared, told of and deleted."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from dagtui.io.journal.lock import RunLock
from dagtui.past.runs import runs_folder
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.compare import CompareScreen
from dagtui.tui.screens.contract import ContractScreen
from dagtui.tui.screens.dialogs import Question
from dagtui.tui.screens.report import ReportScreen
from dagtui.tui.screens.runs import RunsScreen
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.screens.visits import VisitedReplay, VisitedRun
from dagtui.tui.sheet import Sheet
from dagtui.tui.widgets.runs_table import RunsTable
from tests.kept_runs import kept_run
from tests.tui.conftest import lines, text
from tests.tui.fakes import FakeDesk, Plan
from tests.tui.test_contract import ResumingDesk
from tests.tui.test_sizes import SIZES, _visible, whole

HOSTILE = "\x1b]52;c;aGk=\x07[red]x[/] \u202e名前"


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("dagtui.tui.screens.runs.AGAIN", 3600.0)


@pytest.fixture
def three() -> list[Path]:
    """A clean run, one of the same input with a failure, and a drained one of another."""
    return [
        kept_run("20261124-010101-aaaa", ["work", "spam", "work", "work"]),
        kept_run("20261125-010101-bbbb", ["work", "work", "", "spam"], concurrency=2, latency=0.6),
        kept_run("20261126-010101-cccc", ["x"] * 40, title="tickets.jsonl · triage · portkey", drained=True),
    ]


@asynccontextmanager
async def listed(
    folder: Path, size: tuple[int, int] = (160, 48), desk: FakeDesk | None = None
) -> AsyncIterator[tuple[DagtuiApp, Pilot[int]]]:
    app = DagtuiApp(Plan(), desk=desk or FakeDesk(folder))  # type: ignore[arg-type]
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("f4")
        await until(
            pilot, lambda: isinstance(app.screen, RunsScreen) and not app.screen.query_one(RunsTable).reading
        )
        await app.workers.wait_for_complete()
        await pilot.pause()
        yield app, pilot


async def until(pilot: Pilot[int], there: Callable[[], bool]) -> None:
    for _ in range(500):
        if there():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    raise AssertionError(text(pilot.app))  # type: ignore[arg-type]


async def at(pilot: Pilot[int], kind: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await pilot.pause()


def rows(app: DagtuiApp) -> list[str]:
    return [line for line in lines(app) if " complete " in line or " partial " in line or " stopped " in line]


async def test_the_newest_is_first_and_every_figure_is_there(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        newest, middle, oldest = rows(app)[-3:]
        assert "▽ stopped" in newest
        assert "tickets.jsonl" in newest
        assert "✖ partial" in middle
        assert "3/4" in middle
        assert "■ complete" in oldest
        assert "4/4" in oldest
        assert "fake-model" in oldest
        assert "3   ■ 1 complete   ✖ 1 partial   ▽ 1 stopped" in text(app)
        await pilot.press("down")
        assert "20261125-010101-bbbb" in text(app)
        assert "some failed; g asks them again" in text(app)


async def test_words_filter_and_escape_shows_all_again_before_it_leaves(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        await pilot.press("slash", *"emails part", "enter")
        await pilot.pause()
        assert len(rows(app)) == 2  # the line on all of them, and the one that is left
        assert "runs · emails part" in text(app)
        await pilot.press("slash", *" nothing", "enter")
        await pilot.pause()
        assert "no run has “emails part nothing” in it" in text(app)
        await pilot.press("escape")
        assert len(rows(app)) == 4
        await pilot.press("escape")
        await at(pilot, SetupScreen)


async def test_it_sorts_by_the_next_column_and_back_and_the_cursor_stays_on_its_run(
    folder: Path, three: list[Path]
) -> None:
    async with listed(folder) as (app, pilot):
        table = app.screen.query_one(RunsTable)
        await pilot.press("end")
        chosen = table.selected
        assert chosen is not None
        await pilot.press("s")  # by file
        assert [name for row in rows(app)[-3:] for name in ("emails", "tickets") if name in row] == [
            "emails", "emails", "tickets",
        ]  # fmt: skip
        assert table.selected == chosen
        await pilot.press("S")
        assert "tickets" in rows(app)[-3]
        for _ in range(7):
            await pilot.press("s")
        assert "begun▾" in text(app)


async def test_two_are_marked_and_compared_and_can_be_swapped(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        assert "Compare" not in lines(app)[-1]
        await pilot.press("end", "m", "up")
        assert "Compare" in lines(app)[-1]
        await pilot.press("m", "equals_sign")
        await at(pilot, CompareScreen)
        shown = text(app)
        assert "A  20261124-010101-aaaa" in shown
        assert "concurrency" in shown
        assert "3 requests have an answer in both; 2 (66.7%) are in another category" in shown
        assert "answered 1 only in A" in shown
        assert "email-002" in shown
        assert "email-004" in shown
        await pilot.press("x")
        await pilot.pause()
        assert "A  20261125-010101-bbbb" in text(app)
        assert "answered 1 only in B" in text(app)
        await pilot.press("escape")
        await at(pilot, RunsScreen)


async def test_other_input_is_compared_but_for_its_answers(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        await pilot.press("m", "down", "c")
        await at(pilot, CompareScreen)
        assert "not read the same input" in text(app)


async def test_enter_plays_a_run_and_escape_comes_back(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        await pilot.press("end", "enter")
        await at(pilot, VisitedReplay)
        screen = app.screen
        assert "replay of emails.csv" in text(app)
        await pilot.press("end")
        screen.session.settle()  # type: ignore[attr-defined]
        screen.poll()  # type: ignore[attr-defined]
        await pilot.press("r")
        await at(pilot, ReportScreen)
        assert "◆ complete" in text(app)
        await pilot.press("escape")
        await at(pilot, VisitedReplay)
        await pilot.press("escape")
        await at(pilot, RunsScreen)
        assert app.session is None


async def test_a_run_that_goes_on_is_watched_and_left_running(folder: Path, three: list[Path]) -> None:
    lock = RunLock(three[0])
    try:
        async with listed(folder) as (app, pilot):
            assert "▶ running" in text(app)
            await pilot.press("end")
            await pilot.press("D")
            await pilot.pause()
            assert "It goes on: stop it first" in text(app)
            await pilot.press("r")
            await at(pilot, ReportScreen)
            assert "▶ running" in lines(app)[0]
            assert "Go on" not in lines(app)[-1]
            await pilot.press("escape")
            await at(pilot, RunsScreen)
            await pilot.press("enter")
            await at(pilot, VisitedRun)
            assert "attached: emails.csv" in text(app)
            await pilot.press("escape")
            await at(pilot, RunsScreen)
        assert app.return_value is None or app.return_value == 0
        assert three[0].exists()
    finally:
        lock.release()


async def test_the_report_is_of_the_run_and_is_saved_as_a_file(
    folder: Path, three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    async with listed(folder) as (app, pilot):
        await pilot.press("down", "r")
        await at(pilot, ReportScreen)
        assert "ended with failures" in text(app)
        assert "✖ 1 failed 25.0%" in text(app)
        await pilot.press("w", "enter")
        await until(pilot, lambda: (folder / "emails.report.html").exists())
        told = (folder / "emails.report.html").read_text("utf-8")
        assert "3 of 4" in told
        assert "dagtui resume 20261125-010101-bbbb" in told
        await pilot.press("w", "enter")
        await at(pilot, Question)
        assert "exists. Replace it?" in " ".join(text(app).split())
        await pilot.press("y")
        await at(pilot, ReportScreen)


async def test_going_on_says_first_what_that_means(folder: Path, three: list[Path]) -> None:
    async with listed(folder, desk=ResumingDesk(folder)) as (app, pilot):
        await pilot.press("g")
        await at(pilot, ContractScreen)
        await pilot.press("escape")
        await at(pilot, RunsScreen)
        await pilot.press("end")
        assert "Go on" not in lines(app)[-1]  # of a run that is complete nothing is left


async def test_results_are_exported(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        await pilot.press("end", "e", *["backspace"] * 30, *str(folder / "out.csv"), "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "Not exported" in text(app)  # its input is not there any more, and that is said


async def test_a_run_is_deleted_only_after_a_question(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        await pilot.press("end", "D")
        await at(pilot, Question)
        assert "20261124-010101-aaaa" in text(app)
        await pilot.press("n")
        await at(pilot, RunsScreen)
        assert three[0].exists()
        await pilot.press("D")
        await at(pilot, Question)
        await pilot.press("y")
        await until(pilot, lambda: not three[0].exists())
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(rows(app)) == 3
        assert "20261124-010101-aaaa" not in text(app)


async def test_without_runs_it_says_how_the_first_one_is_made(folder: Path) -> None:
    async with listed(folder, (80, 24)) as (app, pilot):
        assert "no runs yet" in text(app)
        await pilot.press("enter", "r", "m", "equals_sign", "e", "D", "g", "down", "end")
        assert isinstance(app.screen, RunsScreen)


async def test_a_journal_that_cannot_be_read_is_a_row_that_says_so(folder: Path, three: list[Path]) -> None:
    broken = runs_folder() / "20261127-000000-dddd" / "journal.db"
    broken.parent.mkdir()
    broken.write_bytes(b"no journal at all" * 100)
    async with listed(folder) as (app, pilot):
        assert "▲ unreadable" in text(app)
        assert "is no journal of dagtui's" in " ".join(text(app).split())
        assert "4   ■ 1 complete" in text(app)
        await pilot.press("home", "r", "m", "e", "enter")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen)


@pytest.fixture
def hostile() -> None:
    ids = [f"{HOSTILE}{number}" for number in range(3)]
    for name, answers in (("1124-aaaa", [HOSTILE, "b", "c"]), ("1125-bbbb", ["b", "b", HOSTILE])):
        kept_run(f"2026{name}", answers, title=f"{HOSTILE} · email · demo", ids=ids)


async def test_hostile_names_draw_nothing_of_their_own(folder: Path, hostile: None) -> None:
    async with listed(folder, (120, 36)) as (app, pilot):
        assert not set(text(app)) & set("\x1b\x07\u202e")
        await pilot.press("m", "down", "equals_sign")
        await at(pilot, CompareScreen)
        assert "[red]x[/]" in text(app)
        assert not set(text(app)) & set("\x1b\x07\u202e")
        await pilot.press("escape")
        await at(pilot, RunsScreen)
        await pilot.press("r")
        await at(pilot, ReportScreen)
        assert not set(text(app)) & set("\x1b\x07\u202e")


async def test_list_report_and_comparison_are_whole_at_every_size(folder: Path, three: list[Path]) -> None:
    async with listed(folder) as (app, pilot):
        await check_sizes(app, pilot, lambda: "stopped" in text(app))
        await pilot.resize_terminal(160, 48)
        await pilot.press("end", "m", "up", "equals_sign")
        await at(pilot, CompareScreen)
        await check_sizes(app, pilot, lambda: "20261124" in text(app))
        await pilot.resize_terminal(59, 20)
        await pilot.pause()
        assert "too small" in text(app)


async def check_sizes(app: DagtuiApp, pilot: Pilot[int], there: Callable[[], bool]) -> None:
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        await pilot.pause()
        shown = [sheet for sheet in app.screen.query(Sheet) if _visible(sheet) and sheet.region.bottom < height]
        whole(shown[:2] if isinstance(app.screen, CompareScreen) else shown, width, height)
        assert there(), (width, height, text(app))


async def test_leaving_while_journals_are_read_leaves_nothing_behind(folder: Path, three: list[Path]) -> None:
    app: Any = DagtuiApp(Plan(), desk=FakeDesk(folder))  # type: ignore[arg-type]
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("f4", "end", "r", "q")
    assert app.return_value == 0


async def test_what_goes_on_is_looked_at_again_and_what_is_new_appears(
    folder: Path, three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagtui.tui.screens.runs.AGAIN", 0.05)
    lock = RunLock(three[1])
    async with listed(folder) as (app, pilot):
        assert "▶ running" in text(app)
        lock.release()
        await until(pilot, lambda: "▶" not in text(app))
        copied = runs_folder() / "20261127-010101-dddd"
        shutil.copytree(three[0].parent, copied)
        await until(pilot, lambda: len(rows(app)) == 5)
        shutil.rmtree(copied)
        await until(pilot, lambda: len(rows(app)) == 4)
