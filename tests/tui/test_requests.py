"""The requests table: filtered, sorted, travelled by keys and mouse, at a hundred requests and at very many."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from dagtui.core.events import AttemptStarted
from dagtui.core.order import Order
from dagtui.core.store import State
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.filtering import FilterEntry
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.widgets.requests import RequestsTable
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeSession

MANY = 200_000


async def still(app, pilot) -> RequestsTable:
    """Polled, and everything worked out."""
    table = app.screen_stack[-1 if isinstance(app.screen, Dashboard) else -2].query_one(RequestsTable)
    for screen in app.screen_stack:
        if isinstance(screen, Dashboard):
            screen.poll()
    await pilot.pause()
    while "%" in table.matching:
        await pilot.pause(0.01)
    await pilot.pause()
    return table


def filled(records: int) -> FakeSession:
    """A run of which everything is over: a tenth failed, latencies are those of the places from the end."""
    session = FakeSession(records=0)
    store = session.store
    for number in range(records):
        store.add_record(f"record_{number}")
    store.state[:] = bytes(State.FAILED if seq % 10 == 3 else State.SUCCEEDED for seq in range(records))
    for seq in range(records):
        store.latency[seq] = (records - seq) / 1000
    session._begun = True
    return session


def shown(app) -> list[str]:
    """The records in view."""
    table = app.screen.query_one(RequestsTable)
    words = [line[table.region.x : table.region.right].split() for line in lines(app)[table.region.y :]]
    found = [next((word for word in row if word.startswith(("email_", "record_"))), "") for row in words]
    return [record for record in found[2 : table.size.height + 1] if record]


async def type_in(pilot, words: str) -> None:
    await pilot.press(*("space" if letter == " " else letter for letter in words))


async def test_slash_filters_while_one_types_and_enter_keeps_it(folder: Path) -> None:
    session = FakeSession()
    session.failing = 0.2
    async with dashboard(folder, session, play=3.0) as (app, pilot):
        await pilot.press("slash")
        await type_in(pilot, "failed try=1")
        table = await still(app, pilot)
        assert isinstance(app.screen, FilterEntry)
        failed = [seq for seq, state in enumerate(session.store.state) if state == State.FAILED]
        wanted = [seq for seq in failed if session.store.attempts[seq] == 1]
        assert wanted
        assert f"{len(wanted)} of 100 · Enter keeps it" in text(app)
        await pilot.press("enter")
        await still(app, pilot)
        assert shown(app) == [f"email_{seq:04d}" for seq in wanted][-len(shown(app)) :]
        assert table.border_title == "4 requests · failed try=1 · following"
        assert str(table.border_subtitle).endswith(f"of {len(wanted)} · 100 in all")
        await pilot.press("escape")
        await still(app, pilot)
        assert table.border_title == "4 requests · all · following"


async def test_esc_puts_back_the_filter_that_was(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=3.0) as (app, pilot):
        table = await still(app, pilot)
        table.filter_by("done")
        await pilot.press("slash")
        assert app.screen.query_one(Input).value == "done"
        await type_in(pilot, " -work")
        await still(app, pilot)
        assert table.query_text == "done -work"
        await pilot.press("escape")
        await still(app, pilot)
        assert (isinstance(app.screen, Dashboard), table.query_text) == (True, "done")


async def test_a_bad_filter_is_told_and_not_taken_and_an_empty_one_shows_all(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24), play=1.0) as (app, pilot):
        await pilot.press("slash")
        await type_in(pilot, "latncy>5s")
        await pilot.press("enter")
        table = await still(app, pilot)
        assert isinstance(app.screen, FilterEntry)
        assert '✖ There is no "latncy"' in text(app)
        assert "Esc goes back." in text(app)
        assert table.query_text == "latncy" or not table.query_text  # the last text that could be understood
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await still(app, pilot)
        assert table.border_title == "4 requests · all · following"


async def test_what_is_typed_before_the_line_is_there_is_meant_for_it(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        for key in ("slash", "f", "a", "s", "t"):
            app.simulate_key(key)
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, FilterEntry)
        assert app.screen.query_one(Input).value == "fast"


async def test_a_filter_that_nothing_matches_says_so_and_what_was_meant(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        table = await still(app, pilot)
        table.filter_by("faild")
        await still(app, pilot)
        assert 'no request matches faild (did you mean "failed"?) · Esc shows all' in text(app)


async def test_s_sorts_by_the_next_column_and_shift_s_the_other_way(folder: Path) -> None:
    async with dashboard(folder, filled(500)) as (app, pilot):
        table = await still(app, pilot)
        assert "▼" not in lines(app)[17]
        await pilot.press("s", "s", "s", "s")
        await still(app, pilot)
        assert table.border_title == "4 requests · all · by latency ▼"
        assert "▼latency" in text(app)
        assert shown(app)[:3] == ["record_0", "record_1", "record_2"]
        await pilot.press("S")
        await still(app, pilot)
        assert "▲latency" in text(app)
        assert shown(app)[:3] == ["record_499", "record_498", "record_497"]
        assert table.selected == 499
        await pilot.press("end")
        await still(app, pilot)
        assert table.selected == 0
        for _ in range(6):
            await pilot.press("s")
        await still(app, pilot)
        assert table.border_title == "4 requests · all"
        assert table.selected == 0


async def test_a_click_on_a_title_sorts_by_it_and_once_more_the_other_way(folder: Path) -> None:
    async with dashboard(folder, filled(500)) as (app, pilot):
        table = await still(app, pilot)
        titles = lines(app)[table.region.y + 1]
        for title, first in (("latency", "record_0"), ("latency", "record_499")):
            await pilot.click(offset=(titles.index(title) + 2, table.region.y + 1))
            await still(app, pilot)
            assert shown(app)[0] == first, title
        await pilot.click(offset=(titles.index("record") + 2, table.region.y + 1))
        await still(app, pilot)
        assert (table.order, table.selected) == (None, 499)


async def test_a_click_selects_and_the_second_opens(folder: Path) -> None:
    async with dashboard(folder, filled(500)) as (app, pilot):
        table = await still(app, pilot)
        await pilot.press("home")
        await pilot.click(table, offset=(20, 5))
        assert (table.selected, isinstance(app.screen, Dashboard)) == (3, True)
        await pilot.double_click(table, offset=(20, 6))
        await pilot.pause()
        assert isinstance(app.screen, InspectorScreen)
        assert "record_4" in text(app)


async def test_the_cursor_stays_on_its_request_while_others_come_and_go(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        table = await still(app, pilot)
        table.filter_by("-queued")
        table.sort_by(Order("latency", True))
        await still(app, pilot)
        await pilot.press("down", "down", "down", "down", "down")
        chosen = table.selected
        for _ in range(5):
            session.play(0.5)
            await still(app, pilot)
            assert table.selected == chosen
        await pilot.press("home")
        session.play(1.0)
        await still(app, pilot)
        assert table.cursor == 0


async def test_select_goes_to_a_request_and_takes_away_what_hides_it(folder: Path) -> None:
    session = filled(5000)
    async with dashboard(folder, session) as (app, pilot):
        table = await still(app, pilot)
        table.filter_by("failed")
        await still(app, pilot)
        table.select(4003)
        await still(app, pilot)
        assert (table.selected, table.query_text) == (4003, "failed")
        table.select(4000)
        await still(app, pilot)
        assert (table.selected, table.query_text) == (4000, "")
        assert "record_4000" in shown(app)
        table.sort_by(Order("latency", True))
        table.select(4321)
        await still(app, pilot)
        assert table.selected == 4321
        assert table.order is not None


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_what_is_in_flight_shows_how_long_it_takes(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession(records=3)
    async with dashboard(folder, session, size) as (app, pilot):
        table = await still(app, pilot)
        session.stats.fold(AttemptStarted(session.now, 1, 1))
        for passed, told in ((1.2, "1.20 s"), (75.0, "75.00 s"), (4000.0, "1h 06m")):
            table.show(session.store, session.now + passed, 3, {1: session.now})
            await pilot.pause()
            row = next(line for line in lines(app) if "● in flight" in line and "email_0001" in line)
            assert told in row, row
        table.filter_by("latency>5s")
        table.show(session.store, session.now + 6, 3, {1: session.now})
        await pilot.pause()
        assert table.matching == "1 of 3"


async def test_very_many_are_sorted_in_slices_while_the_view_before_stays(folder: Path) -> None:
    async with dashboard(folder, filled(MANY)) as (app, pilot):
        table = await still(app, pilot)
        await pilot.press("home")
        table.sort_by(Order("latency", False))
        table._entitle()
        assert "sorting" in table._shown_title[0]
        assert table._view.at(0) == 0
        await still(app, pilot)
        assert table.border_title == "4 requests · all · by latency ▲"
        assert table._view.at(0) == MANY - 1
        table.filter_by("failed latency<10s")
        await still(app, pilot)
        assert table.matching == f"1,000 of {MANY:,}"
        await pilot.press("end")
        assert table.selected == MANY - 9997
