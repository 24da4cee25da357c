"""A panel as high as its text, which can be selected with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

Build: TypeAlias = Callable[[int], Content]
"""Makes the text for a width in cells."""


class Section(Widget):
    """Shows what `show` was given last, wrapped, under a title."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="section")
        self.entitle(title)
        self._build: Build = lambda width: Content()
        self._key: object = None
        self._made: tuple[int, Content] = (-1, Content())

    def show(self, key: object, build: Build) -> None:
        """Show what `build` makes, if `key` is not what it was."""
        if key != self._key:
            self._key, self._build = key, build
            self._made = (-1, Content())
            self.refresh(layout=True)

    def entitle(self, title: str) -> None:
        """Set the title, literally."""
        self.border_title = cast(str, Content(title))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the text takes."""
        width = max(1, width)  # a terminal may be narrower than the frame
        return max(1, self._content(width).get_height({}, width))

    def render(self) -> Content:
        """The text."""
        return self._content(self.size.width)

    def _content(self, width: int) -> Content:
        if self._made[0] != width:
            self._made = (width, self._build(width))
        return self._made[1]
