"""An app with our themes: where they come from, and the palette that line widgets draw with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from dagtui.tui.palette import DEFAULTS, Palette
from dagtui.tui.safety import SafeApp
from dagtui.tui.strips import without_cycles
from dagtui.tui.themes import DEFAULT_THEME, load_themes


class ThemedApp(SafeApp):
    """`palette` always fits the theme in force."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("T", "next_theme", "Theme", show=False, id="app.theme")]

    def __init__(self) -> None:
        super().__init__()
        without_cycles()
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
        wanted = wanted or DEFAULT_THEME
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
        return DEFAULTS

    def get_css_variables(self) -> dict[str, str]:
        """The theme's variables; whoever asks for new ones gets a new palette too."""
        variables = super().get_css_variables()
        self.palette = Palette(variables)
        return variables

    def action_next_theme(self) -> None:
        """The next of our themes."""
        names = sorted(name for name in self.available_themes if name.startswith("dagtui-")) or [self.theme]
        here = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(here + 1) % len(names)]
        self.clear_notifications()  # one says which theme it is; those before it would only cover the screen
        self.notify(self.theme.removeprefix("dagtui-"), title="Theme", timeout=1.5, markup=False)
