"""How many requests are in flight, who says how many, and what keeps it from being faster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from dagtui.core.figures import count
from dagtui.core.snapshot import Snapshot
from dagtui.core.text import visible
from dagtui.core.why import shares
from dagtui.tui.palette import WARNING
from dagtui.tui.sheet import BLANK, Line, cut, fit, flowed, gauge, spread, whole
from dagtui.tui.widgets.panel import Panel, outage

_UNIT = re.compile(r"(?<=\d) (?=m?s\b)")
_ROOMY = 9  # lines from which on there are retries and keys as well
_ALONE = 16  # lines from which on each part of the lanes' time has one
_WORDS = 4  # lines for what binds, then
_GAUGE = 60  # cells
_LOOKS = (("█", "running"), ("▓", "waiting"), ("▒", "accent"), ("░", "text"), ("·", "dim"))
"""Of the parts of the lanes' time, most first; no two are told apart by colour alone."""
_FORMS = ((" in flight of ", " automatic"), (" in flight of ", " auto"), (" of ", " auto"))


class ConcurrencyPanel(Panel):
    """How many at once, and what holds it there."""

    number = 2
    prompt = True
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
        lines = [_numbers(snapshot, self._digits, width)]
        foot = _foot(snapshot, width, self.steered) if height >= _ROOMY and snapshot.phase != "ended" else []
        if height >= _ALONE:
            where, spare = [*lanes(snapshot, width, 0), BLANK, *_each(snapshot, width), BLANK], _WORDS
        else:
            legend = 3 if height >= _ROOMY else max(0, min(2, height - 3))
            where, spare = lanes(snapshot, width, legend) if height >= 3 else [], height
        room = min(spare, max(0, height - len(lines) - len(where) - len(foot)))
        words = held(snapshot, width, room) if snapshot.phase != "ended" else []
        return [*lines, *words, *[BLANK] * (room - len(words)), *where, *foot][:height]


def lanes(snapshot: Snapshot, width: int, rows: int) -> list[Line]:
    """Where the lanes' time went: a stacked bar, and below it, in `rows` lines, what its parts are."""
    parts = _parts(snapshot)
    edges, gone = [0], 0.0
    for _, share, _ in parts:
        gone += share
        edges.append(round(min(1.0, gone) * width))
    edges[-1] = width if gone > 0.995 else edges[-1]
    bar: Line = tuple(
        (glyph * (end - begin), role)
        for (_, _, (glyph, role)), begin, end in zip(parts, edges, edges[1:], strict=False)
        if end > begin
    )
    legend = [
        ((f"{glyph} ", role), (f"{word} ", "dim"), (f"{100 * share:>3.0f}%  ", "text"))
        for word, share, (glyph, role) in parts
    ]
    words = flowed(legend, width, rows)
    return [bar or (("─" * width, "track"),), *words, *[BLANK] * (rows - len(words))]


def _parts(snapshot: Snapshot) -> list[tuple[str, float, tuple[str, str]]]:
    """What the lanes' time went into, most first: the word, the share of it, and the look."""
    parts = [(word, share) for word, share in shares(snapshot.lanes) if share >= 0.005]
    return [(word, share, _LOOKS[min(place, len(_LOOKS) - 1)]) for place, (word, share) in enumerate(parts)]


def _each(snapshot: Snapshot, width: int) -> list[Line]:
    """A line for each part, with a gauge; as many as there can be, so that what is below stays."""
    parts = _parts(snapshot)
    names = max((len(word) for word, _, _ in parts), default=0)
    lines: list[Line] = [
        (
            (f"{glyph} ", role),
            (f"{fit(word, names)} ", "dim"),
            *gauge(share, max(0, min(_GAUGE, width - names - 8)), role),
            (f"{100 * share:>4.0f}%", "text"),
        )
        for word, share, (glyph, role) in parts
    ]
    return [*lines, *[BLANK] * (len(_LOOKS) - len(lines))]


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


def _foot(snapshot: Snapshot, width: int, steered: bool) -> list[Line]:
    """What stands at the bottom: retries and keys."""
    return [_troubles(snapshot, width), _keys(width) if steered else BLANK]


def _keys(width: int) -> Line:
    return whole(
        width,
        (("+ - ", "accent"), ("step  ", "dim")),
        (("t ", "accent"), ("type  ", "dim")),
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
