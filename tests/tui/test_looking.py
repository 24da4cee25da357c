"""Looking around on the dashboard: the table, the log, one request, the help."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, RecordRead
from dagtui.core.model import Attempt, AttemptError
from dagtui.core.snapshot import Counts
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.help import HelpScreen
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.widgets.heading import progress
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.scrolled import Scrolled
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import FakeSession


def counts(succeeded: int, *, total: int = 100, failed: int = 0, skipped: int = 0, cancelled: int = 0) -> Counts:
    queued = total - succeeded - failed - skipped - cancelled
    return Counts(total, queued, 0, 0, succeeded, failed, skipped, cancelled)


@pytest.mark.parametrize("width", [60, 80, 157])
@pytest.mark.parametrize("lost", ["failed", "skipped", "cancelled"])
@pytest.mark.parametrize("number", [0, 1, 36, 50, 99, 100])
def test_at_a_hundred_percent_no_cell_of_the_progress_is_empty(width: int, lost: str, number: int) -> None:
    line = "".join(part for part, _ in progress(counts(100 - number, **{lost: number}), width))
    assert len(line) == width
    assert line.endswith(" 100.0%")
    cells = line[: width - 7]
    assert set(cells) <= {"█", "▒"}
    assert cells.count("▒") == pytest.approx(number / 100 * len(cells), abs=1)


@pytest.mark.parametrize(("done", "failed"), [(20, 20), (1, 1), (0, 5), (60, 3), (0, 0)])
def test_the_parts_of_the_progress_are_in_proportion(done: int, failed: int) -> None:
    cells = "".join(part for part, _ in progress(counts(done, failed=failed), 107))[:100]
    assert cells.count("█") == pytest.approx(done, abs=1)
    assert cells.count("▒") == pytest.approx(failed, abs=1)
    assert cells.count("┈") == pytest.approx(100 - done - failed, abs=1)


async def test_end_goes_to_the_last_request_known_and_stays_there_as_more_are_read(folder: Path) -> None:
    session = FakeSession(records=40)
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        table = app.screen.query_one(RequestsTable)
        await pilot.press("end")
        await pilot.pause()
        assert (table.selected, table.border_title) == (39, "4 requests · all · at the end")
        for number in range(40, 400):
            session.stats.fold(RecordRead(session.now, number, f"late_{number}"))
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert table.selected == 399
        assert "late_399" in text(app)
        await pilot.press("up")
        session.stats.fold(RecordRead(session.now, 400, "late_400"))
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert (table.selected, table.border_title) == (398, "4 requests · all")


async def test_where_not_all_is_read_the_table_says_what_it_counts(folder: Path) -> None:
    async with dashboard(folder, FakeSession(records=40), play=1.0) as (app, pilot):
        table = app.screen.query_one(RequestsTable)
        await pilot.press("end")
        table.show(table.store, 0.0, 10_000)
        await pilot.pause()
        assert table.border_subtitle == "40 of 40 read · 10,000 in all"


async def test_the_wheel_scrolls_the_view_and_leaves_the_cursor(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        table = app.screen.query_one(RequestsTable)
        await pilot.press("home")
        for _ in range(4):
            table.post_message(_wheel(table, events.MouseScrollDown))
        await pilot.pause()
        assert (table.cursor, table.top) == (0, 12)
        assert "email_0012" in text(app)
        assert "email_0000" not in "".join(lines(app)[17:34])
        table.post_message(_wheel(table, events.MouseScrollUp))
        await pilot.pause()
        assert (table.cursor, table.top) == (0, 9)
        for _ in range(100):
            table.post_message(_wheel(table, events.MouseScrollDown))
        await pilot.pause()
        assert "email_0099" in text(app)
        await pilot.press("down")
        assert (table.cursor, table.top) == (1, 1)


def _wheel(table: RequestsTable, kind: type[events.MouseEvent]) -> events.MouseEvent:
    return kind(table, 5, 5, 0, 1, 0, False, False, False)


async def test_a_try_in_flight_does_not_show_the_status_of_the_one_before(folder: Path) -> None:
    session = FakeSession(records=3)
    async with dashboard(folder, session) as (app, pilot):
        _retry(session, 0, "slow down")
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        waiting = _row(app, "email_0000")
        assert "429" in waiting
        assert "0.25 s" in waiting
        session.stats.fold(AttemptStarted(session.now, 0, 2))
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        flying = _row(app, "email_0000")
        assert flying.split()[:5] == ["│", "●", "in", "flight", "email_0000"]
        assert " 2 " in flying
        assert "429" not in flying
        assert "0.00 s" in flying, "how long it has been under way, not what the one before took"


def _retry(session: FakeSession, seq: int, message: str, number: int = 1) -> None:
    session.stats.fold(AttemptStarted(session.now, seq, number))
    error = AttemptError(ErrorKind.RATE_LIMITED, message, 429)
    sent = session.now - 0.25
    attempt = Attempt(number, sent, session.now, 429, error, retry_in=2.0, retry_reason="retry-after")
    session.stats.fold(AttemptEnded(session.now, seq, attempt))


def _row(app, record: str) -> str:
    return next(line for line in lines(app) if line.startswith("│ ") and record in line and "↻" not in line)


async def test_enter_shows_all_about_a_request_with_its_errors_in_full(folder: Path) -> None:
    session = FakeSession(records=30)
    message = "anthropic answered 429: " + " ".join(f"word{number}" for number in range(30))
    async with dashboard(folder, session, (80, 24), play=0.5) as (app, pilot):
        _retry(session, 0, message)
        _retry(session, 0, "the second error [/b] \x1b[2J", 2)
        await pilot.press("home", "enter")
        await pilot.pause()
        assert isinstance(app.screen, InspectorScreen)
        shown = text(app)
        for words in (
            "◐ waiting",
            "email_0000",
            "  1  ",
            "  2  ",
            "word29",
            "again in 2.0 s retry-after",
            "[/b] ␛[2J",
        ):
            assert words in shown, words
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)
        await pilot.press("end", "enter")
        await pilot.pause()
        assert "It has not been sent yet" in text(app)


async def test_one_request_is_shown_as_it_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagtui.tui.screens.inspector.LOOK", 0.01)
    session = FakeSession(records=30)
    async with dashboard(folder, session) as (app, pilot):
        await pilot.press("home", "enter")
        await pilot.pause()
        assert "· queued" in text(app)
        _retry(session, 0, "slow down")
        await pilot.pause(0.1)
        assert "slow down" in text(app)


async def test_the_help_tells_how_to_type_a_concurrency_and_how_to_reach_the_form(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), size=(160, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert "t   Type the target" in text(app)
    async with setup(folder, (120, 60)) as (app, pilot):
        await pilot.press("f1")
        await pilot.pause()
        assert "tab   Next field" in text(app)
        assert "shift+tab   Field before" in text(app)


async def test_a_help_that_is_longer_than_the_screen_says_so_and_scrolls(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        assert "▼ more · Esc goes back" in text(app)
        assert "cancelled" not in text(app)
        await pilot.press("down")
        await pilot.pause()
        assert "▲▼ more · Esc goes back" in text(app)
        await pilot.press("end")
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()
        assert "cancelled" in text(app)
        assert "─ ▲ more · Esc goes back" in text(app)
        await pilot.resize_terminal(80, 150)
        await pilot.pause()
        await pilot.pause()
        assert str(app.screen.query_one(Scrolled).border_subtitle) == "Esc goes back"


async def test_the_log_counts_what_it_shows(folder: Path) -> None:
    session = FakeSession()
    session.failing = 0.0
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        log = app.screen.query_one("#log")
        assert str(log.border_subtitle).endswith(" lines")
        await pilot.press("l")
        await pilot.pause()
        assert "nothing failed so far" in text(app)
        assert not log.border_subtitle
        session.failing = 1.0
        session.play(1.0)
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        failed = session.snapshot().counts.failed
        assert failed > 1
        assert log.border_subtitle == f"{failed} failures"


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_retries_and_429s_are_seen_at_a_glance(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession()
    async with dashboard(folder, session, size, play=4.0) as (app, pilot):
        await pilot.pause()
        snapshot = session.snapshot()
        assert snapshot.retries > 1
        assert f"5 log · all · {snapshot.retries} retries · {snapshot.throttled} × 429" in text(app)
        if size[0] == 160:
            assert f"retries {snapshot.retries}  429s {snapshot.throttled}" in text(app)


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_after_the_end_no_panel_speaks_of_what_holds_the_run(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession()
    async with dashboard(folder, session, size) as (app, pilot):
        session.held = "below the limit: nothing else is ready"
        session.play(2.0)
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert "below the limit" in text(app)
        session.play_out()
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        for words in ("below the limit", "limit left", "the run is ending", "by one"):
            assert words not in text(app)
        if size[0] == 160:
            assert "the run has ended" in text(app)


async def test_the_scale_of_the_throughput_agrees_with_its_peak(folder: Path) -> None:
    session = FakeSession(target=4)
    async with dashboard(folder, session, play=6.0) as (app, pilot):
        await pilot.pause()
        shown = lines(app)
        top = float(next(line for line in shown if "┤" in line).split("┤")[0].strip("│ "))
        peak = session.snapshot().throughput.peak
        assert peak <= top * 1.0001 <= 2 * peak
        assert "1 dial · answers a second" in shown[5]
        assert "0:06" in next(line for line in shown if "└" in line)
