"""Between the app and the terminal: foreign text, a terminal that does not read, and what a crash may print."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import rich
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment, Segments
from textual.app import App
from textual.color import Color
from textual.css.query import NoMatches
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import WorkerFailed

from dagtui.core.text import PICTURES, UNSAFE

_FRAMES_AHEAD = 12  # of the 30 that Textual lets wait for the terminal before its loop waits too


class SafeFilter(LineFilter):
    """Replaces whatever could steer a terminal, in every line of every widget, at its width.

    Text is made visible where it enters the program; this catches what came another way, such as a file's name
    typed into a field. Characters without width are dropped, and the width stays, so that no line shifts.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """`segments`, harmless; the same list where nothing had to change."""
        for segment in segments:
            if not segment.control and _is_suspect(segment.text):
                return [self._harmless(segment) for segment in segments]
        return segments

    @staticmethod
    def _harmless(segment: Segment) -> Segment:
        if segment.control or not _is_suspect(segment.text):
            return segment
        text = _UNSAFE(_dots, _WIDTHLESS.sub("", segment.text))
        return Segment(set_cell_size(text, cell_len(segment.text)), segment.style)


def _is_suspect(text: str) -> bool:
    return not text.isprintable() or (not text.isascii() and PICTURES.search(text) is not None)


def _dots(match: re.Match[str]) -> str:
    return "·" * cell_len(match.group())


_UNSAFE: Callable[[Callable[[re.Match[str]], str], str], str] = UNSAFE.sub
_WIDTHLESS = re.compile(f"{PICTURES.pattern}|[\n\t]")
_SAFE = SafeFilter()


class SafeApp(App[int]):
    """An app that foreign text, a stalled terminal and a crash cannot make do harm. `deaf` stops all painting."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf = False
        self._dropped_frame = False

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, then the one that keeps foreign text from steering the terminal."""
        return [*super().get_line_filters(), _SAFE]

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Drop frames while the terminal does not read: past its queue, Textual would stop the run's loop.

        Private in Textual, hence the test that a blocked terminal stops nothing.
        """
        if self.deaf:
            return
        if self._is_stalled:
            self._dropped_frame = True
            self.set_timer(0.5, self._redraw)
            return
        super()._display(screen, renderable)  # pyright: ignore[reportUnknownMemberType]

    @property
    def _is_stalled(self) -> bool:
        writer = getattr(self._driver, "_writer_thread", None)
        return writer is not None and writer._queue.qsize() > _FRAMES_AHEAD  # pyright: ignore[reportPrivateUsage]

    def tell_terminal(self, data: str) -> bool:
        """Write `data` between two frames, as it is, where there is a terminal; False if it does not read now."""
        driver = self._driver
        if driver is None or driver.is_headless or driver.is_web or self.deaf:
            return True
        if self._is_stalled:
            return False
        driver.write(data)
        return True

    def _redraw(self) -> None:
        if self._dropped_frame:
            self._dropped_frame = False
            self.screen.refresh()

    def _handle_exception(self, error: Exception) -> None:
        """Pass over what does not find its parts because the app is being left: Textual takes them away first.

        Private in Textual, hence the test that leaves it at any moment.
        """
        cause = error.error if isinstance(error, WorkerFailed) else error
        if not (self._exit and isinstance(cause, NoMatches)):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Print a traceback without local variables, which may hold keys."""
        from rich.traceback import Traceback  # 50 ms to load, and hardly ever needed

        self.bell()
        traceback = Traceback(show_locals=False, width=None, suppress=[rich])
        self._exit_renderables.append(Segments(self.console.render(traceback, self.console.options)))
        self._close_messages_no_wait()
