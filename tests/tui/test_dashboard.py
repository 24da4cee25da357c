"""Keys on the dashboard, and what they do to the session."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagtui.core.store import State
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Entry, Question
from dagtui.tui.screens.help import HelpScreen
from dagtui.tui.screens.report import ReportScreen
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.requests import RequestsTable
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeSession


@pytest.mark.parametrize(
    ("start", "key", "target"),
    [
        (10, "plus", 11),
        (10, "equals_sign", 11),
        (10, "minus", 9),
        (1, "minus", 1),
        (100, "plus", 110),
        (100, "minus", 90),
        (10, "right_square_bracket", 20),
        (10, "left_square_bracket", 5),
        (9_999, "right_square_bracket", 10_000),
    ],
)
async def test_a_step_retunes_the_session(folder: Path, start: int, key: str, target: int) -> None:
    session = FakeSession(target=start)
    async with dashboard(folder, session) as (_, pilot):
        await pilot.press(key)
        assert session.calls[-1] == ("retune", target)


async def test_a_retune_is_on_the_screen_at_once(folder: Path) -> None:
    session = FakeSession(target=10)
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        assert "10 in flight of 10" in text(app)
        await pilot.press("plus")
        await pilot.pause()
        assert "of 11" in text(app)


async def test_a_number_typed_quickly_is_applied_whole_by_enter(folder: Path) -> None:
    session = FakeSession(target=10)
    async with dashboard(folder, session) as (app, pilot):
        for key in ("t", "4", "0", "5"):
            app.post_message(_key(key))
        await pilot.pause()
        assert "405" in text(app)
        await pilot.press("enter")
        assert session.calls[-1] == ("retune", 405)


async def test_a_number_and_enter_in_one_burst_are_applied_even_before_the_field_is_there(folder: Path) -> None:
    session = FakeSession(target=10)
    async with dashboard(folder, session) as (app, pilot):
        for key in ("t", "8", "0", "enter"):
            app.post_message(_key(key))
        for _ in range(5):
            await pilot.pause()
        assert session.calls[-1] == ("retune", 80)
        assert isinstance(app.screen, Dashboard)


async def test_escape_leaves_the_concurrency_as_it_was(folder: Path) -> None:
    session = FakeSession(target=10)
    async with dashboard(folder, session) as (app, pilot):
        await pilot.press("t", "4", "escape")
        assert isinstance(app.screen, Dashboard)
        assert not [call for call in session.calls if isinstance(call, tuple)]


@pytest.mark.parametrize(("digits", "told"), [("99999", "99,999"), ("0", "0"), ("10001", "10,001")])
async def test_a_concurrency_that_cannot_be_is_refused_in_the_prompt(folder: Path, digits: str, told: str) -> None:
    session = FakeSession(target=10)
    async with dashboard(folder, session) as (app, pilot):
        await pilot.press("t", *digits, "enter")
        await pilot.pause()
        assert isinstance(app.screen, Entry)
        assert f"✖ The target is a whole number from 1 to 10,000, not {told}." in text(app)
        assert not [call for call in session.calls if isinstance(call, tuple)]
        await pilot.press("ctrl+u", "7")
        await pilot.pause()
        assert "✖" not in lines(app)[-2]
        await pilot.press("enter")
        assert session.calls[-1] == ("retune", 7)


async def test_a_wrong_number_and_enter_in_one_burst_stay_in_the_prompt(folder: Path) -> None:
    session = FakeSession(target=10)
    async with dashboard(folder, session) as (app, pilot):
        for key in ("t", "0", "0", "enter"):
            app.post_message(_key(key))
        for _ in range(5):
            await pilot.pause()
        assert isinstance(app.screen, Entry)
        assert "✖ The target is a whole number" in text(app)
        assert not [call for call in session.calls if isinstance(call, tuple)]


async def test_pause_and_resume_are_one_key(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        await pilot.press("p")
        assert "‖ paused" in text(app)
        await pilot.press("space")
        assert session.calls[-2:] == ["pause", "resume"]
        assert "▶ running" in text(app)


async def test_cancel_asks_first_and_names_what_is_in_flight(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("c")
        assert isinstance(app.screen, Question)
        assert "Abandon 10 in flight? The provider may still bill them." in text(app)
        await pilot.press("n")
        assert "cancel" not in session.calls
        await pilot.press("c", "y")
        assert "cancel" in session.calls


async def test_the_dashboard_lives_on_behind_a_question(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        screen = app.screen
        before = text(app)
        await pilot.press("c")
        session.play(2.0)
        assert isinstance(screen, Dashboard)
        screen.poll()
        await pilot.pause()
        heading = screen.query_one("#heading")
        assert heading.render_line(0).text not in before  # type: ignore[attr-defined]


async def test_the_end_of_the_run_opens_the_report_and_escape_goes_back(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        assert "Throughput" in text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)
        await pilot.press("r")
        assert isinstance(app.screen, ReportScreen)


async def test_after_the_end_nothing_can_be_steered(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.press("escape")
        calls = list(session.calls)
        await pilot.press("plus", "p", "d", "c", "t")
        assert session.calls == calls
        assert isinstance(app.screen, Dashboard)


async def test_a_new_run_lets_go_of_the_old_one(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.press("n")
        await pilot.pause()
        assert isinstance(app.screen, SetupScreen)
        assert session.calls[-1] == "aclose"


async def test_quit_after_a_run_gives_its_exit_code(folder: Path) -> None:
    session = FakeSession()
    session.failing = 0.5
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == 3


@pytest.mark.parametrize(
    ("keys", "call"), [(("q", "d"), "drain"), (("ctrl+q", "c"), "cancel"), (("ctrl+c", "ctrl+c"), "cancel")]
)
async def test_quitting_in_the_middle_of_a_run_asks_how(folder: Path, keys: tuple[str, str], call: str) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press(keys[0])
        assert isinstance(app.screen, Question)
        await pilot.press(keys[1])
        await pilot.pause()
        session.play_out()
        await pilot.pause()
    assert call in session.calls
    assert session.calls[-1] == "aclose"
    assert app.return_value == 130


async def test_a_question_about_a_run_that_has_ended_meanwhile_goes_away(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("q")
        assert isinstance(app.screen, Question)
        session.play_out()
        for _ in range(5):
            await pilot.pause()
        assert isinstance(app.screen, ReportScreen)


async def test_staying_is_the_answer_of_escape(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("q", "escape")
        assert isinstance(app.screen, Dashboard)
        assert not {"drain", "cancel"} & {call for call in session.calls if isinstance(call, str)}


async def test_export_writes_where_the_user_says_and_tells_the_rows(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        await pilot.press("e")
        assert isinstance(app.screen, Entry)
        assert "emails.results.csv" in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert session.exported == [Path("emails.results.csv")]
        assert "rows written to emails.results.csv" in text(app)


async def test_an_export_that_fails_is_a_sentence(folder: Path) -> None:
    session = FakeSession()
    session.export_error = "/nowhere cannot be written: no such folder [/b]."
    async with dashboard(folder, session) as (app, pilot):
        await pilot.press("e", "enter")
        await pilot.pause()
        assert "no such folder [/b]." in text(app)


async def test_the_filter_shows_one_group_of_states_after_the_other(folder: Path) -> None:
    session = FakeSession()
    session.failing = 0.2
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        table = app.screen.query_one(RequestsTable)
        seen: dict[str, set[str]] = {}
        for _ in range(5):
            await pilot.press("v")
            await pilot.pause()
            shown = {line.split()[2] for line in text(app).splitlines() if "email_0" in line and "try" not in line}
            seen[table.border_title or ""] = {
                word for word in shown if word in ("done", "failed", "in", "waiting", "queued")
            }
        assert seen["4 requests · in flight · following"] <= {"in"}
        assert seen["4 requests · failed · following"] == {"failed"}
        assert seen["4 requests · done · following"] == {"done"}


async def test_follow_keeps_the_cursor_on_the_newest_in_flight_until_it_is_moved(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        table = app.screen.query_one(RequestsTable)
        assert table.selected == session.store.state.rfind(State.IN_FLIGHT)
        await pilot.press("home")
        session.play(1.0)
        app.screen.poll()  # type: ignore[attr-defined]
        assert (table.selected, table.follow) == (0, False)
        await pilot.press("f")
        assert table.selected == session.store.state.rfind(State.IN_FLIGHT)


async def test_help_lists_the_keys_from_the_bindings(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), size=(160, 60)) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = text(app)
        for words in ("Twice as many", "Drain", "Follow the newest", "Log: failures only, or all"):
            assert words in shown


async def test_every_binding_has_an_id(folder: Path) -> None:
    from dagtui.tui.app import DagtuiApp
    from dagtui.tui.widgets.files import FileList

    for owner in (
        DagtuiApp,
        Dashboard,
        SetupScreen,
        ReportScreen,
        HelpScreen,
        Question,
        Entry,
        RequestsTable,
        Feed,
        FileList,
    ):
        for binding in owner.BINDINGS:
            assert binding.id, f"{owner.__name__}: {binding}"


async def test_the_log_filter_leaves_failures_only(folder: Path) -> None:
    session = FakeSession()
    session.failing = 0.2
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        await pilot.press("l")
        await pilot.pause()
        log = [line for line in text(app).splitlines() if "14:1" in line]
        assert log
        assert all("✖" in line for line in log)


async def test_a_session_that_cannot_open_leads_to_the_setup_screen(folder: Path) -> None:
    from dagtui.tui.app import DagtuiApp
    from tests.tui.fakes import FakeDesk, Plan

    desk = FakeDesk(folder)
    desk.refusal = "emails.csv: line 3 has four fields where three are named."
    app = DagtuiApp(Plan(path=str(folder / "emails.csv")), start_at_once=True, desk=desk)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, SetupScreen)
        assert "line 3 has four fields" in text(app)


def _key(character: str):
    from textual import events

    return events.Key(character, character)


async def test_a_stop_rule_is_typed_mended_where_it_is_none_and_taken_away(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        await pilot.press("w", *"faled>20%", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Entry)
        assert "✖" in text(app)
        await pilot.press(*["backspace"] * 10, *"failed>20%", "enter")
        await pilot.press("w", *["backspace"] * 10, *"none", "enter")
        await pilot.pause()
        told = [call for call in session.calls if call[0] == "set_stop_rule"]
        assert told == [("set_stop_rule", "failed>20%"), ("set_stop_rule", None)]
