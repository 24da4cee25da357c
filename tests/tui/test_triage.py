"""Triage on the screen: groups that stand still, keys that act on all who are in one, every size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from dagtui.core.errors import BadInput, ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, PhaseChanged, RequestEnded
from dagtui.core.model import Attempt, AttemptError, Failure
from dagtui.core.store import State
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Entry, Question
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.screens.report import ReportScreen
from dagtui.tui.screens.triage import TriageScreen
from dagtui.tui.sheet import Sheet
from dagtui.tui.widgets.causes import NOTHING, CausesTable
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeSession
from tests.tui.test_hostile_text import HOSTILE
from tests.tui.test_sizes import SIZES, whole

LIMIT = AttemptError(ErrorKind.RATE_LIMITED, "limit of 50 a minute, retry in 2.0 s", 429)
CUT = AttemptError(
    ErrorKind.INVALID_OUTPUT, "the answer was cut off at max_tokens; raise it; it began: '{'", 200, "yes"
)
BROKEN = AttemptError(ErrorKind.SERVER, "internal error, request req_011CSHoEeqs5C35K2", 500)


@pytest.fixture(autouse=True)
def _looked_at_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagtui.tui.screens.triage.POLL", 3600.0)


class Mended(FakeSession):
    """Notes what it is asked to do with requests."""

    refusal = ""

    def retry(
        self, seqs: Sequence[int], *, later: bool = False, max_tokens: int | None = None, by: str = "you"
    ) -> int:
        if self.refusal:
            raise BadInput(self.refusal)
        self.calls.append(("retry", list(seqs), later, max_tokens))
        return len(seqs)

    def skip(self, seqs: Sequence[int], by: str = "you") -> int:
        self.calls.append(("skip", list(seqs)))
        return len(seqs)

    async def write_out(self, seqs: Sequence[int], path: Path) -> int:
        if self.refusal:
            raise BadInput(self.refusal)
        self.calls.append(("write_out", list(seqs), path))
        return len(seqs)

    # --- what goes wrong ---

    def waits(self, seq: int, error: AttemptError, number: int = 1) -> None:
        self.now += 0.1
        self.stats.fold(AttemptStarted(self.now, seq, number))
        attempt = Attempt(number, self.now, self.now, error.status, error, retry_in=9.0)
        self.stats.fold(AttemptEnded(self.now, seq, attempt))

    def fails(self, seq: int, error: AttemptError, number: int = 1) -> None:
        self.now += 0.1
        self.stats.fold(AttemptStarted(self.now, seq, number))
        self.stats.fold(AttemptEnded(self.now, seq, Attempt(number, self.now, self.now, error.status, error)))
        self.stats.fold(RequestEnded(self.now, seq, Failure(error, number)))

    def trouble(self) -> None:
        """Five wait for the limit, three answers were cut off, one meets a broken provider."""
        for seq in range(10, 15):
            self.waits(seq, LIMIT)
        for seq in range(20, 23):
            self.fails(seq, CUT, 2)
        self.fails(30, BROKEN, 3)


@asynccontextmanager
async def triage(
    folder: Path, session: FakeSession, size: tuple[int, int] = (160, 48)
) -> AsyncIterator[tuple[DagtuiApp, Pilot[int], TriageScreen]]:
    """The screen over the dashboard of `session`, on which nothing goes on by itself."""
    async with dashboard(folder, session, size) as (app, pilot):
        if isinstance(session, Mended):
            session.trouble()
        await pilot.press("g")
        await until(app, pilot, TriageScreen)
        yield app, pilot, app.screen


async def look(app: DagtuiApp, pilot: Pilot[int]) -> list[str]:
    """Poll; the lines of the groups."""
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, TriageScreen)
    screen.poll()
    await pilot.pause()
    return [line.strip("│ ") for line in lines(app) if line[2:3] in "✖◐↻" and line[2:3].strip()]


async def type_in(app: DagtuiApp, pilot: Pilot[int], words: str) -> None:
    await until(app, pilot, Entry)
    await pilot.press(*words, "enter")
    await until(app, pilot, TriageScreen)


async def until(app: DagtuiApp, pilot: Pilot[int], kind: type[Screen[Any]]) -> None:
    """Such a screen is on top."""
    async with asyncio.timeout(10):
        while not isinstance(app.screen, kind):
            await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", [(160, 48), (120, 36), (80, 24)])
async def test_what_is_open_comes_first_with_its_figures_example_and_advice(
    folder: Path, size: tuple[int, int]
) -> None:
    async with triage(folder, Mended(), size) as (app, pilot, _screen):
        rows = await look(app, pilot)
        assert [row.split()[:6] for row in rows] == [
            ["◐", "rate", "limited", "429", "0", "5"],
            ["✖", "invalid", "output", "200", "3", "0"],
            ["✖", "server", "500", "1", "0", "0"],
        ]
        assert "limit of # a min" in rows[0]
        shown = text(app)
        assert "email_0010, try 1" in shown
        assert "limit of 50 a minute, retry in 2.0 s" in shown
        assert "provider's limit was reached" in shown
        assert "1 of 3" in shown
        await pilot.press("down")
        assert "email_0020, try 2" in text(app)
        assert "Give them more tokens. Edit the run" in text(app)
        assert "‹ 1 of 3 ›  email_0020" in text(app)
        assert "4 failed" in text(app)
        assert "5 waiting" in text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)


async def test_when_the_run_has_ended_the_advice_is_what_can_still_be_done(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, screen):
        session.stats.fold(PhaseChanged(session.now, "ended", ""))
        screen.poll()
        await pilot.press("down")
        await look(app, pilot)
        assert "Raise max_tokens in the task, and go on with the run." in text(app)


async def test_nothing_moves_until_it_is_asked_to(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, screen):
        await pilot.press("down", "down")
        for seq in range(40, 60):
            session.fails(seq, BROKEN)
        session.fails(60, AttemptError(ErrorKind.TIMEOUT, "no answer", None))
        rows = await look(app, pilot)
        assert [row.split()[1] for row in rows] == ["rate", "invalid", "server", "timeout"]
        assert "21" in rows[2].split()
        assert screen.group is not None
        assert screen.group.kind is ErrorKind.SERVER
        await pilot.press("s")
        rows = await look(app, pilot)
        assert [row.split()[1] for row in rows] == ["server", "rate", "invalid", "timeout"]
        assert screen.group.kind is ErrorKind.SERVER


async def test_a_group_whose_requests_went_on_stays_and_has_nobody_in_it(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _screen):
        for seq in range(10, 15):
            session.stats.fold(AttemptStarted(session.now, seq, 2))
        rows = await look(app, pilot)
        assert rows[0].startswith("↻ rate limited")
        assert "nobody: whoever met it went on" in text(app)
        before = list(session.calls)
        await pilot.press("r", "l", "m", "x", "w")
        assert isinstance(app.screen, TriageScreen)
        assert session.calls == before
        await pilot.press("enter")
        assert isinstance(app.screen, InspectorScreen)


async def test_all_of_a_group_are_asked_again_now_or_later(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _):
        await pilot.press("l")  # nobody of this group has failed
        assert not [call for call in session.calls if call[0] == "retry"]
        await pilot.press("r")
        assert session.calls[-1] == ("retry", [10, 11, 12, 13, 14], False, None)
        await pilot.pause()
        assert "5 asked again" in text(app)
        await pilot.press("down", "l")
        assert session.calls[-1] == ("retry", [20, 21, 22], True, None)
        session.refusal = "The run is draining: it asks nothing more."
        await pilot.press("r")
        await pilot.pause()
        assert "The run is draining" in text(app)


async def test_more_tokens_are_typed_and_checked(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _):
        await pilot.press("down", "m")
        await until(app, pilot, Entry)
        await pilot.press("0", "enter")
        assert "whole number from 1" in text(app)
        await pilot.press("backspace")
        await type_in(app, pilot, "400")
        assert session.calls[-1] == ("retry", [20, 21, 22], False, 400)
        assert "3 asked again, with 400 tokens at most" in text(app)


async def test_skipping_asks_and_says_how_many(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _):
        for answer in ("n", "y"):
            await pilot.press("x")
            await until(app, pilot, Question)
            assert "Skip 5 requests?" in text(app)
            assert not [call for call in session.calls if call[0] == "skip"]
            await pilot.press(answer)
            await pilot.pause()
        assert session.calls[-1] == ("skip", [10, 11, 12, 13, 14])
        assert "5 skipped" in text(app)


async def test_who_has_failed_is_not_offered_to_be_skipped(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, screen):
        session.fails(12, LIMIT, 2)
        screen.poll()
        await pilot.press("x")
        await until(app, pilot, Question)
        assert "Skip 4 requests?" in text(app)
        await pilot.press("n", "down", "x")  # a group of failures only
        await pilot.pause()
        assert isinstance(app.screen, TriageScreen)
        assert screen.check_action("skip", ()) is None


async def test_a_group_is_written_to_a_file_and_a_refusal_asks_for_another(folder: Path) -> None:
    session = Mended()
    session.refusal = "failures-invalid_output.csv exists already."
    async with triage(folder, session) as (app, pilot, _):
        await pilot.press("down", "w")
        await until(app, pilot, Entry)
        assert "failures-invalid_output.csv" in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "exists already" in text(app)
        session.refusal = ""
        await type_in(app, pilot, "x")
        assert session.calls[-1] == ("write_out", [20, 21, 22], Path("failures-invalid_output.csvx"))
        assert "3 rows written" in text(app)


async def test_the_run_is_paused_and_goes_on(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _):
        await pilot.press("p")
        assert session.calls[-1] == "pause"
        await look(app, pilot)
        assert "paused" in text(app)
        await pilot.press("p")
        assert session.calls[-1] == "resume"


async def test_the_requests_of_a_group_are_gone_through_and_looked_at(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _screen):
        await pilot.press("down", "right", "right", "right", "left")
        assert "‹ 2 of 3 ›  email_0021" in text(app)
        session.stats.fold(AttemptStarted(session.now, 20, 3))  # the one before it leaves the group
        await look(app, pilot)
        assert "‹ 1 of 2 ›  email_0021" in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, InspectorScreen)
        assert "email_0021" in text(app)
        await pilot.press("escape", "up")
        assert "‹ 1 of 5 ›  email_0010" in text(app)


async def test_the_filter_takes_kinds_statuses_and_words(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, _):
        await pilot.press("slash")
        await type_in(app, pilot, "CUT 200")
        assert [row.split()[1] for row in await look(app, pilot)] == ["invalid"]
        assert "CUT 200" in text(app)
        session.fails(50, AttemptError(ErrorKind.TIMEOUT, "cut short after 200 s"))
        assert [row.split()[1] for row in await look(app, pilot)] == ["invalid", "timeout"]
        await pilot.press("escape")
        assert len(await look(app, pilot)) == 4
        await pilot.press("f")
        assert [row.split()[1] for row in await look(app, pilot)] == ["invalid", "server", "timeout"]
        await pilot.press("tab")
        assert len(await look(app, pilot)) == 4
        await pilot.press("slash")
        await type_in(app, pilot, "nosuchword")
        assert "Esc shows all" in text(app)
        await pilot.press("r", "x", "enter", "y")
        assert isinstance(app.screen, TriageScreen)


async def test_without_trouble_it_says_so_and_notices_the_first(folder: Path) -> None:
    session = FakeSession()
    session.failing = session.throttling = 0.0
    async with triage(folder, session, (80, 24)) as (app, pilot, _):
        assert NOTHING in text(app)
        await pilot.press("down", "r", "m", "w", "x", "y", "enter", "left", "s", "f")
        assert NOTHING in text(app)
        assert session.calls == ["start"]
        await pilot.press("f")
        session.throttling = 1.0
        session.play(2.0)
        assert (await look(app, pilot))[0].startswith("◐ rate limited")


async def test_a_run_that_takes_no_commands_is_only_looked_at(folder: Path) -> None:
    session = FakeSession()  # such as a replay: it has none of the methods
    session.failing = 0.5
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await until(app, pilot, ReportScreen)
        await pilot.press("f")
        await pilot.pause()
        assert isinstance(app.screen, TriageScreen)
        assert "invalid output" in text(app)
        before = list(session.calls)
        await pilot.press("r", "l", "m", "x", "w", "p")
        assert isinstance(app.screen, TriageScreen)
        assert session.calls == before
        await pilot.press("escape")
        assert isinstance(app.screen, ReportScreen)


async def test_hostile_messages_and_ids_are_shown_and_do_nothing(folder: Path) -> None:
    session = Mended(ids=HOSTILE * 4)
    async with triage(folder, session, (120, 36)) as (app, pilot, _screen):
        for seq, hostile in enumerate(HOSTILE):
            session.fails(seq, AttemptError(ErrorKind.SERVER, hostile, 500))
        await look(app, pilot)
        await pilot.press("slash")
        await type_in(app, pilot, "[/b]")
        await pilot.press("escape")
        for _ in range(len(HOSTILE) + 3):
            shown = text(app)
            assert not [character for character in shown if character != "\n" and not character.isprintable()]
            await pilot.press("down")
        assert isinstance(app.screen, TriageScreen)


async def test_it_is_whole_at_every_size(folder: Path) -> None:
    async with triage(folder, Mended()) as (app, pilot, screen):
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            await pilot.pause()
            shown = [sheet for sheet in screen.query(Sheet) if sheet.display and sheet.region]
            assert len(shown) == (4 if width >= 120 else 3), (width, height)
            whole(list(shown), width, height)  # type: ignore[arg-type]
            told = text(app)
            assert "◐ rate limited" in told, (width, height)
            assert "in it now" in told, (width, height)
            assert "failed waiting" in told
        await pilot.resize_terminal(50, 10)
        await pilot.pause()
        assert "too small" in text(app)


async def test_a_store_begun_anew_such_as_by_a_replay_is_followed(folder: Path) -> None:
    session = Mended()
    async with triage(folder, session) as (app, pilot, screen):
        await pilot.press("down")
        other = Mended()
        other.start()
        other.fails(1, BROKEN)
        session.stats = other.stats
        assert [row.split()[1] for row in await look(app, pilot)] == ["server"]
        assert session.store.state[1] == State.FAILED
        table = screen.query_one(CausesTable)
        assert table.selected is other.causes.groups[0]
        assert "‹ 1 of 1 ›  email_0001" in text(app)
