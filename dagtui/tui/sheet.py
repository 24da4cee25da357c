"""A widget made of whole lines, of which only those that changed are painted again.

This is what keeps a screen that is polled ten times a second cheap: a line that says what it said before costs one
comparison of tuples, and no frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, TypeAlias, cast

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from dagtui.core.text import visible
from dagtui.tui.palette import Palette

if TYPE_CHECKING:
    from dagtui.tui.app import DagtuiApp

Span: TypeAlias = tuple[str, str]
"""Text and its role in the palette."""
Line: TypeAlias = tuple[Span, ...]
BLANK: Line = ()

_SELECTED = Style(reverse=True)  # in every theme, and without colours
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Sheet(Widget):
    """Draws itself as lines of spans. Subclasses say what they show in `draw`.

    One with a `number` (1 to 9) is a panel that this key jumps to: it takes the focus, and its title says so.
    """

    number = 0

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.can_focus = self.can_focus or bool(self.number)
        self._lines: Sequence[Line] = ()
        self._strips: dict[int, Strip] = {}
        self._shown_title: tuple[str, str] = ("", "")
        self._drawn_for = (-1, -1)  # the outer size: the content's is slow to ask for, line by line
        self._width = 0
        self._painting = False
        self._selection: Selection | None = None

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The lines to show in `width` x `height` cells."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Draw anew, and refresh the lines that are not what they were."""
        if not self.is_attached or not self.outer_size:
            return
        before, after = self._lines, self._draw()
        changed = [
            Region(0, y, self._width, 1)
            for y in range(max(len(before), len(after)))
            if (before[y] if y < len(before) else BLANK) != (after[y] if y < len(after) else BLANK)
        ]
        for region in changed:
            self._strips.pop(region.y, None)
        if changed:
            self.refresh(*changed)

    def entitle(self, title: str, subtitle: str = "") -> None:
        """Set the border's texts, literally, and only when they differ.

        Later, because `draw` may call this in the middle of a paint, which would swallow the refresh.
        """
        if self.number:
            title = f"{self.number} {title}"
        if (title, subtitle) != self._shown_title:
            self._shown_title = (title, subtitle)
            self.call_later(self._set_titles)

    @property
    def titles(self) -> tuple[str, str]:
        """The border's texts, for Textual: it would take plain text as markup."""
        title, subtitle = self._shown_title
        return cast(str, Content(visible(title))), cast(str, Content(visible(subtitle)))

    def _set_titles(self) -> None:
        self.border_title, self.border_subtitle = self.titles

    def render_line(self, y: int) -> Strip:
        """Line `y` of the content."""
        if self._drawn_for != self.outer_size:
            self._strips.clear()
            self._draw()
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._strip(self._lines[y] if y < len(self._lines) else BLANK)
        if not self._painting:  # the screen asks where in the text the mouse is
            return strip.apply_offsets(0, y)
        return strip if self._selection is None else self._with_selection(strip, y, self._selection)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of `crop`, for the screen."""
        self._painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False

    # --- selecting with the mouse ---

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text of the lines that are selected, as they are now, without what pads them."""
        parts = [
            "".join(text for text, _ in line)[slice(*_ends(span))].rstrip()
            for y, line in enumerate(self._lines)
            if (span := selection.get_span(y)) is not None
        ]
        return ("\n".join(parts), "\n") if any(parts) else None

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self._selection = selection
        self.refresh()

    def _with_selection(self, strip: Strip, y: int, selection: Selection) -> Strip:
        span = selection.get_span(y)
        text = strip.text
        begin, end = _ends(span) if span is not None else (0, 0)
        if not text[begin:end]:
            return strip
        cells = cell_len(text[:begin]), cell_len(text[:end]), strip.cell_length
        before, chosen, after = (strip.crop(0, cells[0]), strip.crop(cells[0], cells[1]), strip.crop(*cells[1:]))
        return Strip.join([before, chosen.apply_style(_SELECTED), after])

    def notify_style_update(self) -> None:
        """Forget what was painted in the old colours."""
        self._strips.clear()
        super().notify_style_update()

    def watch_has_focus(self, value: bool) -> None:
        """A cursor may be shown only with the focus."""
        super().watch_has_focus(value)
        self.repaint()

    @property
    def palette(self) -> Palette:
        """The app's palette."""
        return cast("DagtuiApp", self.app).palette  # pyright: ignore[reportUnknownMemberType]

    def _draw(self) -> Sequence[Line]:
        size = self.size
        # Hidden, it has no content but keeps its outer size: seen again, it is to be drawn anew.
        self._drawn_for = self.outer_size if size.area else (-1, -1)
        self._width = size.width
        self._lines = self.draw(size.width, size.height)[: size.height] if size.area else ()
        return self._lines

    def _strip(self, line: Line) -> Strip:
        style = self.palette.style
        segments = [Segment(text, style(role)) for text, role in line if text]
        return Strip(segments).adjust_cell_length(self._width, style("text@" if _on_cursor(line) else "text"))


