"""Choosing what to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import AppBlur, AppFocus

from dagtui.core.settings import RunSettings
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.numbers import NUMBERS, settings_from
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.widgets.files import FileList
from tests.tui.conftest import setup, text
from tests.tui.fakes import FakeDesk


async def test_a_file_is_picked_by_enter_previewed_and_started_by_f5(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, desk=desk) as (app, pilot):
        app.screen.query_one(FileList).list(folder, desk.candidates(folder))
        await pilot.press("down", "down", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        shown = text(app)
        assert "100 records" in shown
        assert "Budget meeting" in shown
        await pilot.press("f5")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert desk.opened[0].path == str(folder / "emails.csv")


async def test_a_plan_is_prefilled(folder: Path) -> None:
    async with setup(folder, path=str(folder / "emails.csv")) as (app, _):
        assert "100 records, 10 at once, through demo" in text(app)


async def test_a_typed_path_is_looked_at(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        await pilot.press("f3")
        app.screen.query_one("#path").value = str(folder / "none.csv")  # type: ignore[attr-defined]
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "none.csv does not exist" in text(app)


async def test_without_a_file_nothing_starts(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, desk=desk) as (app, pilot):
        await pilot.press("f5")
        await pilot.pause()
        assert isinstance(app.screen, SetupScreen)
        assert "pick a file first" in text(app)
        assert not desk.opened


@pytest.mark.parametrize("wrong", ["0", "-3", "ten", "10001", "1.5", ""])
async def test_a_wrong_number_is_told_beside_its_field_and_refuses_the_start(folder: Path, wrong: str) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, desk=desk, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#concurrency").value = wrong  # type: ignore[attr-defined]
        await pilot.pause()
        line = next(line for line in text(app).splitlines() if line.startswith("│ concurrency"))
        assert "✖ must be a whole number from 1 to 10,000" in line
        await pilot.press("f5")
        assert not desk.opened


async def test_a_gateway_without_a_key_says_how_to_get_one(folder: Path) -> None:
    async with setup(folder, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#gateway").value = "portkey"  # type: ignore[attr-defined]
        await pilot.pause()
        assert "✖ PORTKEY_API_KEY is not set; get one at app.portkey.ai." in text(app)


async def test_a_refusal_while_opening_is_told_and_can_be_tried_again(folder: Path) -> None:
    desk = FakeDesk(folder)
    desk.refusal = "The gateway on localhost:8787 does not answer; start it."
    async with setup(folder, desk=desk, path=str(folder / "emails.csv")) as (app, pilot):
        await pilot.press("f5")
        await pilot.pause()
        await pilot.pause()
        assert "✖ not started: The gateway on localhost:8787 does not answer" in text(app)
        desk.refusal = ""
        await pilot.press("ctrl+r")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)


async def test_what_was_mended_in_another_window_is_seen_on_coming_back(folder: Path) -> None:
    desk = FakeDesk(folder)
    wrong = {"task": "The task reads something else."}
    desk.problems = lambda plan, view: dict(wrong)  # type: ignore[method-assign]
    async with setup(folder, path=str(folder / "emails.csv"), desk=desk) as (app, pilot):
        assert "The task reads something else." in text(app)
        wrong.clear()
        app.post_message(AppBlur())
        app.post_message(AppFocus())
        await pilot.pause()
        await pilot.pause()
        assert "The task reads something else." not in text(app)
        assert "100 records, 10 at once, through demo" in text(app)


async def test_folders_open_and_the_way_back_is_backspace(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, desk=desk, path=str(folder / "emails.csv")) as (app, pilot):
        files = app.screen.query_one(FileList)
        await pilot.press("home", "down", "enter")
        await pilot.pause()
        assert files.folder == folder / "old"
        await pilot.press("backspace")
        await pilot.pause()
        assert files.folder == folder
        assert files.cursor == 1


async def test_the_sample_data_is_one_key_away(folder: Path) -> None:
    desk = FakeDesk(folder)
    desk.samples.mkdir()
    async with setup(folder, desk=desk) as (app, pilot):
        await pilot.press("f2")
        await pilot.pause()
        files = app.screen.query_one(FileList)
        assert files.folder == desk.samples
        await pilot.press("backspace")
        await pilot.pause()
        assert files.folder == Path.cwd()  # not whatever lies around the samples


async def test_tab_reaches_every_field_in_reading_order(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        app.screen.set_focus(None)
        seen: list[str | None] = []
        for _ in range(6 + len(NUMBERS)):
            await pilot.press("tab")
            seen.append(app.focused.id if app.focused else None)
        assert seen == ["path", "files", "task", "model", "gateway", *(number.name for number in NUMBERS), "start"]


async def test_ctrl_q_leaves_with_zero(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        await pilot.press("ctrl+q")
        await pilot.pause()
    assert app.return_value == 0


def test_blank_requests_per_minute_means_no_cap() -> None:
    texts = {"concurrency": "1,000", "attempts": "3", "requests_per_minute": "", "max_cost": "", "timeout": "12.5"}
    texts["pilot"] = "20"
    settings, wrong = settings_from(RunSettings(requests_per_minute=50), texts)
    assert not wrong
    assert settings.pilot == 20
    assert (settings.concurrency, settings.attempts, settings.requests_per_minute, settings.timeout) == (
        1000,
        3,
        None,
        12.5,
    )


async def test_what_it_will_take_is_said_before_it_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagtui.tui.screens.setup._PAUSE", 0.0)
    async with setup(folder, (160, 48), path=str(folder / "emails.csv")) as (app, pilot):
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "through demo · ~$0.027 · ~0:04 · 18.7k tokens in, 3.9k out" in text(app)
