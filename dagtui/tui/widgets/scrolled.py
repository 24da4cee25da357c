"""A panel of text that may be longer than the screen is high, and says so."""

from __future__ import annotations

from typing import cast

from textual.containers import VerticalScroll
from textual.content import Content


class Scrolled(VerticalScroll):
    """Tells in its lower border how to leave it, and whether there is more to scroll to."""

    BINDING_GROUP_TITLE = ""

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="scrolled")
        self.border_title = cast(str, Content(title))

    def on_mount(self) -> None:
        """The size of the text is known after the first layout."""
        self.call_after_refresh(self._hint)

    def on_resize(self) -> None:
        """More or less of the text fits."""
        self.call_after_refresh(self._hint)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Another part of the text is shown."""
        super().watch_scroll_y(old_value, new_value)
        self._hint()

    def _hint(self) -> None:
        above, below = self.scroll_offset.y > 0, self.scroll_offset.y < self.max_scroll_y
        more = {(False, True): "▼ more · ", (True, True): "▲▼ more · ", (True, False): "▲ more · "}
        self.border_subtitle = cast(str, Content(f"{more.get((above, below), '')}Esc goes back"))
