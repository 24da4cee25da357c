"""How many requests are in flight, who says how many, and what keeps it from being faster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from dagtui.core.figures import count, short_count
from dagtui.core.snapshot import Snapshot
from dagtui.core.text import visible
from dagtui.tui.palette import WARNING
from dagtui.tui.sheet import BLANK, Line, cut, gauge, spread, whole
from dagtui.tui.widgets.figures import headrooms, left_role
from dagtui.tui.widgets.panel import Panel, outage

_UNIT = re.compile(r"(?<=\d) (?=m?s\b)")
_ROOMY = 5  # lines below the gauge from which on there are retries and keys as well
_FORMS = ((" in flight of ", " automatic"), (" in flight of ", " auto"), (" of ", " auto"))


class ConcurrencyPanel(Panel):
    """How many at once, and what holds it there."""

    number = 2
    TITLE = "concurrency"
    steered = True
    """Whether there are keys to tell of."""
    _digits = 1  # of the largest number so far: they only grow, so that the words stay where they are

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """In flight against the target, the reason in words, and at the bottom what does not move with them."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        flying, target = snapshot.counts.in_flight, snapshot.target
        self._digits = max(self._digits, len(count(max(target, flying))))
        lines = [
            _numbers(snapshot, self._digits, width),
            gauge(flying / target if target else 0.0, width, "running"),
        ]
        if snapshot.phase == "ended":
            return lines[:height]
        if height <= len(lines):
            lines.pop()  # the numbers say it too, and nothing else what holds them
        room = height - len(lines)
        foot = _foot(snapshot, width, room, self.steered)
        words = held(snapshot, width, room - len(foot))
        blanks = [BLANK] * (room - len(words) - len(foot))
        return [*lines, *words, *blanks, *foot][:height]


def held(snapshot: Snapshot, width: int, rows: int) -> list[Line]:
    """What binds, as much of it as fits into `rows` lines; an outage in two parts, so that its countdown stays."""
    text = _UNIT.sub("\xa0", visible(snapshot.held_by))  # a number and its unit stay together
    if not text or rows <= 0:
        return []
    if not outage(snapshot):
        return [((line, "text"),) for line in _wrapped(text, width, rows)]
    what, _, until = text.partition(": ")
    if rows == 1:  # the heading says the rest
        parts = [f"{WARNING} {line}" for line in _wrapped(until, max(1, width - 2), 1)]
    else:
        parts = [f"{WARNING} {what}", *(f"  {line}" for line in _wrapped(until, max(1, width - 2), rows - 1))]
    return [cut(((part, "warn+"),), width) for part in parts]


def _wrapped(text: str, width: int, rows: int) -> list[str]:
    lines = wrap(text, width, max_lines=rows, placeholder=" …" if width > 1 else "…")
    return [line.replace("\xa0", " ") for line in lines]


def _numbers(snapshot: Snapshot, digits: int, width: int) -> Line:
    """`84 in flight of 84   automatic`: the last word at the edge, where no digit moves it."""
    flying, target = f"{count(snapshot.counts.in_flight):>{digits}}", count(snapshot.target)
    if not snapshot.automatic:
        return cut(((flying, "running+"), (_FORMS[0][0], "dim"), (target, "text+")), width)
    words, mode = next((form for form in _FORMS if 2 * digits + len("".join(form)) <= width), _FORMS[-1])
    left: Line = ((flying, "running+"), (words, "dim"), (target, "text+"))
    return spread(left, ((mode, "accent"),), width)


def _foot(snapshot: Snapshot, width: int, room: int, steered: bool) -> list[Line]:
    """What stands at the bottom: retries and keys; where room is short, the tightest of the limits."""
    if room >= _ROOMY:
        return [_troubles(snapshot, width), _keys(width) if steered else BLANK]
    # A limit that nobody is there to tell of says nothing, and an outage needs the room.
    return [] if outage(snapshot) or room < 2 else _tightest(snapshot, width)


def _keys(width: int) -> Line:
    return whole(
        width,
        (("+ - ", "accent"), ("step  ", "dim")),
        (("a ", "accent"), ("auto  ", "dim")),
        (("[ ] ", "accent"), ("half, twice", "dim")),
    )


def _troubles(snapshot: Snapshot, width: int) -> Line:
    """Retries, and how many attempts met the rate limit."""
    role = "waiting" if snapshot.throttled else "dim"
    return whole(
        width,
        (("retries ", "dim"), (f"{count(snapshot.retries)}  ", "text" if snapshot.retries else "dim")),
        (("429s ", "dim"), (f"{count(snapshot.throttled)}  ", role)),
    )


def _tightest(snapshot: Snapshot, width: int) -> list[Line]:
    known = [
        (label, room) for label, room in headrooms(snapshot) if room and room.limit and room.remaining is not None
    ]
    if not known:
        return []
    label, room = min(known, key=lambda item: (item[1].remaining or 0) / (item[1].limit or 1))
    share = (room.remaining or 0) / (room.limit or 1)
    text = f"{short_count(room.remaining or 0)} of {short_count(room.limit or 0)} {label}"
    return [cut((("limit left ", "dim"), (text, left_role(share))), width)]
