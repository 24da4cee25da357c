"""A live run whose every name and message is hostile: shown as text, harmless, in its place, on every panel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.errors import ExitCode
from dagtui.core.report import Audit, Kept
from dagtui.core.text import named
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Choice, Entry, Question
from dagtui.tui.screens.help import HelpScreen
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.screens.report import ReportScreen
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.heading import Heading
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from tests.hostile import corpus
from tests.hostile.stage import Stage, hostile_session, on_stage, shown, still
from tests.tui.conftest import dashboard
from tests.tui.fakes import FakeSession, RunResult

BATCHES, BATCH = 25, 25
SCREENS, FEW = 12, 12
"""Texts that a test shows are batches times the least size of a batch."""

texts = st.lists(corpus.hostile, min_size=BATCH, max_size=40)
few = st.lists(corpus.hostile, min_size=FEW, max_size=FEW + 4)
LITERAL = [
    text
    for text in corpus.MARKUP + corpus.CODE
    if text.isprintable() and 2 < len(text) <= 10 and text == text.strip()
]


@pytest.fixture(scope="module", params=[(160, 48), (80, 24)], ids=["wide", "narrow"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    (folder / "emails.csv").write_text("id\n")
    with still(), on_stage(dashboard(folder, FakeSession(), size=request.param)) as stage:
        yield stage


def put_on(stage: Stage, session: FakeSession) -> Dashboard:
    screen = cast(Dashboard, stage.app.screen)
    screen.session = cast(Any, session)
    screen.query_one(Heading).title = session.title
    screen.query_one(RequestMap).store = session.store
    screen.poll()
    return screen


def lines(stage: Stage) -> int:
    """Records that the table shows at once."""
    return min(12, stage.app.screen.query_one(RequestsTable).size.height - 1)


@given(batch=texts)
@shown(BATCHES)
def test_a_run_of_hostile_records_is_shown_as_text_on_every_panel(stage: Stage, batch: list[str]) -> None:
    screen = put_on(stage, hostile_session(batch, [text for text in batch[:2] if text] or ["one"]))
    table, feed = screen.query_one(RequestsTable), screen.query_one(Feed)
    for row in (0, 10**6):
        table.action_move(row)
        stage.look()
    feed.action_oldest()
    feed.toggle_failures()
    stage.look()
    feed.toggle_failures()


def test_markup_stands_there_literally(stage: Stage) -> None:
    rows = lines(stage)
    for begin in range(0, len(LITERAL), rows):
        some = LITERAL[begin : begin + rows]
        screen = put_on(stage, hostile_session(some, ["one"]))
        screen.query_one(RequestsTable).action_first()
        stage.look(*some)


@given(batch=few, number=st.integers(0, FEW - 1))
@shown(SCREENS)
def test_the_inspector_of_a_request_shows_its_errors_as_text(stage: Stage, batch: list[str], number: int) -> None:
    session = hostile_session(batch, ["one"])
    stage.show(lambda: InspectorScreen(cast(Any, session), number))
    stage.leave()


@given(batch=few)
@shown(SCREENS)
def test_the_report_of_a_hostile_run_is_text(stage: Stage, batch: list[str]) -> None:
    session = hostile_session(batch)
    session.results_path = Path(batch[0])
    audit = Audit(batch[1], batch[2])
    result = RunResult("stopped", ExitCode.INTERNAL, batch[3], session.snapshot(), cast(Any, audit))
    kept = Kept(batch[5], Path(batch[4]), Path(batch[3]))
    stage.show(lambda: ReportScreen(cast(Any, session), cast(Any, result), kept))
    stage.leave()


@given(text=corpus.hostile, words=corpus.hostile, value=corpus.hostile)
@shown(SCREENS // 2)
def test_questions_and_entries_ask_in_text(stage: Stage, text: str, words: str, value: str) -> None:
    stage.show(lambda: Question(text, [Choice("y", words), Choice("n", "no")]))
    stage.leave()
    stage.show(lambda: Entry(text, value, words, refuse=lambda typed: words or text or "no"))
    assert isinstance(stage.app.screen, Entry)
    if value.strip():
        stage.run(_answered(stage.app.screen, value))  # which is refused
        stage.look("✖")
    stage.leave()


async def _answered(entry: Entry, value: str) -> None:
    entry._answer(value)


@given(batch=st.lists(corpus.hostile, min_size=4, max_size=4))
@shown(SCREENS)
def test_notifications_tell_in_text(stage: Stage, batch: list[str]) -> None:
    for text in batch:
        stage.app.notify(text, title=text, markup=False)
    stage.look()
    stage.app.clear_notifications()
    stage.settle()


def test_the_help_of_a_hostile_run_is_text(stage: Stage) -> None:
    put_on(stage, hostile_session(corpus.MARKUP))
    stage.run(_help(stage))
    assert isinstance(stage.app.screen, HelpScreen)
    stage.look("Quit")
    stage.leave()


def test_an_answer_of_two_megabytes_is_cut_for_the_screen(stage: Stage) -> None:
    some = ["x" * 2_000_000, "e" + "\u0301" * 5_000, "日" * 700_000, "[" * 1_000_000]
    session = hostile_session(some, ["one"])
    put_on(stage, session).query_one(RequestsTable).action_first()
    stage.look("xxxxxxxx", "e\u0301")
    for seq in range(len(some)):
        stage.show(lambda seq=seq: InspectorScreen(cast(Any, session), seq))
    stage.leave()


async def _help(stage: Stage) -> None:
    stage.app.action_help()
    await stage.pilot.pause()


def test_every_text_of_the_corpus_is_on_the_screen_as_it_is(stage: Stage) -> None:
    """As far as it fits: the beginning of each id, on the line of its record."""
    rows = lines(stage)
    every = corpus.EVERY if rows > 6 else corpus.EVERY[::3]
    for begin in range(0, len(every), rows):
        some = every[begin : begin + rows]
        screen = put_on(stage, hostile_session(some, ["one"]))
        screen.query_one(RequestsTable).action_first()
        found = stage.look()
        for text in some:
            begins = named(text, 40).replace("␊", " ").replace("␉", " ")[:4].rstrip()
            assert begins in found, (begins, text)
