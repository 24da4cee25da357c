"""Automatic concurrency on the screens: the key, the panel's words, an outage, and the field before a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagtui.core.events import TargetChanged
from dagtui.core.held import Hold, Holder, sentence
from dagtui.core.settings import RunSettings
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.numbers import NUMBERS, settings_from
from dagtui.tui.widgets.concurrency import ConcurrencyPanel
from dagtui.tui.widgets.panel import outage
from dagtui.tui.words import again
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import FakeDesk, FakeSession

SIZES = [(160, 48), (120, 38), (80, 24)]
LONGEST = max(
    (
        sentence(Hold(holder, 10_000_000.0, source))
        for holder in Holder
        for source in ("told", "remembered", "message", "header", "measured")
    ),
    key=len,
)


def panel(app) -> list[str]:
    """The concurrency panel's lines."""
    shown = app.screen.query_one(ConcurrencyPanel)
    return ["".join(part for part, _ in line).rstrip() for line in shown.draw(*shown.size)]


def said(app) -> str:
    """Its words as one text."""
    return " ".join(" ".join(panel(app)).split())


async def look(app, pilot) -> None:
    app.screen.poll()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_switches_automatic_on_and_off_and_the_panel_says_so(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession(target=84)
    async with dashboard(folder, session, size, play=0.2) as (app, pilot):
        assert panel(app)[0] == "84 in flight of 84"
        await pilot.press("a")
        assert session.calls[-1] == ("automate", True)
        assert panel(app)[0].startswith("84 in flight of 84 ")
        assert panel(app)[0].split()[-1] in ("automatic", "auto")
        await pilot.press("a")
        assert session.calls[-1] == ("automate", False)
        assert panel(app)[0] == "84 in flight of 84"


@pytest.mark.parametrize("keys", [("plus",), ("minus",), ("left_square_bracket",), ("t", "4", "0", "enter")])
async def test_a_number_by_hand_takes_it_back(folder: Path, keys: tuple[str, ...]) -> None:
    session = FakeSession(target=20)
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        await pilot.press("a")
        assert "automatic" in panel(app)[0]
        await pilot.press(*keys)
        await pilot.pause()
        assert session.calls[-1][0] == "retune"
        assert "automatic" not in panel(app)[0]


async def test_the_key_is_in_the_help_and_in_the_line_of_keys_where_that_has_room(folder: Path) -> None:
    async with dashboard(folder, FakeSession()) as (app, pilot):
        assert "a Automatic" in lines(app)[-1]
        await pilot.press("question_mark")
        await pilot.pause()
        assert "a   Automatic" in text(app)
    async with dashboard(folder, FakeSession(), (80, 24)) as (app, _):
        assert lines(app)[-1].endswith("? Help")


async def test_after_the_end_there_is_nothing_to_leave_to_the_program(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.press("escape", "a")
        assert isinstance(app.screen, Dashboard)
        assert ("automate", True) not in session.calls


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_longest_sentence_is_whole(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession()
    session.held = LONGEST
    async with dashboard(folder, session, size, play=1.0) as (app, _):
        assert len(LONGEST) > 60
        assert LONGEST in said(app)
        if size[1] >= 42:
            assert "retries 0" in panel(app)[-2]
            assert "a auto" in panel(app)[-1]


async def test_where_room_is_short_the_sentence_begins_and_ends_in_an_ellipsis(folder: Path) -> None:
    session = FakeSession()
    session.held = "requests a minute: 3,000, as the provider says; a higher limit would lift it"
    async with dashboard(folder, session, (80, 24), play=2.6) as (app, _):
        assert panel(app)[1] == "requests a minute: 3,000, as the …"
        assert panel(app)[2].startswith("█")


@pytest.mark.parametrize("size", [*SIZES, (60, 15), (80, 22)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_outage_is_seen_at_one_glance_and_counts_down(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession()
    async with dashboard(folder, session, size, play=2.0) as (app, pilot):
        assert "outage" not in lines(app)[0] + lines(app)[1]
        frames: list[list[str]] = []
        for left in (1.98, 1.2, 0.42, 0.067, 0.0):
            session.held = sentence(Hold(Holder.OUTAGE, left))
            await look(app, pilot)
            assert "▲ outage" in lines(app)[0] + lines(app)[1]
            assert "left    -:--" in lines(app)[0] + lines(app)[1]  # nobody knows
            countdown = session.held.partition(": ")[2]
            frames.append(panel(app))
            assert countdown in said(app)
            at = next(number for number, line in enumerate(panel(app)) if countdown in line)
            shown = app.screen.query_one(ConcurrencyPanel)
            assert {role for _, role in shown.draw(*shown.size)[at]} == {"warn+"}
        still = [[line for line in frame if "next try" not in line] for frame in frames]
        assert still == [still[0]] * len(still)  # nothing else moves
        session.held = "set by you: more than 10 at once would be faster"
        await look(app, pilot)
        assert "▶ running" in lines(app)[0] + lines(app)[1]


async def test_a_pause_by_the_user_is_no_outage(folder: Path) -> None:
    session = FakeSession()
    session.held = sentence(Hold(Holder.OUTAGE, 1.0))
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        assert outage(session.snapshot())
        await pilot.press("p")
        assert "‖ paused" in text(app)
        assert not outage(session.snapshot())


async def test_more_digits_move_nothing_and_fewer_do_not_either(folder: Path) -> None:
    session = FakeSession(target=9)
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        await pilot.press("a")
        at: list[int] = []
        for target in (9, 84, 999, 1_000, 10_000, 84):
            session.stats.fold(TargetChanged(session.now, target, "automatic"))
            await look(app, pilot)
            line = panel(app)[0]
            assert f"of {target:,} " in line
            assert len(line) == app.screen.query_one(ConcurrencyPanel).size.width
            at.append(line.index(" of "))
        assert at == sorted(at)
        assert at[-1] == at[-2]


@pytest.mark.parametrize("word", ["auto", "AUTO"])
@pytest.mark.parametrize("size", [(160, 48), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_auto_in_the_field_starts_an_automatic_run(folder: Path, word: str, size: tuple[int, int]) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, size, desk, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#concurrency").focus()
        await pilot.press("ctrl+u", *word)
        await pilot.pause()
        assert "100 records, automatic, at most 1,000 at once, through demo" in text(app)
        assert "as many as the limits allow" in text(app)
        await pilot.press("f5")
        await pilot.pause()
        await pilot.pause()
        settings = desk.opened[0].settings
        assert (settings.automatic, settings.concurrency, settings.ceiling) == (True, 20, 1000)


async def test_anything_else_is_refused_with_what_it_may_be(folder: Path) -> None:
    async with setup(folder, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#concurrency").focus()
        await pilot.press("ctrl+u", *"aut")
        await pilot.pause()
        assert "✖ must be a whole number from 1 to 10,000, or auto" in text(app)


def test_what_was_automatic_is_shown_so_and_a_number_takes_it_back() -> None:
    before = RunSettings(automatic=True, concurrency=50, ceiling=300)
    texts = {number.name: number.shown(before) for number in NUMBERS}
    assert texts["concurrency"] == "auto"
    assert settings_from(before, texts) == (before, {})
    settings, wrong = settings_from(before, {**texts, "concurrency": "7"})
    assert not wrong
    assert (settings.automatic, settings.concurrency) == (False, 7)
    _, wrong = settings_from(before, {**texts, "attempts": "auto"})
    assert wrong == {"attempts": "must be a whole number from 1 to 100"}


def test_a_wait_that_is_no_matter_of_time_names_none() -> None:
    assert again(2.0, "retry-after") == "in 2.0 s retry-after"
    assert again(0.0, "when the outage is over") == "when the outage is over"
    assert again(0.0, "") == "at once"
    assert again(0.3, "") == "in 0.3 s"
