"""The screens of an edit: a form over a paused run, and old and new answers side by side."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from dagtui.core.edit import Asked
from dagtui.core.errors import ConfigError
from dagtui.core.preview import Answered, Compared
from dagtui.previewing import Tried
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.edit import EditScreen
from dagtui.tui.screens.preview import PreviewScreen
from dagtui.tui.sheet import Sheet
from tests.tui.conftest import lines, text
from tests.tui.fakes import FakeSession, Plan
from tests.tui.test_contract import NOTHING_TO_DECIDE, ResumingDesk
from tests.tui.test_hostile_text import HOSTILE

CONTENT = "Read this email.\r\n\r\nEmail: {content}"


class FakeEditing:
    """Ten answered records, of which a preview answers all alike."""

    columns = ("id", "subject", "content")
    revision = 2

    def __init__(self, *questions: Asked, fixed: str = "", records: list[str] | None = None) -> None:
        self.questions = questions or (Asked("analyze_email", "claude-x", 150, 0.1, CONTENT, ""),)
        self.fixed = fixed
        self.records = [f"email_{number:04d}" for number in range(10)] if records is None else records
        self.refusal = ""
        self.previewed: list[Any] = []
        self.answered = asyncio.Event()
        self.answered.set()

    def compared(self, edits: Any) -> list[Compared]:
        old = Answered('{"category": "work", "summary": "A meeting"}', "work", Decimal("0.000231"))
        return [Compared(record, self.questions[0].name, old) for record in self.records]

    def affected(self, edits: Any) -> frozenset[int]:
        return frozenset({0})

    def at_most(self, edits: Any) -> Decimal | None:
        return Decimal("0.0091")

    def check(self, edits: Any) -> None:
        if self.refusal:
            raise ConfigError(self.refusal)

    async def preview(self, edits: Any, tell: Any) -> Tried:
        self.previewed.append(list(edits))
        await self.answered.wait()
        for place, record in enumerate(self.records):
            tell(place, Answered(f'{{"category": "spam", "summary": "{record}"}}', "spam", Decimal("0.000462")))
        return Tried(Decimal("0.00462"))

    def plan(self, edits: Any) -> Plan:
        return Plan(path="edited.csv", task="journal.task-2.toml")


class EditingDesk(ResumingDesk):
    """Has an edit made by `editing`, and goes on with another session."""

    contract = NOTHING_TO_DECIDE
    editing_of: FakeEditing
    gone_on: FakeSession | None = None

    async def editing(self, plan: Any, session: Any) -> FakeEditing:
        return self.editing_of

    async def open_resumed(self, going: Any, plan: Any, choices: Any) -> FakeSession:
        self.resumed = (going, plan, choices)
        self.gone_on = FakeSession()
        self.gone_on.title += " · revision 2"
        return self.gone_on


@asynccontextmanager
async def editing(folder: Path, fake: FakeEditing | None = None, size: tuple[int, int] = (120, 36)):
    """The app on the edit screen of a run that was in the middle."""
    session = FakeSession()
    desk = EditingDesk(folder, session)
    desk.editing_of = fake or FakeEditing()
    app = DagtuiApp(Plan(path=str(folder / "emails.csv")), start_at_once=True, desk=desk)
    async with app.run_test(size=size, notifications=True) as pilot:
        while not isinstance(app.screen, Dashboard):
            await pilot.pause()
        session.play(1.0)
        app.screen.poll()
        await pilot.press("E")
        while not isinstance(app.screen, EditScreen) or app.screen.editing is None:
            await pilot.pause()
        await pilot.pause()
        yield app, pilot, desk, session


async def warmer(pilot: Any, app: DagtuiApp) -> None:
    app.screen.query_one("#edit-temperature").focus()
    await pilot.press("0", ".", "7")
    await pilot.pause()


async def on(pilot: Any, app: DagtuiApp, kind: type) -> None:
    while not isinstance(app.screen, kind):
        await pilot.pause()
    await pilot.pause()


async def test_the_run_is_paused_and_left_without_an_edit_goes_on(folder: Path) -> None:
    async with editing(folder) as (app, pilot, _, session):
        assert session.calls[-1] == "pause"
        assert "paused while you edit" in text(app)
        assert "edit for revision 2" in text(app)
        assert "Email: {content}" in text(app)
        await pilot.press("escape")
        await on(pilot, app, Dashboard)
        assert session.calls[-1] == "resume"


async def test_a_run_that_was_paused_before_stays_paused(folder: Path) -> None:
    async with editing(folder) as (app, pilot, _, session):
        await pilot.press("escape")
        await on(pilot, app, Dashboard)
        session.pause()
        app.screen.poll()
        await pilot.press("E")
        await on(pilot, app, EditScreen)
        await pilot.press("escape")
        await on(pilot, app, Dashboard)
        assert session.calls[-1] == "pause"


async def test_an_edit_is_not_thrown_away_in_passing(folder: Path) -> None:
    async with editing(folder) as (app, pilot, _, session):
        await warmer(pilot, app)
        await pilot.press("escape")
        await pilot.pause()
        assert "Leave without the edit?" in text(app)
        await pilot.press("n")
        await pilot.pause()
        assert app.screen.query_one("#edit-temperature", Input).value == "0.7"
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("y")
        await on(pilot, app, Dashboard)
        assert session.calls[-1] == "resume"


async def test_what_is_wrong_is_said_at_once_and_keeps_what_was_typed(folder: Path) -> None:
    fake = FakeEditing()
    async with editing(folder, fake) as (app, pilot, _, _):
        app.screen.query_one("#edit-temperature").focus()
        await pilot.press("7")
        await pilot.pause()
        assert "✖ temperature: must be a number from 0 to 2" in text(app)
        await pilot.press("f5")
        await pilot.pause()
        assert isinstance(app.screen, EditScreen)
        assert app.screen.query_one("#edit-temperature", Input).value == "7"
        app.screen.query_one("#edit-prompt", TextArea).load_text("Read {contnt}")
        app.screen.query_one("#edit-temperature", Input).value = "0.7"
        await pilot.pause()
        assert 'prompt: {contnt} is no field of the records (did you mean "content"?)' in text(app)
        assert fake.previewed == []


async def test_a_preview_shows_both_and_the_edit_goes_on_for_what_is_left(folder: Path) -> None:
    fake = FakeEditing()
    async with editing(folder, fake) as (app, pilot, desk, session):
        await warmer(pilot, app)
        assert "F5 asks 10 answered requests again for at most $0.009100, no part of the run" in text(app)
        await pilot.press("f5")
        await on(pilot, app, PreviewScreen)
        shown = text(app)
        assert "temperature 0.1 -> 0.7" in shown
        assert "$0.000231 -> $0.000462   +100.0%" in shown
        assert "≠ other  $0.000231 $0.000462" in shown
        assert "$0.004620 of at most $0.009100, no part of the run" in shown
        assert fake.previewed[0][0].prompt == CONTENT, "line ends stay as they were"
        await pilot.press("c")
        await on(pilot, app, Dashboard)
        assert session.calls[-1] == "drain" or "drain" in session.calls
        session.play_out()
        while desk.gone_on is None or app.screen.session is not desk.gone_on:  # type: ignore[attr-defined]
            await pilot.pause()
        _, plan, choices = desk.resumed
        assert (plan.task, choices.stale) == ("journal.task-2.toml", "keep")
        assert "revision 2" in text(app)
        assert app.farewell == []


async def test_all_are_asked_again_where_that_was_the_key_and_the_dial_stays(folder: Path) -> None:
    async with editing(folder) as (app, pilot, desk, session):
        session.retune(42)
        await warmer(pilot, app)
        await pilot.press("f8")
        await on(pilot, app, PreviewScreen)
        assert "not asked; p asks for at most" in text(app)
        await pilot.press("a")
        await on(pilot, app, Dashboard)
        session.play_out()
        while desk.gone_on is None:
            await pilot.pause()
        _, plan, choices = desk.resumed
        assert (choices.stale, plan.settings.concurrency) == ("redo", 42)
        await pilot.pause()


async def test_the_edited_task_as_a_whole_may_be_refused(folder: Path) -> None:
    fake = FakeEditing()
    fake.refusal = "the edited task, [ask]: [/b] is wrong."
    async with editing(folder, fake) as (app, pilot, _, _):
        await pilot.press("f5")
        await pilot.pause()
        assert "nothing is edited yet: change a field" in text(app)
        await warmer(pilot, app)
        await pilot.press("f5")
        while "[/b] is wrong" not in text(app):
            await pilot.pause()
        assert isinstance(app.screen, EditScreen)


async def test_several_questions_are_edited_one_after_the_other(folder: Path) -> None:
    first = Asked("triage", "claude-x", 150, 0.1, "Sort {subject}", "You sort.")
    second = Asked("reply", "claude-y", 300, None, "Reply to {triage.queue}", "", ("triage",))
    fake = FakeEditing(first, second)
    async with editing(folder, fake) as (app, pilot, _, _):
        assert "triage · 1 of 2" in text(app)
        await warmer(pilot, app)
        await pilot.press("f9")
        await pilot.pause()
        assert "reply · 2 of 2" in text(app)
        assert "{triage}" in text(app)
        app.screen.query_one("#edit-system", TextArea).load_text("Be brief.")
        await pilot.press("f8")
        await on(pilot, app, PreviewScreen)
        assert "triage temperature 0.1 -> 0.7; reply system  -> Be brief." in text(app)


async def test_a_plugin_says_why_its_prompts_are_not_edited_here(folder: Path) -> None:
    fake = FakeEditing(Asked("EmailAnalyzer", None, None, None), fixed="the prompts are made by code; edit that")
    async with editing(folder, fake) as (app, pilot, _, _):
        assert "the prompts are made by code" in text(app)
        assert not app.screen.query_one("#edit-prompt").display
        await warmer(pilot, app)
        assert "the plugin's own now" in text(app)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (119, 23), (120, 36), (160, 48), (240, 70)])
async def test_both_screens_are_whole_at_every_size(folder: Path, size: tuple[int, int]) -> None:
    async with editing(folder, size=size) as (app, pilot, _, _):
        await warmer(pilot, app)
        for widget in (*app.screen.query(Input), *app.screen.query(TextArea), app.screen.query_one("#edit-note")):
            assert widget.region.area
            assert widget.region.right <= size[0]
            assert widget.region.bottom <= size[1] - 1, widget
        await pilot.press("f5")
        await on(pilot, app, PreviewScreen)
        for sheet in app.screen.query(Sheet):
            assert sheet.region.right <= size[0]
        told = [line for line in lines(app) if "email_0000" in line]
        assert told
        assert "$0.000462" in told[0]
        assert "≠ other" in told[0]
        assert "+$" in text(app)


async def test_hostile_text_is_shown_and_does_nothing(folder: Path) -> None:
    asked = Asked(HOSTILE[2], HOSTILE[0], 150, 0.1, "\n".join([*HOSTILE[:11], "{content}"]))
    fake = FakeEditing(asked, records=HOSTILE[:10])
    fake.columns = ("content", "[/b]", "\x1b[2J")
    async with editing(folder, fake) as (app, pilot, _, _):
        assert "[@click=app.quit]x[/]" in text(app)
        await warmer(pilot, app)
        await pilot.press("f5")
        await on(pilot, app, PreviewScreen)
        shown = text(app)
        assert "[bold red]" in shown
        assert not [character for character in shown if character != "\n" and ord(character) < 32]


async def test_the_users_editor_takes_the_prompt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    script = folder / "editor.py"
    script.write_text("import sys\nopen(sys.argv[1], 'a').write(' Please.\\n')\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    async with editing(folder) as (app, pilot, _, _):
        monkeypatch.setattr(app, "suspend", nullcontext)  # there is no terminal to leave
        await pilot.press("f4")
        for _ in range(200):
            await pilot.pause(0.02)
            if "Email: {content} Please." in text(app):
                break
        else:
            raise AssertionError(text(app))
        monkeypatch.setenv("VISUAL", "no-such-editor-anywhere")
        await pilot.press("ctrl+o")
        for _ in range(200):
            await pilot.pause(0.02)
            if told := [one.message for one in app._notifications]:
                break
        assert "set EDITOR to one" in told[0]
