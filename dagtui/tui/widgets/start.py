"""The button that starts a run."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static


class StartButton(Static, can_focus=True):
    """Enter or a click presses it. Textual's Button has more style rules than all of this program's screens."""

    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Start", show=False, id="start.press")]

    class Pressed(Message):
        """The button was pressed."""

    def action_press(self) -> None:
        """Tell that it was pressed."""
        self.post_message(self.Pressed())

    def on_click(self, event: events.Click) -> None:
        """The same."""
        event.stop()
        self.action_press()
