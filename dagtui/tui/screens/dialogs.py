"""The short questions at the lower edge: the run stays in view, and goes on, while they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dagtui.core.text import visible


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: the key that gives it and what it means."""

    key: str
    words: str


class Question(ModalScreen[str]):
    """Asks for one key. Answers with the key, or with an empty string for Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="question.back")]

    def __init__(self, text: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._text = text
        self._choices = {choice.key: choice for choice in choices}

    def compose(self) -> ComposeResult:
        """The sentence and the keys."""
        with Vertical(classes="dialog"):
            yield Static(Content(visible(self._text)), classes="dialog-text")
            yield Static(self._keys(), classes="dialog-keys")

    def on_key(self, event: events.Key) -> None:
        """Take the answer."""
        for key in (event.key, event.character):
            if key in self._choices:
                event.stop()
                self.dismiss(key)
                return

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss("")

    def _keys(self) -> Content:
        parts: list[Content | str] = []
        for choice in self._choices.values():
            name = "Ctrl+C" if choice.key == "ctrl+c" else choice.key
            parts += [
                Content.styled(f" {name} ", "$accent bold"),
                Content.styled(f"{choice.words}   ", "$foreground"),
            ]
        parts += [Content.styled(" Esc ", "$accent bold"), Content.styled("back", "$foreground")]
        return Content.assemble(*parts)


class Entry(ModalScreen["str | None"]):
    """Asks for a line of text. Answers with it, or with None for Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="entry.back")]

    def __init__(self, label: str, value: str, hint: str, restrict: str | None = None) -> None:
        super().__init__()
        self._label, self._value, self._hint, self._restrict = label, value, hint, restrict

    def compose(self) -> ComposeResult:
        """The label, the field and what Enter does."""
        with Vertical(classes="dialog"):
            with Horizontal(classes="dialog-line"):
                yield Static(Content(visible(self._label)), classes="dialog-label")
                yield Input(
                    self._value, compact=True, restrict=self._restrict, select_on_focus=False, id="entry-field"
                )
            yield Static(Content(visible(self._hint)), classes="dialog-keys")

    def on_key(self, event: events.Key) -> None:
        """What was typed before the field was there belongs into it."""
        if event.character and event.is_printable and not self.query("Input:focus"):
            event.stop()
            self.add(event.character)

    def add(self, text: str) -> None:
        """Add `text` to what is being typed, whether or not the field is there yet."""
        if fields := self.query(Input):
            fields.first().insert_text_at_cursor(text)
        else:
            self._value += text

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers."""
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)
