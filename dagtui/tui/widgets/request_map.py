"""Every request of the run as a cell, or as part of one where there are more requests than cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import ceil
from typing import TypeAlias

from dagtui.core.figures import count
from dagtui.core.store import RequestStore, State
from dagtui.tui.palette import GLYPHS, STATE_ROLES
from dagtui.tui.sheet import Line
from dagtui.tui.widgets.panel import Panel

Look: TypeAlias = tuple[str, str]
"""A glyph and its role."""
_UNREAD = State.QUEUED
_OPEN = (State.QUEUED, State.IN_FLIGHT, State.WAITING)
_SHADES = "·░▒▓■"


class RequestMap(Panel):
    """A map of the run, in the order of the file."""

    number = 9
    TITLE = "map"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._store: RequestStore | None = None
        self._share = 0
        self._settled: dict[int, Look] = {}

    @property
    def store(self) -> RequestStore | None:
        """What is shown; of another one, nothing is remembered."""
        return self._store

    @store.setter
    def store(self, store: RequestStore | None) -> None:
        if store is not self._store:
            self._store = store
            self._settled.clear()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The cells, row by row."""
        store, snapshot = self.store, self.snapshot
        if store is None or snapshot is None or not width or not height:
            return ()
        total = max(len(store), snapshot.counts.total or 0)
        share = ceil(total / (width * height)) or 1
        self.entitle("map", "" if share == 1 else f"a cell is {count(share)} requests")
        cells = ceil(total / share)
        if share == 1:
            states = bytes(store.state).ljust(total, bytes((_UNREAD,)))
            gap = " " if ceil(total / max(1, width // 2)) <= height else ""
            across = width // 2 if gap else width
            return [_exact(states[start : start + across], gap) for start in range(0, cells, across)]
        looks = self._looks(store.state, cells, share)
        return [_joined(looks[start : start + width]) for start in range(0, cells, width)]

    def _looks(self, states: bytearray, cells: int, share: int) -> list[Look]:
        """The cells' looks. Those that can change no more are remembered, those not begun are alike."""
        if self._share != share:
            self._share = share
            self._settled.clear()
        begun = min(cells, ceil(len(states.rstrip(bytes((State.QUEUED,)))) / share))
        looks: list[Look] = []
        for cell in range(begun):
            look = self._settled.get(cell)
            if look is None:
                bucket = states[cell * share : (cell + 1) * share]
                look = _bucket(bucket, share)
                if len(bucket) == share and not any(bucket.count(state) for state in _OPEN):
                    self._settled[cell] = look
            looks.append(look)
        return looks + [(_SHADES[0], "queued")] * (cells - begun)


def _exact(states: bytes, gap: str) -> Line:
    return tuple(
        ((GLYPHS[State(number)] + gap) * len(list(run)), STATE_ROLES[State(number)])
        for number, run in groupby(states)
    )


def _joined(looks: Sequence[Look]) -> Line:
    return tuple((glyph * len(list(run)), role) for (glyph, role), run in groupby(looks))


def _bucket(states: bytearray, share: int) -> Look:
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
