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
        self._there = False

    def compose(self) -> ComposeResult:
        """The label, the field and what Enter does."""
        with Vertical(classes="dialog"):
            with Horizontal(classes="dialog-line"):
                yield Static(Content(visible(self._label)), classes="dialog-label")
                yield _Field(compact=True, restrict=self._restrict, select_on_focus=False, id="entry-field")
            yield Static(Content(visible(self._hint)), classes="dialog-keys")

    def field_is_there(self) -> str:
        """Called by the field when it can take keys; returns what was typed until then."""
        self._there = True
        return self._value

    def on_key(self, event: events.Key) -> None:
        """What was typed before the field had the focus is meant for it."""
        if not self.query("Input:focus") and self.type(event):
            event.stop()

    def type(self, event: events.Key) -> bool:
        """Take a key that came before the field could; whether it was one for it."""
        if event.key == "enter":
            self.dismiss((self.query_one(Input).value if self._there else self._value).strip() or None)
        elif event.character and event.is_printable and self._there:
            self.query_one(Input).insert_text_at_cursor(event.character)
        elif event.character and event.is_printable:
            self._value += event.character
        else:
            return False
        return True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers."""
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)


class _Field(Input):
    """The field of an `Entry`."""

    def on_mount(self) -> None:
        """Take over what was typed while it was made."""
        assert isinstance(self.screen, Entry)
        self.value = self.screen.field_is_there()
        self.cursor_position = len(self.value)
