"""The panels of figures: what they say of a run at one moment."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from dagtui.core.drift import Mix
from dagtui.core.forecast import Left
from dagtui.core.held import Holder
from dagtui.core.model import Headroom, RateLimits
from dagtui.core.snapshot import Answers, Counts, Lanes, Touch
from dagtui.core.wave import PARTS, Wave
from dagtui.core.why import shares
from dagtui.tui.sheet import Line, length
from dagtui.tui.widgets.answers import AnswersPanel
from dagtui.tui.widgets.charts import blocks
from dagtui.tui.widgets.concurrency import lanes
from dagtui.tui.widgets.dial import DialPanel
from dagtui.tui.widgets.heading import tally
from dagtui.tui.widgets.money import MoneyPanel
from dagtui.tui.widgets.radar import RadarPanel
from dagtui.tui.widgets.tail import TailPanel
from tests.tui.conftest import dashboard, lines
from tests.tui.fakes import FakeSession


def words(line: Line) -> str:
    return "".join(text for text, _ in line)


def test_a_column_is_as_high_as_its_value_and_what_is_more_than_nothing_is_seen() -> None:
    assert blocks([0, 1, 8, 16, 0.01], 16.0, 2) == ["   █ ", " ▁██▁"]


def test_the_bar_of_the_lanes_has_all_its_cells_and_the_legend_its_shares() -> None:
    session = FakeSession()
    snapshot = replace(session.snapshot(), lanes=Lanes(54.0, ((Holder.REQUESTS, 19.0), (Holder.WAITING, 27.0))))
    bar, *legend = lanes(snapshot, 40, 2)
    assert words(bar) == "█" * 22 + "▓" * 10 + "▒" * 8
    told = " ".join(words(line) for line in legend)
    assert "answers  54%" in told
    assert "backoff  27%" in told
    assert "request gate  19%" in told


def test_shares_add_up_whatever_holds() -> None:
    every = Lanes(1.0, tuple((holder, 0.5) for holder in Holder))
    assert sum(share for _, share in shares(every)) == pytest.approx(1.0)
    assert shares(Lanes()) == ()


async def test_the_dial_marks_where_somebody_touched_it(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        session.retune(60)
        session.play(2.0)
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        axis = next(line for line in lines(app) if "└" in line and "▲60" in line)
        assert axis.index("▲60") == pytest.approx((axis.index("└") + axis.index("0:04")) / 2, abs=6)
        assert app.screen.query_one(DialPanel).snapshot.dial.touches == (Touch(pytest.approx(2.0), 60, "you"),)  # type: ignore[union-attr]


async def test_a_target_that_does_not_fit_at_its_mark_is_left_out_as_a_whole(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=4.0) as (app, pilot):
        for target in (777, 888, 999):
            session.retune(target)
            session.play(0.1)
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        axis = next(line for line in lines(app) if "└" in line)
        assert "▲" in axis
        assert set(re.findall(r"▲(\d+)", axis)) <= {"777", "888", "999"}


async def test_every_row_of_the_dial_ends_at_the_same_column(folder: Path) -> None:
    session = FakeSession(400)
    async with dashboard(folder, session, play=6.0) as (app, _):
        panel = app.screen.query_one(DialPanel)
        for width, height in ((66, 11), (36, 4), (26, 2), (120, 40), (50, 7)):
            drawn = panel.draw(width, height)
            assert len(drawn) == height
            assert all(length(line) <= width for line in drawn), (width, height)


async def test_the_wave_of_retries_is_on_the_radar(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, _):
        panel = app.screen.query_one(RadarPanel)
        assert panel.snapshot is not None
        panel.snapshot = replace(panel.snapshot, wave=Wave(2, (4, 8, *[0] * (PARTS - 2)), 7))
        told = words(panel.draw(60, 5)[-1])
        assert "now     2" in told
        assert "▄█" in told
        assert "then 7" in told
        assert len(panel.draw(60, 5)) <= 5


async def test_a_limit_that_nothing_was_heard_of_since_it_was_whole_is_whole(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, _):
        panel = app.screen.query_one(RadarPanel)
        assert panel.snapshot is not None
        limits = RateLimits(Headroom(50, 0, 12.0))
        for later, told in ((2.0, " 0 of 50"), (11.0, " 0 of 50"), (12.5, "50 of 50")):
            panel.snapshot = replace(panel.snapshot, limits=limits, limits_at=panel.snapshot.time - later)
            assert told in words(panel.draw(60, 5)[0])
            assert f"{max(0, round(12 - later))} s" in words(panel.draw(60, 5)[0])


async def test_a_mix_that_drifts_is_told_with_a_sign_and_its_points(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, _):
        panel = app.screen.query_one("#answers", AnswersPanel)
        assert panel.snapshot is not None
        mix = (Mix("spam", 80, 0.2, 0.6), Mix("work", 20, 0.8, 0.4))
        panel.snapshot = replace(panel.snapshot, answers=Answers(mix, 40.0, refused=3, much=True))
        drawn = [words(line) for line in panel.draw(60, 5)]
        assert "+40.0" in drawn[0]
        assert "-40.0" in drawn[1]
        assert "drift  40.0▲" in drawn[-1]
        assert "refused 3" in drawn[-1]


async def test_money_has_its_waste_what_burns_and_where_it_will_end(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=2.0) as (app, _):
        panel = app.screen.query_one(MoneyPanel)
        assert panel.snapshot is not None
        cost = replace(
            panel.snapshot.money,
            spent=Decimal("0.5"),
            wasted=Decimal("0.05"),
            projected=Decimal(2),
            spread=Decimal("0.25"),
            burn=Decimal("0.3"),
            cap=Decimal(5),
            exposed=Decimal("0.01"),
        )
        panel.snapshot = replace(panel.snapshot, money=cost)
        drawn = "\n".join(words(line) for line in panel.draw(44, 9))
        for told in ("10.0% $0.050000", "~$0.010000", "$0.300000", "$1.7500 to $2.2500", "$5.0000"):
            assert told in drawn


async def test_the_time_left_has_its_interval_and_what_twice_the_target_would_do(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        heading = app.screen.query_one("#heading")
        heading.show(replace(session.snapshot(), left=Left(100.0, 90.0, 120.0, 50.0)))  # type: ignore[attr-defined]
        await pilot.pause()
        told = lines(app)[1]
        assert "1:30 to    2:00" in told
        assert "at twice ~   0:50" in told


async def test_the_oldest_in_flight_come_first_and_the_cursor_stays_on_its_request(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("8", "end")
        panel = app.screen.query_one(TailPanel)
        ages = [flight.since for flight in session.snapshot().tail]
        assert ages == sorted(ages)
        chosen = panel.selected
        assert chosen == session.snapshot().tail[-1].seq
        places: set[int] = set()
        while chosen in (seqs := [flight.seq for flight in session.snapshot().tail]):
            app.screen.poll()  # type: ignore[attr-defined]
            assert panel.selected == chosen
            places.add(seqs.index(chosen))
            session.play(0.02)
        assert len(places) > 1
        session.play(60.0)
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert panel.selected is None


@pytest.mark.parametrize("width", [62, 78, 156])
def test_the_heading_never_has_a_state_without_its_number(width: int) -> None:
    counts = Counts(10_000, 9_940, 10, 2, 25, 1, 0, 22)
    told = "".join(text for text, _ in tally(counts, width))
    assert length(tally(counts, width)) <= width
    assert re.findall(r"[■✖●◐·◌] *([\d,]+)", told) == ["25", "1", "10", "2", "9,940", "22"]
    assert told.endswith("= 10,000")
