"""The visual language: one glyph and one colour role a state, a handful of roles for everything else.

Widgets name roles; the theme in force decides what they look like. Every state has its own glyph, so that nothing
depends on colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.color import ColorParseError
from rich.style import Style

from dagtui.core.store import State

if TYPE_CHECKING:
    from dagtui.core.snapshot import LogLevel

GLYPHS: dict[State, str] = {
    State.QUEUED: "·",
    State.IN_FLIGHT: "●",
    State.WAITING: "◐",
    State.SUCCEEDED: "■",
    State.FAILED: "✖",
    State.SKIPPED: "–",
    State.CANCELLED: "◌",
}
WORDS: dict[State, str] = {
    State.QUEUED: "queued",
    State.IN_FLIGHT: "in flight",
    State.WAITING: "waiting",
    State.SUCCEEDED: "done",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
    State.CANCELLED: "cancelled",
}
STATE_ROLES: dict[State, str] = {
    State.QUEUED: "queued",
    State.IN_FLIGHT: "running",
    State.WAITING: "waiting",
    State.SUCCEEDED: "done",
    State.FAILED: "failed",
    State.SKIPPED: "dim",
    State.CANCELLED: "dim",
}
LEVELS: dict[LogLevel, tuple[str, str]] = {
    "run": ("▸", "accent"),
    "retry": ("↻", "waiting"),
    "failure": ("✖", "failed"),
}
WARNING = "▲"

DEFAULTS: dict[str, str] = {
    "state-queued": "#8f98a5",
    "state-running": "#4ea1ff",
    "state-waiting": "#e0af68",
    "state-done": "#5fbf87",
    "state-failed": "#f7768e",
    "money": "#d7c07a",
    "chart": "#4ea1ff",
    "track": "#30343f",
    "dim": "#8e98a7",
    "frame": "#3a4150",
    "cursor": "#2b3550",
}
"""Theme variables of our own, and what they are where a theme does not say."""
LIGHT_DEFAULTS: dict[str, str] = {
    "state-queued": "#5c6574",
    "state-running": "#0b62c4",
    "state-waiting": "#925600",
    "state-done": "#19733f",
    "state-failed": "#b3123c",
    "money": "#7a5a00",
    "chart": "#0b62c4",
    "track": "#cfd6df",
    "dim": "#5b6575",
    "frame": "#bcc5d1",
    "cursor": "#d3e3f8",
}
"""The same on a light ground."""

_ROLES = {
    "text": "foreground",
    "dim": "dim",
    "accent": "accent",
    "warn": "warning",
    "queued": "state-queued",
    "running": "state-running",
    "waiting": "state-waiting",
    "done": "state-done",
    "failed": "state-failed",
    "money": "money",
    "chart": "chart",
    "track": "track",
}


class Palette:
    """Styles by role, made from the theme's variables. `+` after a role is bold, `@` lies on the cursor's line,
    and `!` is the cell that a cursor is on.

    With `plain`, where colours are few or none, that line is reversed.
    """

    def __init__(self, variables: Mapping[str, str], *, plain: bool = False) -> None:
        self._variables = variables
        self._plain = plain
        self._styles: dict[str, Style] = {}

    def style(self, role: str) -> Style:
        """The style of `role`, such as `failed`, `money+` or `dim@`."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self._make(role)
        return style

    def _make(self, role: str) -> Style:
        name = role.rstrip("+@!")
        ground = self._variable("cursor" if "@" in role and not self._plain else "background")
        reverse = "!" in role or ("@" in role and self._plain)
        style = self._coloured(self._variable("foreground" if reverse else _ROLES.get(name, "foreground")), ground)
        return style + Style(bold="+" in role or None, reverse=reverse or None)

    def _variable(self, name: str) -> str:
        return self._variables.get(name) or DEFAULTS.get(name, "")

    @staticmethod
    def _coloured(color: str, background: str) -> Style:
        try:
            return Style(color=color or None, bgcolor=background or None)
        except ColorParseError:  # such as "auto 87%", which only Textual understands
            return Style()


def style_of(role: str) -> str:
    """`role` as Textual's own text (`Content`) names its style; `+` after it is bold."""
    name = role.rstrip("+")
    return f"{'bold ' if '+' in role else ''}${_ROLES.get(name, 'foreground')}"
