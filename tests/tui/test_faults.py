"""The faults panel and the story's bar on the dashboard, before a real simulator over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dagtui.io.simulated import SimulatorControl
from dagtui.simulator import Knobs, RunningSimulator, start
from dagtui.stories import STORIES
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.widgets.faults import FaultsPanel
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import FakeSession

SIZES = [(160, 48), (120, 36), (80, 24)]


@pytest.fixture(autouse=True)
def _looked_at_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagtui.tui.widgets.faults.LOOK_S", 3600.0)


class Stage:
    """The dashboard of a run before a simulator."""

    def __init__(
        self, app: DagtuiApp, pilot: Pilot[object], session: FakeSession, simulator: RunningSimulator
    ) -> None:
        self.app, self.pilot, self.session, self.simulator = app, pilot, session, simulator

    async def press(self, *keys: str) -> None:
        """Press, and wait until the simulator was told."""
        await self.pilot.press(*keys)
        if turning := [worker for worker in self.app.workers if worker.group == "faults"]:
            await self.app.workers.wait_for_complete(turning)
        await self.pilot.pause()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for what a thread or the simulator brings about."""
        async with asyncio.timeout(5):
            while not true():
                await self.pilot.pause(0.01)

    @property
    def panel(self) -> FaultsPanel:
        return self.app.screen.query_one(FaultsPanel)

    def row(self, words: str) -> str:
        """The panel's line of a knob or a scenario, with what follows its words."""
        return next(line for line in self.shown().splitlines() if line.startswith(f"│ {words}"))

    def shown(self) -> str:
        """The panel."""
        x, y, width, height = self.panel.region
        return "\n".join(line[x : x + width] for line in lines(self.app)[y : y + height])


@asynccontextmanager
async def stage(folder: Path, size: tuple[int, int] = (160, 48), **knobs: object) -> AsyncIterator[Stage]:
    simulator = await start(Knobs.model_validate(knobs))
    session = FakeSession()
    session.provider = SimulatorControl(simulator.url)
    try:
        async with dashboard(folder, session, size, play=1.0) as (app, pilot):
            yield Stage(app, pilot, session, simulator)
    finally:
        await simulator.stop()


@asynccontextmanager
async def opened(folder: Path, size: tuple[int, int] = (160, 48), **knobs: object) -> AsyncIterator[Stage]:
    async with stage(folder, size, **knobs) as on:
        await on.pilot.press("F")
        await on.until(lambda: bool(on.app.screen.query(FaultsPanel)) and "requests a minute" in on.shown())
        yield on


@pytest.mark.parametrize("size", SIZES)
async def test_the_panel_shows_how_the_simulator_stands_and_the_run_stays_in_view(
    folder: Path, size: tuple[int, int]
) -> None:
    async with opened(folder, size, requests_per_minute=3000) as on:
        assert "‹    3,000›" in on.row("requests a minute")
        assert "in flight of 10" in text(on.app)
        assert all(len(line) <= size[0] for line in lines(on.app))
        tops = [line.count("╭") for line in lines(on.app)]
        bottoms = [line.count("╰") for line in lines(on.app)]
        assert sum(tops) == sum(bottoms)  # no frame is covered in part


async def test_arrows_turn_a_knob_and_the_value_is_what_the_simulator_says(folder: Path) -> None:
    async with opened(folder, requests_per_minute=3000) as on:
        await on.press("left")
        assert on.simulator.knobs.requests_per_minute == 2000
        assert "‹    2,000›*" in on.row("requests a minute")
        assert on.session.notes == ["provider: requests a minute 3,000 -> 2,000"]
        await on.press("shift+right")
        assert on.simulator.knobs.requests_per_minute == 2100


async def test_arrows_that_are_faster_than_the_simulator_all_count(folder: Path) -> None:
    async with opened(folder, requests_per_minute=3000) as on:
        await on.press("left", "left", "left", "left", "left")
        assert on.simulator.knobs.requests_per_minute == 100


@pytest.mark.parametrize("key", ["0", "backspace"])
async def test_a_knob_goes_back_to_where_it_was_at_first(folder: Path, key: str) -> None:
    async with opened(folder, requests_per_minute=3000) as on:
        await on.press("right")
        assert "*" in on.row("requests a minute")
        await on.press(key)
        assert on.simulator.knobs.requests_per_minute == 3000
        assert "*" not in on.row("requests a minute")


async def test_a_typed_number_is_set_by_enter_and_dropped_by_escape(folder: Path) -> None:
    async with opened(folder, requests_per_minute=3000) as on:
        await on.press("1", "7", "5", "0")
        assert "1750_" in on.row("requests a minute")
        assert on.simulator.knobs.requests_per_minute == 3000
        await on.press("enter")
        assert on.simulator.knobs.requests_per_minute == 1750
        await on.press("9", "escape")
        assert isinstance(on.panel, FaultsPanel)
        assert "‹    1,750›*" in on.row("requests a minute")
        assert not [call for call in on.session.calls if isinstance(call, tuple)]  # no digit went to the dial


async def test_what_the_simulator_refuses_is_a_sentence_and_changes_nothing(folder: Path) -> None:
    async with opened(folder) as on:
        await on.press(*["down"] * 5, "2", "5", "0", "enter")  # 250 % of requests refused
        assert on.simulator.knobs.rate_429 == 0
        assert "✖ The knob rate_429 cannot be" in text(on.app)
        assert "off" in on.row("429 refused")
        await on.press("right")
        assert on.simulator.knobs.rate_429 == 0.001
        assert "✖ The knob" not in text(on.app)


