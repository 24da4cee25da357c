"""The widgets' own arithmetic: charts, gauges, the map, the table, the log."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import pytest
from rich.cells import cell_len

from dagtui.core.snapshot import LogEntry
from dagtui.tui.sheet import bar, cut, fit, gauge, length, spread, whole, wrapped
from dagtui.tui.widgets.charts import chart, nice_ceiling, resample
from dagtui.tui.widgets.columns import fitting
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.heading import tally
from dagtui.tui.widgets.requests import RequestsTable
from tests.tui.conftest import dashboard, text
from tests.tui.fakes import FakeSession


def test_a_chart_starts_at_zero_and_fills_its_room_exactly() -> None:
    lines = chart([10.0] * 200, 200.0, 60, 10)
    assert len(lines) == 10
    assert {length(line) for line in lines[:-1]} == {60}
    assert all("█" in line[1][0] for line in lines[:9])
    assert lines[0][0][0] == "   10┤"


def test_half_of_the_ceiling_fills_half_of_the_chart() -> None:
    lines = chart([5.0, 10.0], 2.0, 20, 9)
    column = [line[1][0][0] for line in lines[:-1]]
    assert column == [" "] * 4 + ["█"] * 4


def test_a_chart_of_nothing_is_empty() -> None:
    assert all(not line[1][0].strip() for line in chart([], 1.0, 20, 5)[:-1])


@pytest.mark.parametrize("count", [1, 59, 60, 61, 119, 240])
def test_resampling_keeps_the_mean(count: int) -> None:
    series = [float(number % 7) for number in range(count)]
    values = resample(series, 60)
    assert len(values) == min(count, 60)
    if count in (60, 240):
        assert sum(values) / len(values) == pytest.approx(sum(series) / count)


@pytest.mark.parametrize(
    ("value", "ceiling"), [(0, 1), (0.7, 0.8), (1, 1), (26, 30), (99, 100), (101, 150), (4321, 5000)]
)
def test_the_scale_ends_at_a_round_number(value: float, ceiling: float) -> None:
    assert nice_ceiling(value) == pytest.approx(ceiling)


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.001, 0.33, 0.5, 1.0, 7.0])
def test_bars_and_gauges_are_always_as_wide_as_asked(share: float) -> None:
    assert len("".join(bar(share, 17))) == 17
    assert length(gauge(share, 17, "done")) == 17


@pytest.mark.parametrize(
    "words", ["", "short", "a longer text than fits", "日本語日本語日本語", "e\u0301" * 9, "\x1b[31m"]
)
@pytest.mark.parametrize("width", [0, 1, 2, 5, 10])
def test_fitted_text_is_exactly_as_wide_as_asked(words: str, width: int) -> None:
    assert cell_len(fit(words, width)) == width
    assert cell_len(fit(words, width, right=True)) == width


def test_lines_are_cut_and_spread_within_their_width() -> None:
    left, right = (("a long title here", "text"),), (("0:12", "text"),)
    for width in range(4, 40):
        assert length(spread(left, right, width)) <= width
        assert length(cut((*left, *right), width)) <= width
    assert whole(10, (("12345", "text"),), (("678901", "text"),)) == (("12345", "text"),)


def test_the_counts_in_the_tally_add_up_to_its_total_at_every_width() -> None:
    session = FakeSession()
    session.start()
    session.play(2.0)
    counts = session.snapshot().counts
    assert counts.ended + counts.queued + counts.in_flight + counts.waiting == counts.total
    for width in range(60, 160):
        line = "".join(part for part, _ in tally(counts, width))
        numbers = [int(word) for word in line.replace("=", " ").split() if word.isdecimal()]
        assert sum(numbers[:-1]) == numbers[-1] == 100, (width, line)


@pytest.mark.parametrize("width", [20, 40, 58, 76, 100, 160])
def test_columns_fill_the_width_and_keep_the_state_and_the_record(width: int) -> None:
    columns = fitting(width, 1)
    assert [column.title for column, _ in columns][:2] == ["state", "record"]
    assert sum(chosen + 1 for _, chosen in columns) <= max(width, 23)


async def test_two_hundred_thousand_rows_mount_and_scroll_fast(folder: Path) -> None:
    session = FakeSession()
    store = session.store
    for number in range(200_000):
        store.add_record(f"record_{number}")
    session._begun = True
    began = time.perf_counter()
    async with dashboard(folder, session) as (app, pilot):
        mounted = time.perf_counter() - began
        table = app.screen.query_one(RequestsTable)
        began = time.perf_counter()
        await pilot.press("end")
        await pilot.press("pageup")
        await pilot.pause()
        moved = time.perf_counter() - began
        assert "record_199999" in text(app) or table.cursor > 199_900
    assert mounted < 3
    assert moved < 1


async def test_the_log_keeps_what_is_read_in_place_while_more_arrives(folder: Path) -> None:
    async with dashboard(folder, FakeSession()) as (app, pilot):
        feed = app.screen.query_one(Feed)
        ring: deque[LogEntry] = deque(maxlen=50)
        for number in range(200):
            ring.append(LogEntry(float(number), "run", f"line {number}"))
        feed.show(ring, 200)
        assert "line 199" in text(app) or await _paused(pilot, app, "line 199")
        feed.action_back(20)
        before = _said(feed)
        for number in range(200, 210):
            ring.append(LogEntry(float(number), "run", f"line {number}"))
        feed.show(ring, 210)
        assert _said(feed) == before
        feed.action_newest()
        assert _said(feed)[-1] == "line 209"
        feed.action_oldest()
        assert _said(feed)[0] == "line 160"


def _said(feed: Feed) -> list[str]:
    return [line[-1][0].strip() for line in feed.draw(*feed.size)]


async def _paused(pilot, app, words: str) -> bool:
    await pilot.pause()
    return words in text(app)


async def test_a_line_that_did_not_change_is_the_same_strip(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, _):
        feed = app.screen.query_one(Feed)
        before = feed.render_line(0)
        app.screen.poll()  # type: ignore[attr-defined]
        assert feed.render_line(0) is before


async def test_without_colour_the_glyphs_carry_the_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    session = FakeSession()
    session.failing = 0.1
    async with dashboard(folder, session, play=2.0) as (app, _):
        assert app.no_color
        assert {"■", "✖", "●", "◐"} <= set(text(app))


def test_a_text_is_wrapped_by_the_cells_that_it_takes_and_loses_nothing() -> None:
    lines = wrapped("日本語のとても長い件名です and then an English one", 10)
    assert all(cell_len(line) <= 10 for line in lines)
    assert "".join(lines).replace(" ", "") == "日本語のとても長い件名ですandthenanEnglishone"
    assert wrapped("", 10) == [""]
