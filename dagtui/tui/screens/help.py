"""The keys that work here, taken from the bindings themselves, so that the list cannot be wrong.

What is typed rather than bound, such as a number, the screens name themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dagtui.core.store import State
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WORDS
from dagtui.tui.widgets.scrolled import Scrolled

_COLUMN = 14


class HelpScreen(ModalScreen[None]):
    """Shows `typed` (keys and what they do), then `bindings`, grouped by the action that they lead to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1", "leave", "Back", id="help.back"),
    ]

    def __init__(
        self, bindings: Sequence[ActiveBinding], display: dict[str, str], typed: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__()
        self._typed = typed
        self._active = bindings
        self._display = display

    def compose(self) -> ComposeResult:
        """The keys, then the glyphs."""
        with Scrolled("keys", id="help"):
            yield Static(self._keys())
            yield Static(_legend(), id="help-legend")

    def action_leave(self) -> None:
        """Back to where help was asked for."""
        self.dismiss(None)

    def _keys(self) -> Content:
        keys: dict[str, list[str]] = {words: [key] for key, words in self._typed}
        for active in self._active:
            binding = active.binding
            if binding.id and binding.description and not binding.system:
                keys.setdefault(binding.description, []).append(self._display.get(binding.key, binding.key))
        lines = [
            Content.assemble(
                Content.styled(f"{' '.join(dict.fromkeys(names)):>{_COLUMN}}", "$accent bold"),
                Content.styled(f"   {description}\n", "$foreground"),
            )
            for description, names in keys.items()
        ]
        return Content.assemble(*lines)


def _legend() -> Content:
    parts: list[Content] = [Content.styled("states\n", "$dim")]
    for state in State:
        role = STATE_ROLES[state]
        color = f"$state-{role}" if role != "dim" else "$dim"
        parts.append(Content.styled(f"{GLYPHS[state]:>{_COLUMN}}", color))
        parts.append(Content.styled(f"   {WORDS[state]}\n", "$foreground"))
    return Content.assemble(*parts)
