"""A run that is edited in the middle of it, in the app, against a simulator whose ledger is the judge."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import TextArea

from dagtui import Plan, RunSettings
from dagtui.core.store import State
from dagtui.io.journal import JournalReader
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.edit import EditScreen
from dagtui.tui.screens.preview import PreviewScreen
from dagtui.tui.screens.report import ReportScreen
from tests.e2e.conftest import EMAILS, KEY, Shell, Simulator

RECORDS = 200


@pytest.fixture
def emails(tmp_path: Path) -> Path:
    with EMAILS.open() as file:
        rows = list(csv.DictReader(file))
    path = tmp_path / "emails.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "revision"])
        writer.writeheader()
        for number in range(RECORDS):
            writer.writerow({**rows[number % len(rows)], "id": f"r{number}", "revision": "theirs"})
    return path


@pytest.fixture
def app(emails: Path, simulator: Simulator, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> DagtuiApp:
    for name, value in shell.environ(ANTHROPIC_API_KEY=KEY, TEXTUAL_ANIMATIONS="none").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("dagtui.tui.signals.listen", lambda leave: None)
    monkeypatch.setattr("dagtui.process.prepare", lambda: None)
    simulator.turn(latency_median_s=0.05)
    plan = Plan(path=str(emails), gateway=simulator.url, settings=RunSettings(concurrency=5), remember=False)
    return DagtuiApp(plan, start_at_once=True)


async def until(pilot, true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not come to that")


def succeeded(app: DagtuiApp) -> int:
    return app.session.snapshot().counts.succeeded if app.session else 0


async def edit_temperature(pilot, app: DagtuiApp, key: str) -> int:
    """Edit at the middle, preview, choose `key`; the answers that there were before."""
    await until(pilot, lambda: succeeded(app) >= 60)
    await pilot.press("E")
    await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.editing is not None)
    await until(pilot, lambda: app.session.snapshot().counts.in_flight == 0)
    before = succeeded(app)
    assert app.session.snapshot().phase == "paused"
    await pilot.pause()
    app.screen.query_one("#edit-temperature").focus()
    await pilot.press("0", ".", "7", "f5")
    await until(pilot, lambda: isinstance(app.screen, PreviewScreen) and app.screen.tried is not None)
    preview = app.screen
    assert [row.new is not None and not row.new.problem for row in preview.rows] == [True] * 10
    assert preview.tried.spent <= preview.editing.at_most(preview.edits)
    assert succeeded(app) == before
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, Dashboard) and "revision 2" in app.screen.session.title)
    return before


def exported(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.asyncio
async def test_a_run_goes_on_with_an_edit_for_what_is_left(
    app: DagtuiApp, simulator: Simulator, shell: Shell, tmp_path: Path
) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        before = await edit_temperature(pilot, app, "c")
        await until(pilot, lambda: succeeded(app) >= before + 20)
        app.session.drain()
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        path = app.session.journal_path
        await app.session.export(tmp_path / "half.csv")
        half = sum(row["dagtui_status"] == "ok" for row in exported(tmp_path / "half.csv"))
        await pilot.press("q")

    assert (path.parent / "journal.task-2.toml").is_file()
    told = json.loads(shell.run("resume", "--dry-run", "--json", ANTHROPIC_API_KEY=KEY).stdout)["contract"]
    assert (len(told["stale"]), told["reused"]) == (before, half - before)
    done = shell.run("resume", "--headless", "-q", "-o", "live.csv", ANTHROPIC_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert simulator.totals()["requests"] == RECORDS + 10, "nothing but the preview was asked twice"
    shell.run("export", "-o", "out.csv")
    rows = exported(shell.home / "out.csv")
    assert [row["dagtui_revision"] for row in rows].count("1") == before
    assert [row["dagtui_revision"] for row in rows].count("2") == RECORDS - before
    assert {row["revision"] for row in rows} == {"theirs"}
    live = {row["id"]: row["dagtui_revision"] for row in exported(shell.home / "live.csv")}
    assert live == {row["id"]: row["dagtui_revision"] for row in rows}
    with JournalReader(path) as reader:
        temperatures = [one.recipe["analyze_email"]["temperature"] for one in reader.sessions()]
    assert temperatures == [0.1, 0.7, 0.7]
    report = shell.run("report").stdout
    assert f"1  {before} answers, as it began" in report
    assert "temperature 0.1 -> 0.7" in report
    assert os.path.basename(shell.run("rm", path.parent.name).stdout.strip()).startswith("removed")


@pytest.mark.asyncio
async def test_a_run_goes_on_with_an_edit_for_all(app: DagtuiApp, simulator: Simulator, tmp_path: Path) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        before = await edit_temperature(pilot, app, "a")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        await app.session.export(tmp_path / "all.csv")
        await pilot.press("q")
    assert {row["dagtui_revision"] for row in exported(tmp_path / "all.csv")} == {"2"}
    assert simulator.totals()["requests"] == RECORDS + before + 10


@pytest.mark.asyncio
async def test_of_several_questions_only_those_that_the_edit_concerns_are_asked_again(
    app: DagtuiApp, simulator: Simulator
) -> None:
    app.plan = replace(app.plan, path=str(EMAILS.with_name("tickets.jsonl")), task="tickets")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: succeeded(app) >= 40)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.editing is not None)
        await until(pilot, lambda: app.session.snapshot().counts.in_flight == 0)
        states, total = bytes(app.session.store.state), app.session.snapshot().counts.total
        replies = states[1::2].count(State.SUCCEEDED)
        await pilot.press("f9")
        await pilot.pause()
        app.screen.query_one("#edit-system", TextArea).load_text("Be brief.")
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, PreviewScreen) and app.screen.tried is not None)
        rows = app.screen.rows
        assert {row.question for row in rows} == {"reply"}
        assert all(row.new is not None and not row.new.problem for row in rows)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        await pilot.press("q")
    assert simulator.totals()["requests"] == total + len(rows) + replies


@pytest.mark.asyncio
async def test_left_without_an_edit_the_run_goes_on_as_it_was(app: DagtuiApp, simulator: Simulator) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: succeeded(app) >= 20)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.editing is not None)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        await pilot.press("q")
    assert simulator.totals()["requests"] == RECORDS
