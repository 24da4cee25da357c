"""Where in a run a replay is, how fast it goes, and a bar to see and to point at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from textual import events

from dagtui.core.figures import clock
from dagtui.tui.sheet import Line, Sheet, Span, length

_PLAYING = {True: "▶", False: "‖"}


def speed_words(speed: float) -> str:
    """`0.25×`, `16×`, or that it goes as fast as it can."""
    return "full speed" if speed == inf else f"{speed:g}×"


class Scrubber(Sheet):
    """One line: `▶ 1:23 / 4:56 ━━━━╸──── 16×`. A click goes there: `go` is told the share of the run."""

    def __init__(self, go: Callable[[float], None], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._go = go
        self._state: tuple[float, float, float, bool, bool] = (0.0, 0.0, 1.0, False, False)
        self._bar = (0, 1)  # where it begins, and its cells

    def show(self, position: float, whole: float, speed: float, *, playing: bool, seeking: bool) -> None:
        """Show `position` of `whole` seconds."""
        self._state = (position, whole, speed, playing, seeking)
        self.repaint()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The line."""
        position, whole, speed, playing, seeking = self._state
        times = f"{clock(position):>{len(clock(whole))}} / {clock(whole)}"
        left: list[Span] = [("replay ", "accent+"), (f"{_PLAYING[playing]} ", "running+" if playing else "warn+")]
        left += [(times + "  ", "text+")]
        words = "seeking" if seeking else speed_words(speed)
        right: Line = ((f"  {words:>10}", "dim" if seeking else "text+"),)
        begin = length(tuple(left))
        room = max(1, width - begin - length(right))
        self._bar = (begin, room)
        done = round((position / whole if whole else 1.0) * (room - 1))
        bar: Line = (("━" * done, "running"), ("●", "accent+"), ("─" * (room - 1 - done), "track"))
        return ((*left, *bar, *right),)

    def on_click(self, event: events.Click) -> None:
        """Go to where the mouse is."""
        place = event.get_content_offset(self)
        begin, room = self._bar
        if place is not None and begin <= place.x < begin + room:
            event.stop()
            self._go((place.x - begin) / max(1, room - 1))
