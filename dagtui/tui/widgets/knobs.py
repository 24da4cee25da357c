"""The lines of the faults panel: a knob with its value, a scenario, the keys."""

from __future__ import annotations

from typing import Any

from dagtui.core.faults import FAULTS, Knob, ProviderState, Scene, is_unlimited
from dagtui.core.figures import clock
from dagtui.tui.sheet import Line, fit, length, spread, whole

VALUE = 9
"""Cells of a value."""


def knob_line(knob: Knob, state: ProviderState, width: int, asked: Any, typed: str | None, *, here: bool) -> Line:
    """`requests a minute ‹    3,000›*`: the value is confirmed, `asked` may not be yet, `typed` is on its way."""
    value, first = state.knobs.get(knob.name), state.first.get(knob.name)
    moved = value != first and not (is_unlimited(value) and is_unlimited(first))
    mark = "…" if asked != value else "*" if moved else " "
    shown = knob.shown(value) if typed is None else f"{typed}_"
    idle = shown in ("off", "lifted")
    role = "accent+" if typed is not None else "text+" if moved else "dim" if idle else "text"
    if moved and knob in FAULTS and not idle and typed is None:
        role = "warn+"
    left, right = ("‹", "›") if here else (" ", " ")
    return (
        (fit(knob.words, width - VALUE - 3), "text" if here or moved else "dim"),
        (left, "accent"),
        (f"{shown:>{VALUE}}", role),
        (right, "accent"),
        (mark, "accent"),
    )


def scene_line(scene: Scene, state: ProviderState, width: int) -> Line:
    """A scenario; of the one that is played, its time and the time to its next step."""
    if state.scenario != scene.name:
        return ((fit(scene.name, width), "text"),)
    ahead = "" if state.next_step_s is None else f" next {clock(state.next_step_s)}"
    right: Line = ((clock(state.elapsed_s), "text+"), (ahead, "dim"), (" ▶", "running+"))
    return spread(((scene.name, "text+"),), right, width)


def keys_line(width: int, *keys: tuple[str, str]) -> Line:
    """Keys and what they do, as many as fit."""
    return whole(
        width,
        *(
            ((f"{'  ' if number else ''}{key} ", "accent"), (words, "dim"))
            for number, (key, words) in enumerate(keys)
        ),
    )


def side_by_side(left: Line, right: Line, width: int) -> Line:
    """`left` in `width` cells, and `right` four cells after it."""
    return (*left, (" " * (width - length(left) + 4), "text"), *right)
