"""Themes are files; a wrong one is told of and stops nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from dagtui.taste import Taste, remember_theme, remembered_theme, taste_of
from dagtui.tui.palette import DEFAULTS, Palette
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.themes import DEFAULT_THEME, load_themes
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import REPOSITORY, FakeDesk, FakeSession

OURS = REPOSITORY / "themes"


def test_every_theme_that_we_ship_is_whole() -> None:
    themes, problems = load_themes([OURS])
    assert not problems
    assert {theme.name for theme in themes} >= {DEFAULT_THEME, "dagtui-light", "dagtui-high-contrast"}
    for theme in themes:
        assert set(theme.variables) >= set(DEFAULTS), theme.name


TEXT = (
    "accent", "error", "foreground", "primary", "success", "warning",
    "chart", "dim", "money", "state-done", "state-failed", "state-queued", "state-running", "state-waiting",
    "footer-description-foreground", "footer-key-foreground",
)  # fmt: skip
"""What text is written in."""


@pytest.mark.parametrize("theme", load_themes([OURS])[0], ids=lambda theme: theme.name)
def test_text_can_be_read_on_every_ground(theme: Theme) -> None:
    wanted = 7 if theme.name == "dagtui-high-contrast" else 4.5  # WCAG 2.2, levels AAA and AA
    grounds = (theme.background, theme.surface, theme.panel, theme.variables["cursor"])
    for name in TEXT:
        color = Color.parse(theme.variables.get(name) or getattr(theme, name))
        for ground in grounds:
            assert _contrast(color, Color.parse(ground or "")) >= wanted, (name, ground)


@pytest.mark.parametrize("theme", load_themes([OURS])[0], ids=lambda theme: theme.name)
def test_the_states_that_a_run_goes_through_are_told_apart_by_colour(theme: Theme) -> None:
    roles = ("queued", "running", "waiting", "done", "failed")
    assert len({theme.variables[f"state-{role}"] for role in roles}) == len(roles)


def _contrast(one: Color, other: Color) -> float:
    def luminance(color: Color) -> float:
        parts = [part / 255 for part in color.rgb]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('name = "x"\nprimray = "#fff"', 'unknown field "primray" (did you mean "primary"?)'),
        ('name = "x"', '"primary" is missing'),
        ('name = "x"\nprimary = "blurple"', "\"primary\" is 'blurple', which is no colour"),
        ('name = "x"\nprimary = 3', "is no colour"),
        ('name = "x"\nprimary = "#fff"\ndark = "yes"', "true or false is needed"),
        ('name = "x"\nprimary = "#fff"\n[variables]\nmoney = "#zzz"', '"variables.money"'),
        ('name = "x"\nprimary = "#fff"\nvariables = 3', '"variables" is not a table'),
        ('name = "x"\nprimary = "#fff"\n[variables]\nmoney = 3', '"variables.money" is 3, which is no colour'),
        ('name = "x"\nprimary = "#fff"\n[variables]\nchart = "blurple"', "is 'blurple', which is no colour"),
        ('name = "x"\nprimary = "#fff"\n[variables]\nstate-dome = "#fff"', '(did you mean "state-done"?)'),
        ("name = ", "cannot be read"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_wrong_file_is_told_by_name_and_field(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    themes, problems = load_themes([tmp_path, OURS])
    assert len(problems) == 1
    assert problems[0].startswith("Theme mine.toml: ")
    assert words in problems[0]
    assert len(themes) >= 3


def test_roles_that_a_theme_does_not_name_fit_its_ground(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\nprimary = "#06c"\ndark = false\n[variables]\nmoney = "hsl(0,50%,50%)"'
    )
    (theme,), problems = load_themes([tmp_path])
    assert not problems
    assert set(theme.variables) >= set(DEFAULTS)
    assert theme.variables["money"] == "#BF4040"
    ground = Color.parse("#ffffff")
    for role in ("state-done", "state-failed", "state-running", "state-waiting", "dim", "money"):
        assert _contrast(Color.parse(theme.variables[role]), ground) >= 4.5, role


def test_two_files_of_one_name_are_told(tmp_path: Path) -> None:
    for file in ("a", "b"):
        (tmp_path / f"{file}.toml").write_text('name = "mine"\nprimary = "#06c"')
    themes, problems = load_themes([OURS, tmp_path])
    assert [theme.name for theme in themes].count("mine") == 1
    assert problems == ('Theme b.toml: "name" is "mine", as in a.toml; give it another.',)


async def test_all_that_is_wrong_with_themes_is_one_notification(folder: Path) -> None:
    desk = FakeDesk(folder)
    mine = folder / "themes"
    mine.mkdir()
    for number in range(3):
        (mine / f"{number}.toml").write_text(f'name = "t{number}"\nprimary = "blurple"')
    desk.user_themes_folder = lambda: mine  # type: ignore[method-assign]
    async with setup(folder, desk=desk) as (app, _):
        assert len(app._notifications) == 1
        shown = text(app)
        assert all(f"Theme {number}.toml:" in shown for number in range(3))


def test_the_user_s_theme_wins_over_ours_and_a_missing_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "dark.toml").write_text(f'name = "{DEFAULT_THEME}"\nprimary = "#123456"')
    themes, problems = load_themes([OURS, tmp_path, tmp_path / "none"])
    assert not problems
    assert next(theme for theme in themes if theme.name == DEFAULT_THEME).primary == "#123456"


async def test_a_theme_is_on_while_the_cursor_is_on_it_and_the_colours_follow(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        await pilot.press("T")
        await pilot.pause()
        seen = set[str]()
        styles = set[str]()
        for _ in range(5):
            seen.add(app.theme)
            styles.add(str(app.palette.style("done")))
            await pilot.press("down")
            await pilot.pause()
        assert len(seen) == 5
        assert len(styles) == 5
        assert all(name.startswith("dagtui-") for name in seen)


async def test_escape_takes_a_theme_back_and_enter_keeps_and_remembers_it(folder: Path) -> None:
    kept: list[str] = []
    async with dashboard(folder, FakeSession(), play=1.0, taste=Taste(keep_theme=kept.append)) as (app, pilot):
        before = app.theme
        await pilot.press("T", "T", "T")
        assert app.theme != before
        await pilot.press("escape")
        assert (app.theme, kept) == (before, [])
        assert isinstance(app.screen, Dashboard)
        await pilot.press("T", "down", "enter")
        while not kept:
            await pilot.pause(0.01)
        assert kept == [app.theme] != [before]
        assert isinstance(app.screen, Dashboard)


async def test_a_choice_that_cannot_be_remembered_is_told(folder: Path) -> None:
    def refuse(name: str) -> None:
        raise OSError("no space left on device")

    async with dashboard(folder, FakeSession(), taste=Taste(keep_theme=refuse)) as (app, pilot):
        await pilot.press("T", "down", "enter")
        while any(worker.group == "theme" for worker in app.workers):
            await pilot.pause(0.01)
        await pilot.pause()
        assert "for now only: no space left on device" in text(app)


async def test_a_click_puts_a_theme_on(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), (80, 24)) as (app, pilot):
        await pilot.press("T")
        await pilot.pause()
        assert await pilot.click("#themes", offset=(4, 3))
        await pilot.pause()
        assert app.theme == "dagtui-forest"


def test_what_was_chosen_is_used_from_the_next_start_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dagtui.taste.state_path", lambda: tmp_path / "state" / "screen.json")
    assert remembered_theme() is None
    remember_theme("dagtui-dusk")
    assert remembered_theme() == "dagtui-dusk"
    for spoilt in ("", "[" * 5000, "[]", '{"theme": 3}', "\x00"):
        (tmp_path / "state" / "screen.json").write_text(spoilt)
        assert remembered_theme() is None
    remember_theme("dagtui-dark")
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["screen.json"]


def test_flag_and_settings_go_before_what_was_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dagtui.taste.state_path", lambda: tmp_path / "screen.json")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    remember_theme("dagtui-dusk")
    assert taste_of(None).theme == "dagtui-dusk"
    assert taste_of(None).keep_theme is remember_theme
    assert taste_of("light").theme == "light"
    assert taste_of("light").keep_theme is None
    (tmp_path / "dagtui.toml").write_text('theme = "dagtui-forest"')
    assert taste_of(None).theme == "dagtui-forest"
    assert taste_of(None).keep_theme is None
    assert taste_of("light").theme == "light"


async def test_an_unknown_theme_is_told_and_the_default_used(folder: Path) -> None:
    async with setup(folder, theme="solarised") as (app, pilot):
        await pilot.pause()
        assert app.theme == DEFAULT_THEME
        assert 'There is no theme "solarised"' in text(app)


async def test_a_theme_may_be_named_without_the_prefix(folder: Path) -> None:
    async with setup(folder, theme="light", desk=FakeDesk(folder)) as (app, _):
        assert app.theme == "dagtui-light"


def test_a_role_has_a_style_even_where_the_theme_says_nothing() -> None:
    palette = Palette({})
    assert palette.style("failed").color is not None
    assert palette.style("money+").bold
    assert palette.style("dim@").bgcolor is not None


async def test_with_few_colours_the_default_is_the_one_of_high_contrast_and_the_cursor_is_reversed(
    folder: Path,
) -> None:
    async with dashboard(folder, FakeSession(), taste=Taste(shallow=True)) as (app, _):
        assert app.theme == "dagtui-high-contrast"
        assert app.palette.style("done@").reverse
    async with dashboard(folder, FakeSession(), taste=Taste(shallow=True, theme="dagtui-dusk")) as (app, _):
        assert app.theme == "dagtui-dusk"


@pytest.mark.parametrize("key", [*"1234567", "9"])
async def test_without_colours_the_panel_with_the_focus_and_the_cursor_are_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        await pilot.press(key)
        await pilot.pause()
        heavy = [line for line in lines(app) if "┏━ " in line]
        assert len(heavy) == 1
        assert f"┏━ {key} " in heavy[0]
        if key == "4":
            await pilot.press("home")
            await pilot.pause()
            assert app.palette.style("text@").reverse


async def test_without_colours_the_focus_of_triage_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(folder, FakeSession(), play=2.0) as (app, pilot):
        await pilot.press("g")
        await pilot.pause()
        assert any(line.startswith("┏━ causes") for line in lines(app))


def test_the_terminal_s_colours_are_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dagtui.taste.state_path", lambda: tmp_path / "screen.json")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for stream in (sys.__stdout__, sys.__stderr__):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for term, shallow in (("xterm-256color", False), ("vt100", True), ("linux", True)):
        monkeypatch.setenv("TERM", term)
        assert taste_of(None).shallow is shallow, term
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert not taste_of(None).shallow
