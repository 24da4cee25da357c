"""The caption of the chapter that is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagtui.core.figures import clock
from dagtui.tui.sheet import BLANK, Line, Sheet, cut, gauge, length, spread, wrapped

if TYPE_CHECKING:
    from dagtui.storyteller import Storyteller

_BAR = 16
_KEYS: Line = ((" , . ", "accent"), ("chapter ", "dim"), ("; ", "accent"))


class StoryBar(Sheet):
    """Three lines: which chapter, how far it is, and what there is to see in it."""

    def __init__(self, teller: Storyteller) -> None:
        super().__init__(id="story")
        self.teller = teller

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The place in the story, then the caption."""
        teller = self.teller
        chapter, chapters = teller.chapter, len(teller.story.chapters)
        left: Line = (
            ("story ", "dim"),
            (f"{teller.story.name} ", "accent+"),
            (f"{teller.number + 1:>{len(str(chapters))}} of {chapters}  ", "dim"),
            (chapter.title, "text+"),
        )
        told = teller.trouble or chapter.caption
        role = "warn+" if teller.trouble else "text"
        caption = [cut(((line, role),), width) for line in wrapped(told, width)[: height - 1]]
        head = spread(left, self._right(width - length(left) - 2), width)
        return [head, *caption, *[BLANK] * (height - 1)][:height]

    def _right(self, room: int) -> Line:
        """The time of the chapter as numbers, bar and keys, as far as there is room; held is said in any case."""
        teller = self.teller
        seconds = teller.chapter.seconds
        keys: Line = (*_KEYS, ("go on" if teller.held else "hold ", "dim"))
        if teller.held:
            time: Line = (("‖ held".rjust(12), "warn+"),)
        elif seconds is None:
            time = (("to the end".rjust(12), "dim"),)
        else:
            time = ((f"{clock(min(teller.elapsed, seconds)):>4} of {clock(seconds):>4}", "text"),)
        share = 1.0 if seconds is None else teller.elapsed / seconds
        bar = gauge(share, _BAR, "accent")
        forms: tuple[Line, ...] = ((*time, ("  ", "text"), *bar, *keys), (*time, *keys), time)
        return next((form for form in forms if length(form) <= room), ())
