"""A screen whose first frame is right."""

from __future__ import annotations

from typing import cast

from textual.app import App
from textual.screen import Screen

TOO_SMALL = "This terminal is too small.\nMake it at least 60 columns wide and 15 lines high."
"""What a screen says instead of itself, in a `#too-small` that it composes."""


class FittedScreen(Screen[None]):
    """Fits the terminal from the first frame on.

    Textual gives a screen the classes of the terminal's size after its first frame, which shows, and styles every
    widget when it is mounted and again before that frame, which takes a tenth of the time until it.
    """

    def __init__(self) -> None:
        super().__init__()
        app = self._app
        width, height = app.size
        self.add_class(*_fitting(app.HORIZONTAL_BREAKPOINTS, width), update=False)
        self.add_class(*_fitting(app.VERTICAL_BREAKPOINTS, height), update=False)

    @property
    def is_open(self) -> bool:
        """Whether it is shown, or covered: one that was left loses its widgets first and ends only then."""
        return self._app.is_running and self.is_attached and self in self._app.screen_stack

    def update_node_styles(self, animate: bool = True) -> None:
        """Style everything anew, unless nothing was painted yet in the style that it was mounted with."""
        if self.outer_size:
            super().update_node_styles(animate)

    @property
    def _app(self) -> App[int]:
        return cast("App[int]", self.app)  # pyright: ignore[reportUnknownMemberType]


def _fitting(breakpoints: list[tuple[int, str]] | None, cells: int) -> list[str]:
    return [name for least, name in sorted(breakpoints or ()) if cells >= least][-1:]
