"""Themes are files; a wrong one is told of and stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from dagtui.tui.palette import DEFAULTS, Palette
from dagtui.tui.themes import DEFAULT_THEME, load_themes
from tests.tui.conftest import dashboard, setup, text
from tests.tui.fakes import REPOSITORY, FakeDesk, FakeSession

OURS = REPOSITORY / "themes"


def test_every_theme_that_we_ship_is_whole() -> None:
    themes, problems = load_themes([OURS])
    assert not problems
    assert {theme.name for theme in themes} >= {DEFAULT_THEME, "dagtui-light", "dagtui-high-contrast"}
    for theme in themes:
        assert set(theme.variables) >= set(DEFAULTS), theme.name


def test_the_high_contrast_theme_keeps_its_promise() -> None:
    theme = next(theme for theme in load_themes([OURS])[0] if theme.name == "dagtui-high-contrast")
    ground = Color.parse(theme.background or "#000")
    for name in ("state-queued", "state-running", "state-waiting", "state-done", "state-failed", "money", "dim"):
        color = Color.parse(theme.variables[name])
        assert _contrast(color, ground) >= 7, name


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


def test_the_user_s_theme_wins_over_ours_and_a_missing_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "dark.toml").write_text(f'name = "{DEFAULT_THEME}"\nprimary = "#123456"')
    themes, problems = load_themes([OURS, tmp_path, tmp_path / "none"])
    assert not problems
    assert next(theme for theme in themes if theme.name == DEFAULT_THEME).primary == "#123456"


async def test_shift_t_goes_through_the_themes_and_the_colours_follow(folder: Path) -> None:
    async with dashboard(folder, FakeSession(), play=1.0) as (app, pilot):
        seen = set[str]()
        styles = set[str]()
        for _ in range(5):
            seen.add(app.theme)
            styles.add(str(app.palette.style("done")))
            await pilot.press("T")
            await pilot.pause()
        assert len(seen) == 5
        assert len(styles) == 5


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
