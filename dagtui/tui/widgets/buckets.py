"""The cells of a map that stand for many requests each: only those in which something changed are made anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil
from typing import TypeAlias

from dagtui.core.store import RequestStore, State
from dagtui.tui.palette import GLYPHS, STATE_ROLES
from dagtui.tui.sheet import Line

Look: TypeAlias = tuple[str, str]
"""A glyph and its role."""
_SHADES = "·░▒▓■"
_QUEUED: Look = (_SHADES[0], "queued")


class Buckets:
    """Remembers the lines for the last store and shape that it was asked for."""

    def __init__(self) -> None:
        self._shape = (0, 0)
        self._version = 0
        self._looks: list[Look] = []
        self._lines: list[Line] = []

    def lines(self, store: RequestStore, total: int, share: int, across: int) -> Sequence[Line]:
        """`total` requests, of which a cell stands for `share`, with `across` cells in a row."""
        changed, cells = store.changed_since(self._version), ceil(total / share)
        if self._shape != (share, across) or changed is None or cells < len(self._looks):
            self._shape, self._looks, self._lines = (share, across), [], []
            changed = None
        new = range(len(self._looks), cells)
        self._looks += [_QUEUED] * len(new)  # what is added is queued
        self._lines += [()] * (ceil(cells / across) - len(self._lines))
        if changed is None:
            begun = ceil(len(store.state.rstrip(bytes((State.QUEUED,)))) / share)
            others: Iterable[int] = range(begun)
        else:
            others = {seq // share for seq in changed}
        rows = {cell // across for cell in (*self._renew(store, share, others), *new)}
        for row in rows:
            self._lines[row] = _joined(self._looks[row * across : (row + 1) * across])
        self._version = store.version
        return self._lines

    def _renew(self, store: RequestStore, share: int, cells: Iterable[int]) -> list[int]:
        """Look at `cells`; those that look different now."""
        looks, states, others = self._looks, store.state, list[int]()
        for cell in cells:
            look = _look(states[cell * share : (cell + 1) * share], share)
            if look != looks[cell]:
                looks[cell] = look
                others.append(cell)
        return others


def _joined(looks: Sequence[Look]) -> Line:
    return tuple((glyph * len(list(run)), role) for (glyph, role), run in groupby(looks))


def _look(states: bytearray, share: int) -> Look:
    """The look of many requests: their worst news if there is a fair amount of it, else how far they are."""
    failed = states.count(State.FAILED)
    if failed * 20 >= share:
        return GLYPHS[State.FAILED], STATE_ROLES[State.FAILED]
    waiting = states.count(State.WAITING)
    if waiting * 10 >= share:
        return GLYPHS[State.WAITING], STATE_ROLES[State.WAITING]
    done = states.count(State.SUCCEEDED) + failed
    if states.count(State.IN_FLIGHT) and done * 10 < share * 9:
        return GLYPHS[State.IN_FLIGHT], STATE_ROLES[State.IN_FLIGHT]
    level = done * 4 // share if done < share else 4
    return _SHADES[level], "done" if level else "queued"
