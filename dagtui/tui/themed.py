"""An app with our themes: where they come from, and the palette that line widgets draw with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from dagtui.core.text import one_line
from dagtui.taste import PLAIN, Taste
from dagtui.tui.palette import DEFAULTS, LIGHT_DEFAULTS, Palette
from dagtui.tui.safety import SafeApp
from dagtui.tui.strips import without_cycles
from dagtui.tui.themes import DEFAULT_THEME, SHALLOW_THEME, load_themes


class ThemedApp(SafeApp):
    """`palette` always fits the theme in force."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("T", "theme", "Theme …", show=False, id="app.theme")]

    def __init__(self, taste: Taste = PLAIN) -> None:
        self.taste = taste  # first: the palette asks for it
        super().__init__()
        without_cycles()
        self._our_themes: list[str] = []
        self.palette = Palette({})
        self._theme_problems: tuple[str, ...] = ()
        self._styled = False

    def on_mount(self) -> None:
        """From here on the style sheets have been read, and a change of theme is a change of them."""
        self._styled = True

    def refresh_css(self, animate: bool = True) -> None:
        """Apply the colours of the theme in force.

        The first screen asks for it before any style sheet was applied. Textual would read them all, throw that
        away and read them again; to name the colours is enough then.
        """
        if self._styled:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def load_themes(self, folders: Iterable[Path], wanted: str | None) -> None:
        """Take in the themes of `folders` and put on `wanted`, with or without its prefix."""
        themes, problems = load_themes(folders)
        for theme in themes:
            self.register_theme(theme)
        self._our_themes = sorted(
            (theme.name for theme in themes), key=lambda name: (not name.startswith("dagtui-"), name)
        )
        wanted = wanted or (SHALLOW_THEME if self.taste.shallow else DEFAULT_THEME)
        names = (wanted, f"dagtui-{wanted}")
        found = next((name for name in names if name in self.available_themes), None)
        if found is None:
            problems = (*problems, f'There is no theme "{wanted}"; the default is used.')
            found = DEFAULT_THEME if DEFAULT_THEME in self.available_themes else self.theme
        self.theme = found
        self._theme_problems = tuple(problems)

    def tell_theme_problems(self) -> None:
        """What was wrong with the themes, in one notification."""
        if self._theme_problems:
            text = "\n".join(self._theme_problems)
            self.notify(text, title="Themes", severity="warning", timeout=10, markup=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that do not know them."""
        return DEFAULTS if self.current_theme.dark else LIGHT_DEFAULTS

    def get_css_variables(self) -> dict[str, str]:
        """The theme's variables; whoever asks for new ones gets a new palette too."""
        variables = super().get_css_variables()
        self.palette = Palette(variables, plain=self.no_color or self.taste.shallow)
        return variables

    def action_theme(self) -> None:
        """Choose a theme by looking at it."""
        from dagtui.tui.screens.theme_picker import ThemePicker  # imported when asked for

        if not isinstance(self.screen, ThemePicker):
            theirs = sorted(set(self.available_themes) - set(self._our_themes))
            self.push_screen(
                ThemePicker([*self._our_themes, *theirs], remembered=self.taste.keep_theme is not None)
            )

    def keep_theme(self) -> None:
        """Have the theme in force from the next start on, where nothing else decides that."""
        if self.taste.keep_theme is not None:
            self.run_worker(self._keep_theme(self.taste.keep_theme, self.theme), group="theme")

    async def _keep_theme(self, keep: Callable[[str], None], name: str) -> None:
        try:
            await asyncio.to_thread(keep, name)
        except OSError as error:
            told = f"The theme is for now only: {one_line(str(error), 200)}"
            self.notify(told, title="Theme", severity="warning", markup=False)