async def test_a_simulator_that_has_gone_is_a_sentence_and_the_dashboard_lives_on(folder: Path) -> None:
    async with opened(folder) as on:
        await on.simulator.stop()
        await on.press("left")
        assert "✖ The simulator at" in on.shown()
        await on.press("plus")
        assert on.session.calls[-1] == ("retune", 11)


async def test_enter_plays_a_scenario_from_its_own_knobs(folder: Path) -> None:
    async with opened(folder, rate_500=0.5) as on:
        await on.press(*["down"] * 16, "enter")  # past the knobs, the second scenario
        assert (on.simulator.knobs.requests_per_minute, on.simulator.knobs.rate_500) == (3000, 0)
        assert "next 0:" in on.row("halving")
        assert "▶" in on.row("halving")
        assert on.session.notes[0] == "provider: scenario halving begins"
        assert "*" not in on.row("requests a minute")  # it is the scenario's own


async def test_an_outage_is_switched_by_enter_or_arrows(folder: Path) -> None:
    async with opened(folder) as on:
        await on.press(*["down"] * 12)
        await on.press("enter")
        assert on.simulator.knobs.down
        assert "on" in on.row("outage")
        await on.press("left")
        assert not on.simulator.knobs.down


async def test_what_turns_by_itself_is_seen_at_the_next_look(folder: Path) -> None:
    async with opened(folder) as on:
        on.simulator.turn(rate_529=0.25)
        await on.panel.look()
        await on.pilot.pause()
        assert "25 % *" in on.row("529 overloaded")


@pytest.mark.parametrize("size", SIZES)
async def test_the_keys_go_to_the_panel_and_back_and_it_is_closed(folder: Path, size: tuple[int, int]) -> None:
    async with opened(folder, size) as on:
        await on.press("plus")  # which the panel has no use for
        assert on.session.calls[-1] == ("retune", 11)
        await on.press("tab")
        assert not on.panel.has_focus
        await on.press("left")
        assert on.simulator.knobs.requests_per_minute is None
        await on.press("F")
        assert on.panel.has_focus
        await on.press("F")
        assert not on.app.screen.query(FaultsPanel)
        await on.press("F")
        await on.press("escape")
        assert not on.app.screen.query(FaultsPanel)
        assert "requests · all" in text(on.app)


async def test_it_follows_the_size_of_the_terminal_with_its_cursor(folder: Path) -> None:
    async with opened(folder) as on:
        await on.press("down", "down")
        for width, height in ((80, 24), (120, 36), (160, 48), (60, 15), (160, 48)):
            await on.pilot.resize_terminal(width, height)
            await on.until(lambda: bool(on.app.screen.query(FaultsPanel)) and "tokens out" in on.shown())
            assert "‹      off›" in on.row("tokens out")
            assert on.panel.has_focus


async def test_a_real_provider_has_no_faults_to_turn(folder: Path) -> None:
    async with dashboard(folder, FakeSession()) as (app, pilot):
        await pilot.press("F")
        await pilot.pause()
        assert not app.screen.query(FaultsPanel)
        assert "Faults" not in text(app)


async def test_a_story_is_told_and_led_by_keys(folder: Path) -> None:
    async with stage(folder) as on:
        screen = on.app.screen
        assert isinstance(screen, Dashboard)
        story = STORIES["limits"]
        screen.tell(replace(story, chapters=story.chapters[:3]))
        await on.until(lambda: ("retune", 20) in on.session.calls)
        screen.poll()
        await on.pilot.pause()
        assert "story limits 1 of 3  Far below any limit" in text(on.app)
        assert "0:00 of 0:15" in text(on.app)
        await on.pilot.press("full_stop")
        await on.until(lambda: on.simulator.knobs.requests_per_minute == 3000)
        assert "2 of 3  A limit: 3,000 a minute" in text(on.app)
        await on.pilot.press("semicolon")
        await on.pilot.pause()
        assert "‖ held" in text(on.app)
        await on.pilot.press("semicolon", "full_stop", "full_stop")
        await on.until(lambda: on.simulator.knobs.requests_per_minute == 1500)
        await on.pilot.press("comma")
        await on.until(lambda: on.simulator.knobs.requests_per_minute == 3000)
        assert any(note.startswith("story limits, 3 of 3: The limit halves. ") for note in on.session.notes)
        on.session.play_out()
        screen.poll()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STORIES)
async def test_every_caption_is_whole_at_every_size(folder: Path, size: tuple[int, int], name: str) -> None:
    async with stage(folder, size) as on:
        screen = on.app.screen
        assert isinstance(screen, Dashboard)
        screen.tell(STORIES[name])
        for number, chapter in enumerate(STORIES[name].chapters):
            await on.until(lambda number=number: screen._teller is not None and screen._teller.number == number)
            screen.poll()
            await on.pilot.pause()
            assert chapter.caption in " ".join(text(on.app).split())
            await on.pilot.press("full_stop")


async def test_the_palette_offers_faults_and_stories(folder: Path) -> None:
    async with stage(folder) as on:
        titles = [command.title for command in on.app.get_system_commands(on.app.screen)]
        assert {"Faults", "Story: tour", "Story: limits", "Story: trouble"} <= set(titles)
        on.session.provider = None
        titles = [command.title for command in on.app.get_system_commands(on.app.screen)]
        assert "Faults" not in titles


async def test_what_was_hidden_by_the_panel_is_up_to_date_when_it_is_seen_again(folder: Path) -> None:
    async with opened(folder, (80, 24)) as on:
        on.session.throttling = 1.0
        on.session.play(3.0)
        on.app.screen.poll()  # type: ignore[attr-defined]
        await on.press("escape")
        assert "429 rate limited" in text(on.app)
