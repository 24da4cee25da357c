"""The setup screen over hostile files, tasks and settings; palette and themes; and the bytes that are written."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input, Select

from dagtui.core.model import Record
from dagtui.core.text import named
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.themes import load_themes
from dagtui.tui.widgets.files import FileList, Preview
from dagtui.tui.widgets.form import Form
from dagtui.tui.widgets.requests import RequestsTable
from tests.hostile import corpus
from tests.hostile.stage import STEERS, Stage, desk_in, hostile_session, on_stage, shown, still
from tests.tui.conftest import setup
from tests.tui.fakes import Entry, FakeDesk, InputView, Plan, TaskChoice
from tests.tui.terminal import captured

BATCHES, BATCH = 25, 16
"""Texts that a test shows are batches times the least size of a batch."""

texts = st.lists(corpus.hostile, min_size=BATCH, max_size=BATCH + 6)
LITERAL = [text for text in corpus.MARKUP if text.isprintable() and 2 < len(text) <= 16]


@pytest.fixture(scope="module", params=[(120, 40), (80, 24)], ids=["wide", "narrow"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    desk = desk_in(tmp_path_factory.mktemp("stage") / "here")
    with still(), on_stage(setup(desk.folder, size=request.param, desk=desk)) as stage:
        yield stage


def screen_of(stage: Stage) -> SetupScreen:
    assert isinstance(stage.app.screen, SetupScreen)
    return stage.app.screen


def view_of(batch: list[str], problem: str = "") -> InputView:
    columns = tuple(dict.fromkeys(batch[:6]))
    first = tuple(
        Record(number, text, dict(zip(columns, batch[number:], strict=False))) for number, text in enumerate(batch)
    )
    return InputView(
        batch[0], batch[1], "csv", columns, len(first), 1, 10, first, problem=problem, first_bad=batch[2]
    )


@given(batch=texts)
@shown(BATCHES)
def test_a_hostile_file_is_previewed_as_text(stage: Stage, batch: list[str]) -> None:
    preview = screen_of(stage).query_one(Preview)
    preview.wait(batch[3])
    stage.look()
    preview.show(cast(Any, view_of(batch)))
    stage.look()
    preview.show(cast(Any, view_of(batch, problem=batch[4] or "broken")))
    stage.look()


@given(batch=texts)
@shown(BATCHES)
def test_hostile_file_names_are_listed_as_text(stage: Stage, batch: list[str]) -> None:
    files = screen_of(stage).query_one(FileList)
    entries = tuple(
        Entry(text, Path(text or "x"), is_folder=number % 3 == 0, size=number, format="csv")
        for number, text in enumerate(batch)
    )
    files.list(Path("/", batch[0].replace("/", "") or "x"), cast(Any, entries))
    files.mark(entries[1].path)
    stage.look()
    files.action_to(len(entries))
    stage.look()


@given(batch=texts)
@shown(BATCHES)
def test_hostile_tasks_gateways_and_problems_are_text(stage: Stage, batch: list[str]) -> None:
    screen = screen_of(stage)
    form, desk = screen.query_one(Form), cast(FakeDesk, screen.desk)

    async def fill() -> None:
        form._tasks = {}  # those of the batches before would pile up
        form.offer_tasks(cast(Any, [TaskChoice(f"{text}.toml", text, text) for text in batch[:4]]))
        form.choose_gateway(batch[5])
        screen.query_one("#path", Input).value = batch[6]
        screen.query_one("#model", Input).value = batch[7]
        for name in ("concurrency", "timeout"):
            screen.query_one(f"#{name}", Input).value = batch[8][:200]
        desk.wrong = {"task": batch[9], "model": batch[10]}
        screen.view = cast(Any, view_of(batch))
        screen._check()
        screen._refuse(batch[11])

    stage.run(fill())
    stage.look()
    select = cast("Select[str]", screen.query_one("#task", Select))
    select.expanded = True
    stage.look()
    select.expanded = False
    desk.wrong = {}


def test_markup_stands_there_literally(stage: Stage) -> None:
    screen = screen_of(stage)
    for text in LITERAL:
        screen.query_one(Preview).show(cast(Any, view_of([text] * 8)))
        entry = Entry(text, Path(text), is_folder=False, size=1, format="csv")
        screen.query_one(FileList).list(Path("/"), cast(Any, (entry,)))
        cast(FakeDesk, screen.desk).wrong = {"model": f"it is {text}"}
        screen._check()
        shows = stage.look()
        assert shows.count(text) >= 3, text


def test_a_theme_cannot_have_a_name_that_is_markup(tmp_path: Path) -> None:
    for number, name in enumerate((*corpus.MARKUP, *corpus.STEERING, "", " ")):
        quoted = "".join(f"\\U{ord(c):08x}" for c in name)
        (tmp_path / f"t{number}.toml").write_text(f'name = "{quoted}"\nprimary = "#ffffff"\n')
    themes, problems = load_themes([tmp_path])
    assert themes == ()
    assert len(problems) == len(corpus.MARKUP) + len(corpus.STEERING) + 2
    assert all('"name"' in problem for problem in problems)


def test_the_palette_and_what_is_wrong_with_themes_are_text(stage: Stage) -> None:
    stage.app._theme_problems = corpus.MARKUP + corpus.STEERING
    stage.app.tell_theme_problems()
    stage.look()
    stage.app.clear_notifications()

    async def palette() -> None:
        stage.app.action_command_palette()
        await stage.pilot.pause()

    stage.run(palette())
    stage.look()
    stage.leave()


_OWN = re.compile(
    r"\x1b\[[\d;:<=>?]*\$?[A-Za-z~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\|\x1b[=>78]"
)


async def test_the_bytes_that_are_written_are_the_terminal_drivers_own(tmp_path: Path) -> None:
    desk = desk_in(tmp_path / "here")
    desk.session = hostile_session(["calm"], ["one"])
    steering = "\x1b]52;c;aGFjaw==\x07"
    with still():
        app = DagtuiApp(Plan(path="x"), start_at_once=True, desk=desk)
        async with captured(app, (160, 48)) as written:
            await _until(lambda: bool(app._screen_stack) and bool(app.screen.query(RequestsTable)))
            before = set(_OWN.findall("".join(written)))
            for begin in range(0, len(corpus.EVERY), 30):
                texts = corpus.EVERY[begin : begin + 30]
                session = hostile_session(texts, ["one"])
                screen = cast(Dashboard, app.screen)
                screen.session, frames = cast(Any, session), len(written)
                screen.poll()
                await _until(lambda frames=frames: len(written) > frames)
                if steering in texts:
                    await _until(lambda frames=frames: named(steering)[:6] in "".join(written[frames:]))
                await asyncio.sleep(0.02)
        output = "".join(written)
    moves = re.compile(r"\x1b\[[\d;]*[mH]")
    own = {code for code in _OWN.findall(output) if not moves.fullmatch(code)}
    begins = {code for code in before if not moves.fullmatch(code)}
    ends = ("\x1b[?", "\x1b[<", "\x1b]22;")  # modes, the keyboard's, the pointer's shape: given back at the end
    assert not [code for code in own - begins if not code.startswith(ends)]
    rest = _OWN.sub("", output)
    left = {c for c in rest if unicodedata.category(c) in STEERS} - {"\n", "\r", "\x1b"}
    assert not left
    assert "\x1b" not in rest
    assert "\x1b[10000" not in output
    assert "owned" not in "".join(own)
    assert named(steering)[:6] in rest


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("what was waited for did not come")


def test_a_plan_with_hostile_words_opens_the_form(tmp_path: Path) -> None:
    """Flags are typed by the user, or by a script that took them from elsewhere."""
    for text in (*corpus.MARKUP[:2], *corpus.STEERING[:1], "\udcff.csv", "a\nb", "--", "-rf"):
        desk = desk_in(tmp_path / "here")
        plan = replace(Plan(), path=text.replace("\0", ""), task=text, gateway=text, model=text, provider=text)
        app = DagtuiApp(cast(Any, plan), desk=cast(Any, desk))

        async def look(app: DagtuiApp = app) -> None:
            async with app.run_test(size=(100, 30)) as pilot:
                await pilot.pause()
                strips = app.screen._compositor.render_strips()
                assert not [c for strip in strips for c in strip.text if unicodedata.category(c) in STEERS]

        with still():
            asyncio.run(look())
