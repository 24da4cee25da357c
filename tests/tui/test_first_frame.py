"""What is on the screen from the first frame on, and the line of keys beneath it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual.app import App

from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.help import HelpScreen
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.widgets.keys import Keys
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import FakeDesk, FakeSession, Plan


def test_the_first_screen_waits_for_no_library_that_it_does_not_need() -> None:
    script = """if True:
        import sys
        from pathlib import Path
        import dagtui.cli, dagtui.tui.app
        from dagtui import plan
        from dagtui.io.config import load_config
        load_config(Path("/nowhere"), Path("/nowhere"))
        plan.default_plan_gateway({}), plan.task_choices(), plan.gateway_choices(), plan.gateway_problem("demo")
        plan.candidates(plan.sample_folder()), plan.Plan()
        print(*{name.split(".")[0] for name in sys.modules})
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({"pydantic", "httpx", "aiohttp", "genai_prices"})


@pytest.mark.parametrize(("size", "classes"), [((160, 48), {"-wide", "-tall"}), ((80, 24), {"-narrow", "-mid"})])
async def test_a_screen_has_the_classes_of_the_terminals_size_before_it_is_painted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], classes: set[str]
) -> None:
    painted: list[frozenset[str]] = []
    display = App._display

    def record(self: DagtuiApp, screen: SetupScreen, renderable: object) -> None:
        if isinstance(screen, SetupScreen):
            painted.append(screen.classes)
        display(self, screen, renderable)

    monkeypatch.setattr(App, "_display", record)
    async with setup(folder, size):
        assert painted
        assert all(classes <= one for one in painted)


async def test_the_theme_asked_for_colours_the_first_screen(folder: Path) -> None:
    app = DagtuiApp(Plan(), desk=FakeDesk(folder), theme="light")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.styles.background.hex == "#F6F7F9"
        app.theme = "dagtui-dark"
        await pilot.pause()
        assert app.screen.styles.background.hex != "#F6F7F9"


async def test_the_start_button_starts_by_enter_and_by_click(folder: Path) -> None:
    for press in ("enter", "click"):
        desk = FakeDesk(folder)
        async with setup(folder, desk=desk, path=str(folder / "emails.csv")) as (app, pilot):
            if press == "click":
                await pilot.click("#start")
            else:
                app.screen.query_one("#start").focus()
                await pilot.press("enter")
            await pilot.pause()
            await pilot.pause()
            assert isinstance(app.screen, Dashboard)


async def test_the_keys_are_those_of_the_active_bindings_and_a_click_presses_them(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        line = lines(app)[-1]
        shown = [one.binding.description for one in app.screen.active_bindings.values() if one.binding.show]
        assert all(words in line for words in shown)
        await pilot.hover(Keys, offset=(line.index("Help"), 0))
        await pilot.click(Keys, offset=(line.index("Help"), 0))
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


async def test_a_click_beside_the_keys_does_nothing(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        await pilot.click(Keys, offset=(lines(app)[-1].index("    ") + 2, 0))
        assert isinstance(app.screen, SetupScreen)


async def test_the_keys_follow_what_may_be_done(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        assert "Drain" in lines(app)[-1]
        session.play_out()
        await pilot.pause()
        await pilot.pause()
        assert "New run" in text(app)


async def test_keys_that_do_not_fit_are_left_out_whole(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (60, 24)) as (app, _):
        line = lines(app)[-1]
        assert "? Help" in line
        assert "Export" not in line
        assert line.split()[-2:] == ["?", "Help"]
