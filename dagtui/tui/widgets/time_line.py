"""The attempts of one request as bars on one axis of time, with the waits between them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from textual.content import Content

from dagtui.core.errors import ErrorKind
from dagtui.core.figures import count, kind_words, money, seconds
from dagtui.core.inspection import Exchange, Inspection
from dagtui.core.text import one_line
from dagtui.tui.palette import LEVELS, WARNING, style_of
from dagtui.tui.sheet import fit, wrapped
from dagtui.tui.words import again

_MOST = 50  # attempts that are shown, the last ones
_MESSAGE = 2_000  # characters of an error
_BEFORE, _TOOK, _STATUS, _WORDS = 5, 9, 5, 48  # cells beside the bar
_WIDE = 110  # cells from which the words stand beside the bar
_OVERTAKEN = frozenset({ErrorKind.SUPERSEDED})


def attempts(found: Inspection, width: int) -> Content:
    """Every attempt, a bar and a line of what it came to; each session has an axis of its own."""
    if not found.exchanges:
        return Content.styled(_nothing(found), style_of("dim"))
    shown = found.exchanges[-_MOST:]
    lines: list[Content] = []
    if len(shown) < len(found.exchanges):
        lines.append(Content.styled(f"{count(len(found.exchanges) - len(shown))} earlier ones", style_of("dim")))
    sessions = [list(group) for _, group in groupby(shown, attrgetter("session"))]
    for group in sessions:
        if len(sessions) > 1:
            began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(group[0].sent_at))
            lines.append(Content.styled(f"session {group[0].session} · {began}", style_of("accent")))
        lines += _axis(group, found, width)
    return Content("\n").join(lines)


def _nothing(found: Inspection) -> str:
    if found.verdict is not None and found.settled:
        return "It was never sent." if not found.verdict.attempts else "Its attempts are not in the journal."
    return "It has not been sent yet; its attempts will stand here."


class _Scale:
    """From moments to cells: `begin` to `end`, epoch seconds, over `cells`."""

    def __init__(self, begin: float, end: float, cells: int) -> None:
        self.begin, self.cells = begin, max(1, cells)
        self.span = max(end - begin, 0.001)

    def at(self, moment: float) -> int:
        """The cell in which `moment` lies."""
        share = (moment - self.begin) / self.span
        return min(self.cells - 1, max(0, int(share * self.cells)))


def _axis(group: Sequence[Exchange], found: Inspection, width: int) -> Iterator[Content]:
    wide = width >= _WIDE
    cells = max(8, width - _BEFORE - _TOOK - _STATUS - (_WORDS if wide else 0))
    ends = [_end(one, found) for one in group]
    due = [one.told.ended_at + (one.told.retry_in or 0.0) for one in group[-1:] if one.told is not None]
    scale = _Scale(group[0].sent_at, max(*ends, *due, group[0].sent_at), cells)
    length = seconds(scale.span)
    head = f"{'try':<{_BEFORE}}0 s{length:>{max(0, cells - 3)}}{'took':>{_TOOK}} http"
    yield Content.styled(fit(head, width).rstrip(), style_of("dim"))
    before = ""
    for place, one in enumerate(group):
        following = group[place + 1].sent_at if place + 1 < len(group) else None
        yield from _attempt(one, following, scale, found, width, wide, before)
        before = one.told.error.message if one.told is not None and one.told.error is not None else ""


def _attempt(
    one: Exchange, following: float | None, scale: _Scale, found: Inspection, width: int, wide: bool, before: str
) -> Iterator[Content]:
    glyph, role, words = _came_to(one, found)
    told = one.told
    end = _end(one, found)
    first, last = scale.at(one.sent_at), scale.at(end)
    wait_ends = end
    if told is not None and told.retry_in is not None:
        wait_ends = following if following is not None else end + told.retry_in
    waits = max(0, scale.at(wait_ends) - last)
    took = "" if one.lost else seconds(end - one.sent_at)
    status = str(told.status) if told is not None and told.status else ""
    line = Content.assemble(
        Content.styled(f"{one.number:>3}  ", style_of("text")),
        " " * first,
        Content.styled("━" * (last - first) + glyph, style_of(role)),
        Content.styled("┈" * waits, style_of("waiting")),
        " " * (scale.cells - last - 1 - waits),
        Content.styled(f"{took:>{_TOOK}}", style_of("text")),
        Content.styled(f" {status:>3} ", style_of(role)),
        Content.styled(fit(words, _WORDS).rstrip() if wide else "", style_of("text")),
    )
    yield line
    if not wide:
        yield from _below(words, width, "text")
    yield from _below(_details(one, before), width, "dim")


def _below(text: str, width: int, role: str) -> Iterator[Content]:
    for part in wrapped(text, max(8, width - _BEFORE)):
        yield Content.styled(" " * _BEFORE + part, style_of(role))


def _again(wait: float, reason: str) -> str:
    told = again(wait, reason)
    return told if "again" in told else f"again {told}"


def _came_to(one: Exchange, found: Inspection) -> tuple[str, str, str]:
    """The glyph, its role, and the words."""
    told = one.told
    if told is None:
        if one.lost:
            return WARNING, "warn", "nothing is known of its end; it may have been billed"
        return "●", "running", "in flight"
    if told.error is None:
        return "■", "done", "answered"
    words = kind_words(told.error.kind)
    if told.retry_in is not None:
        return LEVELS["retry"][0], "waiting", f"{words}, {_again(told.retry_in, told.retry_reason)}"
    if told.error.kind in _OVERTAKEN:
        return "◌", "dim", words
    billed = {"yes": ", and billed", "maybe": ", perhaps billed"}.get(told.error.billed, "")
    return "✖", "failed", f"{words}{billed}"


def _details(one: Exchange, before: str) -> str:
    stamp = time.strftime("%H:%M:%S", time.localtime(one.sent_at))
    parts = [f"{stamp}.{int(one.sent_at % 1 * 1000):03d}"]
    told = one.told
    if told is not None:
        parts += [one_line(told.request_id, 80)] if told.request_id else []
        if told.usage is not None:
            parts.append(f"{count(told.usage.input_total)} in, {count(told.usage.output)} out, {money(told.cost)}")
        if told.gateway_retries:
            parts.append(f"the gateway retried {told.gateway_retries} ×")
        if told.error is not None:
            same = told.error.message == before and before
            parts.append("the same again" if same else one_line(told.error.message, _MESSAGE))
    return " · ".join(parts)


def _end(one: Exchange, found: Inspection) -> float:
    if one.told is not None:
        return one.told.ended_at
    return one.sent_at if one.lost else max(found.time, one.sent_at)