def _ends(span: tuple[int, int]) -> tuple[int, int | None]:
    """Textual's -1 is the end of the line."""
    return span[0], None if span[1] == -1 else span[1]


def _on_cursor(line: Line) -> bool:
    return bool(line) and "@" in line[0][1]


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` made safe and exactly `width` cells wide, with an ellipsis where it was cut."""
    if width <= 0:
        return ""
    text = visible(text[: width * 4]).replace("\n", " ").replace("\t", " ")
    if text.isascii() and len(text) <= width:
        return text.rjust(width) if right else text.ljust(width)
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return " " * (width - length) + text if right else text + " " * (width - length)


def wrapped(text: str, width: int) -> list[str]:
    """`text` made safe, on lines of at most `width` cells; one line at least."""
    width = max(1, width)
    lines = wrap(visible(text), width, break_on_hyphens=False) or [""]
    return [part for line in lines for part in (chop_cells(line, width) if cell_len(line) > width else [line])]


def bar(share: float, width: int) -> tuple[str, str]:
    """A bar of `width` cells in eighths: its filled part and the rest."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    return filled, " " * (width - len(filled))


def gauge(share: float, width: int, role: str, track: str = "─") -> Line:
    """A one-line gauge in half cells: a heavy line before a light one, calm enough to stand beside another."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    if share > 0 and not halves:
        halves = 1
    heavy = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return ((heavy, role), (track * (width - len(heavy)), "track"))


def thumb(top: int, rows: int, total: int) -> range:
    """The lines that the mark at the right edge covers."""
    if total <= rows:
        return range(0)
    size = max(1, rows * rows // total)
    start = round(top / max(1, total - rows) * (rows - size))
    return range(start, start + size)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` at the left edge and `right` at the right one; where both do not fit, `left` is cut."""
    room = width - length(right)
    used = length(left)
    if used <= room:
        return (*left, (" " * (room - used), "text"), *right)
    return (*cut(left, room - 1), (" ", "text"), *right) if room > 0 else cut(right, width)


def whole(width: int, *groups: Line) -> Line:
    """As many of `groups`, from the first, as fit whole."""
    line: Line = ()
    for group in groups:
        trimmed = (*group[:-1], (group[-1][0].rstrip(), group[-1][1]))
        if length((*line, *trimmed)) > width:
            break
        line = (*line, *group)
    return cut(line, width)


def flowed(groups: Sequence[Line], width: int, rows: int) -> list[Line]:
    """`groups` on at most `rows` lines, none of them broken; what does not fit is left out, from the last."""
    lines: list[Line] = []
    for group in groups:
        trimmed = (*group[:-1], (group[-1][0].rstrip(), group[-1][1]))
        if lines and length((*lines[-1], *trimmed)) <= width:
            lines[-1] = (*lines[-1], *group)
        elif len(lines) < rows and length(trimmed) <= width:
            lines.append(group)
        else:
            break
    return [(*line[:-1], (line[-1][0].rstrip(), line[-1][1])) for line in lines]


def length(line: Line) -> int:
    """Cells that `line` takes."""
    return sum(cell_len(text) for text, _ in line)


def cut(line: Line, width: int) -> Line:
    """`line` within `width` cells."""
    kept: list[Span] = []
    for text, role in line:
        cells = cell_len(text)
        if cells > width:
            if width > 0:
                kept.append((fit(text, width), role))
            break
        kept.append((text, role))
        width -= cells
    return tuple(kept)
