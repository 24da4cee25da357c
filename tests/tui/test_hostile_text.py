"""Text from files, models and providers must neither act on the terminal nor on the app."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.color import Color

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded
from dagtui.core.model import Attempt, AttemptError
from dagtui.tui.app import DagtuiApp
from dagtui.tui.safety import SafeFilter
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.setup import SetupScreen
from tests.tui.conftest import dashboard, setup, text
from tests.tui.fakes import FakeDesk, FakeSession, InputView, Plan
from tests.tui.terminal import captured

HOSTILE = [
    "[/b]",
    "[/]",
    "[@click=app.quit]x[/]",
    "[bold red]",
    "\x1b]52;c;aGFjaw==\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\u202eevil\u202c",
    "\u200b\ufeff",
    "a\nb\tc",
    "\ud800",
    "日本語のとても長い件名です" * 3,
    "=cmd|' /C calc'!A0",
    "\\[",
    "$x ${y}",
]


def break_in(session: FakeSession) -> None:
    """Every hostile text as an id, as an error message and as a reason."""
    for seq, hostile in enumerate(HOSTILE):
        error = AttemptError(ErrorKind.SERVER, hostile, 500)
        attempt = Attempt(1, session.now, session.now, 500, error, retry_in=1.0, retry_reason=hostile)
        session.stats.fold(AttemptEnded(session.now, seq, attempt))


async def test_hostile_ids_and_messages_are_shown_and_do_nothing(folder: Path) -> None:
    session = FakeSession(ids=HOSTILE)
    session.title = HOSTILE[2] + HOSTILE[0]
    async with dashboard(folder, session) as (app, pilot):
        break_in(session)
        assert isinstance(app.screen, Dashboard)
        app.screen.poll()
        await pilot.pause()
        shown = text(app)
        assert "[@click=app.quit]x[/]" in shown
        assert not [character for character in shown if character != "\n" and ord(character) < 32]
        assert {len(line) for line in shown.splitlines()} <= set(range(161))


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_no_byte_of_a_hostile_text_reaches_the_terminal_as_it_is(
    folder: Path, size: tuple[int, int]
) -> None:
    session = FakeSession(ids=HOSTILE)
    session.title = "\x1b]0;owned\x07"
    app = DagtuiApp(Plan(path="x"), start_at_once=True, desk=FakeDesk(folder, session))
    async with captured(app, size) as written:
        await _until(
            lambda: len(app.screen_stack) > 1 and isinstance(app.screen, Dashboard) and app.screen.is_mounted
        )
        break_in(session)
        app.screen.poll()  # type: ignore[attr-defined]
        app.notify("\x1b]52;c;aGFjaw==\x07[/b]", markup=False)
        await _until(lambda: "aGFjaw" in "".join(written))
    output = "".join(written)
    for sequence in ("\x1b]52", "\x1b]0;owned", "\x1b[2J\x1b[H", "\x9b", "\u202e", "\u200b"):
        assert sequence not in output


async def test_hostile_file_names_and_cells_are_shown_and_do_nothing(folder: Path) -> None:
    from dagtui.core.model import Record

    name = "[b]\x1b]52;c;aGFjaw==\x07.csv"
    (folder / name).write_text("x")
    desk = FakeDesk(folder)
    path = str(folder / name)
    record = Record(0, "1", {"[/]": HOSTILE[4], "b": HOSTILE[7]})
    desk.views[path] = InputView(path, name, "csv", ("[/]", "b"), 1, 0, 1, (record,))
    desk.wrong = {"task": "The task reads \x1b[31m[/b]."}
    async with setup(folder, desk=desk, path=path) as (app, _):
        assert isinstance(app.screen, SetupScreen)
        shown = text(app)
        assert "[b]" in shown
        assert "\x1b" not in shown
        assert "\x07" not in shown


def test_the_filter_keeps_clean_lines_as_they_are_and_dirty_ones_as_wide() -> None:
    clean = [Segment("plain"), Segment(" text")]
    background = Color(0, 0, 0)
    assert SafeFilter().apply(clean, background) is clean
    dirty = SafeFilter().apply([Segment("a\x1b[31mb\u202ec")], background)
    assert dirty[0].text == "a[31mbc"


async def test_a_crash_does_not_print_local_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = DagtuiApp(Plan(), desk=FakeDesk(folder))
    printed = io.StringIO()
    async with app.run_test(size=(80, 24)):
        try:
            _use("pk-" + "secret-" * 3)
        except RuntimeError:
            app._fatal_error()
        app.error_console.file = printed
        app._print_error_renderables()
        app._exit_renderables.clear()
    assert "RuntimeError" in printed.getvalue()
    assert "secret-secret" not in printed.getvalue()


def _use(api_key: str) -> None:
    raise RuntimeError("something broke")


async def _until(condition) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")


def _dashboard_is_up(app: DagtuiApp) -> bool:
    return len(app.screen_stack) > 1 and isinstance(app.screen, Dashboard) and app.screen.is_mounted
