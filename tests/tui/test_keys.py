"""Keys: every one has a name, can be given away, and is told of in the footer, the help and the palette."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widgets import Input

from dagtui.core.errors import ConfigError
from dagtui.io.config import file_that_sets, load_config
from dagtui.taste import Taste
from dagtui.tui.keymap import bindings_of, check_keys, every_action, is_key, normal, on_screen, owners
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.help import HelpScreen
from dagtui.tui.screens.report import ReportScreen
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import FakeSession

TOML = Path("dagtui.toml")


def test_every_binding_has_an_id_and_words() -> None:
    found = owners()
    assert {"Dashboard", "SetupScreen", "RequestsTable", "StartButton", "DagtuiApp"} <= {
        cls.__name__ for cls in found
    }
    for owner in found:
        for binding in bindings_of(owner):
            assert binding.id, f"{owner.__name__}: {binding}"
            assert binding.description, f"{owner.__name__}: {binding}"


def test_on_a_screen_an_id_is_one_action_and_a_key_is_one_action() -> None:
    for screen in owners():
        if not issubclass(screen, Screen):
            continue
        actions = defaultdict[str, set[str]](set)
        for binding in on_screen(screen):  # type: ignore[arg-type]
            actions[binding.id or ""].add(binding.action.removeprefix("app."))
        assert {name: found for name, found in actions.items() if len(found) > 1} == {}, screen.__name__
        keys = defaultdict[str, set[str]](set)
        for owner in screen.__mro__:
            for binding in (
                bindings_of(owner) if "BINDINGS" in owner.__dict__ and "dagtui" in owner.__module__ else ()
            ):
                for key in binding.key.split(","):
                    keys[key.strip()].add(binding.action.removeprefix("app."))
        keys["escape"].discard(
            "restore"
        )  # which is there while a panel fills the screen, and then nothing else is
        assert {key: found for key, found in keys.items() if len(found) > 1} == {}, screen.__name__


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"run.puase": "P"}, '[keys] "run.puase": there is no such action (did you mean "run.pause"?).'),
        ({"xyzzy": "P"}, "dagtui keys lists them"),
        ({"run.pause": ""}, '"run.pause" is "", but a key is needed, such as "p,space"'),
        ({"run.pause": "P,,x"}, "but a key is needed"),
        ({"run.pause": "crtl+p"}, 'there is no key "crtl+p" (did you mean "ctrl+p"?)'),
        ({"run.pause": "d"}, 'd is the key of "run.drain" (Drain) on the same screen'),
        ({"run.pause": "?"}, '? is the key of "app.help" (Help)'),
        ({"run.pause": "up"}, '↑ is the key of "'),
        ({"run.pause": "J", "run.drain": "J"}, 'J is the key of "run.'),
        ({"panel.3": "4"}, '4 is the key of "panel.4"'),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_file_and_name(keys: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_keys(keys, lambda name: TOML)
    assert str(caught.value).startswith("dagtui.toml: [keys] ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"run.pause": "Z"},
        {"run.more": "ctrl+up,plus"},
        {"run.pause": "d", "run.drain": "p"},
        {"report.new": "d"},  # on another screen
        {"app.help": "H,f1", "files.parent": "backspace,left"},
        {"run.double": "greater_than_sign"},
    ],
)
def test_keys_that_can_be_are_taken(keys: dict[str, str]) -> None:
    check_keys(keys, lambda name: TOML)


def test_what_a_key_is() -> None:
    names = [
        "P",
        "?",
        "+",
        "plus",
        "ctrl+up",
        "shift+f5",
        "question_mark",
        "left_square_bracket",
        "space",
        "é",
        "full_stop",
    ]
    assert all(map(is_key, names))
    assert not any(map(is_key, ["foo", "ctrl+", "hyperbole+x", "", " ", "ctrl++"]))


def test_the_file_that_gives_a_key_is_the_one_that_is_named(tmp_path: Path) -> None:
    mine, here = tmp_path / "mine", tmp_path / "here"
    for folder, content in (
        (mine, '[keys]\n"run.pause" = "Z"\n"run.drain" = "D"'),
        (here, "[keys]\nrun.pause = 'Q'"),
    ):
        folder.mkdir()
        (folder / "dagtui.toml").write_text(content)
    config = load_config(here, mine)
    assert config is not None
    assert config.keys == {"run.pause": "Q", "run.drain": "D"}
    assert file_that_sets("keys", "run.pause", here, mine) == here / "dagtui.toml"
    assert file_that_sets("keys", "run.drain", here, mine) == mine / "dagtui.toml"


async def test_a_key_of_the_user_s_own_works_and_is_told_everywhere(folder: Path) -> None:
    session = FakeSession()
    taste = Taste(keys={"run.pause": "Z", "run.more": "ctrl+up,plus", "app.help": "h"})
    async with dashboard(folder, session, (80, 24), play=1.0, taste=taste) as (app, pilot):
        assert lines(app)[-1].startswith(" ^↑ More  - Fewer  Z Pause  d Drain")
        assert lines(app)[-1].endswith(" h Help")
        await pilot.press("p")
        assert "pause" not in session.calls
        await pilot.press("Z")
        assert session.calls[-1] == "pause"
        await pilot.press("ctrl+up", "plus")
        assert session.calls[-2:] == [("retune", 11), ("retune", 12)]
        await pilot.press("h")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        assert "^↑ +   More" in text(app)
        assert "Z   Pause" in text(app)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
async def test_the_footer_ends_whole_and_leads_to_the_help(folder: Path, width: int) -> None:
    async with dashboard(folder, FakeSession(), (width, 24), play=1.0) as (app, pilot):
        foot = lines(app)[-1]
        assert foot.endswith("? Help")
        assert len(foot) == width - 1
        assert foot.startswith(" + More  - Fewer  p Pause  d Drain")
        words = {able.words for able in every_action().values()}
        for part in foot.split("  "):
            assert not part.strip() or part.strip().split(" ", 1)[1] in words, foot
        await pilot.click("Keys", offset=(width - 4, 0))
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


async def test_the_help_is_in_groups_and_columns_and_knows_the_panels_that_have_not_the_focus(
    folder: Path,
) -> None:
    async with dashboard(folder, FakeSession(), (160, 48), play=1.0) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        shown = lines(app)
        top = next(line for line in shown if "│ run " in line)
        assert "log" in top
        assert "requests" in text(app)
        assert "p space   Pause" in text(app)
        for words in ("Oldest line", "First request", "needs a look", "a retry", "3   Cost; again: alone"):
            assert words in text(app), words


async def test_the_help_is_filtered_by_typing(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24), play=1.0) as (app, pilot):
        await pilot.press("question_mark", "slash", *"paus")
        await pilot.pause()
        assert "Pause" in text(app)
        assert "Drain" not in "\n".join(lines(app)[:-1])
        await pilot.press(*"xyz")
        await pilot.pause()
        assert "no key and no words with “pausxyz”" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        assert "Drain" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


async def test_the_palette_offers_whatever_has_a_key_and_can_be_done_now(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        offered = {command.title: command.help for command in app.get_system_commands(app.screen)}
        assert offered["Pause"] == "Key: p, space"
        assert {"Drain", "Type the target", "Theme …", "Help", "Quit", "Cost; again: alone"} <= set(offered)
        assert not {"Report", "Up", "First request", "All panels"} & set(offered)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        app.screen.query_one(Input).value = "pause"
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert session.calls[-1] == "pause"


async def test_the_palette_follows_the_screen(folder: Path) -> None:
    async with setup(folder) as (app, _):
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Start", "Sample data", "Type a path", "Open folder, pick file"} <= offered
        assert "Pause" not in offered


async def test_the_same_keys_do_the_same_on_every_screen(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        seen: list[str] = []
        for way in ((), ("home", "enter"), ("T",)):
            await pilot.press(*way)
            await pilot.pause()
            seen.append(type(app.screen).__name__)
            await pilot.press("question_mark")
            await pilot.pause()
            assert isinstance(app.screen, HelpScreen), seen
            await pilot.press("question_mark")
            await pilot.pause()
            assert type(app.screen).__name__ == seen[-1]
            if way:
                await pilot.press("q" if way == ("T",) else "escape")
                await pilot.pause()
                assert isinstance(app.screen, Dashboard)
        assert len(set(seen)) == 3
        await pilot.press("c", "q")  # a question
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        session.play_out()
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)


async def test_on_the_setup_screen_they_do_so_where_no_field_takes_letters(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        await pilot.press("slash", "q", "question_mark")
        await pilot.pause()
        assert app.screen.query_one("#path", Input).value == "q?"
        await pilot.press("escape", "question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("q", "q")
        await pilot.pause()
    assert app.return_value == 0


def test_keys_are_called_as_bindings_call_them() -> None:
    assert (normal("?"), normal("P"), normal("ctrl+p")) == ("question_mark", "P", "ctrl+p")
