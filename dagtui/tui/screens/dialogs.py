"""The short questions at the lower edge: the run stays in view, and goes on, while they are asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dagtui.core.text import visible

_NAMES = {"ctrl+c": "Ctrl+C", "enter": "Enter"}


def converse(node: DOMNode, about: str, conversation: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have a worker of `node` ask, unless it asks `about` that already: a key may come twice before a dialog."""
    if not any(one.group == about and one.node is node and not one.is_finished for one in node.workers):
        node.run_worker(conversation(), group=about)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: the key that gives it and what it means."""

    key: str
    words: str


class Question(ModalScreen[str]):
    """Asks for one key. Answers with the key, or with an empty string for Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Back", id="question.back")]

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
            name = _NAMES.get(choice.key, choice.key)
            parts += [
                Content.styled(f" {name} ", "$accent bold"),
                Content.styled(f"{choice.words}   ", "$foreground"),
            ]
        parts += [Content.styled(" Esc ", "$accent bold"), Content.styled("back", "$foreground")]
        return Content.assemble(*parts)


class Entry(ModalScreen["str | None"]):
    """Asks for a line of text. Answers with it, or with None for Esc.

    `refuse` says in a sentence why a text cannot be taken, or nothing; the question stays until one can.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="entry.back")]

    def __init__(
        self,
        label: str,
        value: str,
        hint: str,
        restrict: str | None = None,
        refuse: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__()
        self._label, self._value, self._hint, self._restrict = label, value, hint, restrict
        self._refuse = refuse
        self._refused = ("", "")  # a text, and the sentence that says why it cannot be taken
        self._there = False
        self._seen: events.Key | None = None

    def compose(self) -> ComposeResult:
        """The label, the field and what Enter does."""
        with Vertical(classes="dialog"):
            with Horizontal(classes="dialog-line"):
                yield Static(Content(visible(self._label)), classes="dialog-label")
                yield _Field(compact=True, restrict=self._restrict, select_on_focus=False, id="entry-field")
            yield Static(self._told(), classes="dialog-keys", id="entry-hint")

    def field_is_there(self) -> str:
        """Called by the field when it can take keys; returns what was typed until then."""
        self._there = True
        return self._value

    def on_key(self, event: events.Key) -> None:
        """What was typed before the field had the focus is meant for it."""
        self._seen = event
        if not self.query("Input:focus") and self.type(event):
            event.stop()

    def catch(self, event: events.Key) -> bool:
        """Take a key that was on its way elsewhere when this came up; whether it was one for it."""
        return event is not self._seen and self.type(event)

    def type(self, event: events.Key) -> bool:
        """Take a key that came before the field could; whether it was one for it."""
        if event.key == "enter":
            self._answer(self.query_one(Input).value if self._there else self._value)
        elif event.character and event.is_printable and self._there:
            self.query_one(Input).insert_text_at_cursor(event.character)
        elif event.character and event.is_printable:
            self._value += event.character
        else:
            return False
        return True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers."""
        self._answer(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was refused is being corrected."""
        if (
            self._refused[1] and event.input.value.strip() != self._refused[0]
        ):  # later than the event's, in a burst
            self._refused = ("", "")
            self.query_one("#entry-hint", Static).update(self._told())

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    def _answer(self, text: str) -> None:
        text = text.strip()
        problem = self._refuse(text) if self._refuse and text else ""
        if not problem:
            self.dismiss(text or None)
            return
        self._refused = (text, problem)
        for hint in self.query("#entry-hint").results(Static):  # none, if the key came before the field
            hint.update(self._told())

    def _told(self) -> Content:
        problem = self._refused[1]
        if not problem:
            return Content(visible(self._hint))
        return Content.assemble(Content.styled(f"✖ {visible(problem)}", "$error"), "  Esc goes back.")


class _Field(Input):
    """The field of an `Entry`."""

    def on_mount(self) -> None:
        """Take over what was typed while it was made."""
        assert isinstance(self.screen, Entry)
        self.value = self.screen.field_is_there()
        self.cursor_position = len(self.value)
