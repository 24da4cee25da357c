"""The keys of the screen in its last line. One widget and one paint, where Textual's Footer is thirty of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, cast

from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from dagtui.tui.doable import Doable, doable

LAST = frozenset({"help", "app.help"})
"""The action that stands at the right edge, whatever a screen calls it: it leads to all the others."""
_KEY = "bold $footer-key-foreground"
_WORDS = "$footer-description-foreground"
_UNDER_POINTER = " on $cursor"


@dataclass(frozen=True, slots=True)
class Key:
    """A key that works here, what it does, and the cells of the line that it takes."""

    key: str
    shown: str
    words: str
    enabled: bool
    begin: int
    end: int


class Keys(Widget):
    """Shows the active bindings that are to be shown, as they are now. A click presses the key."""

    ALLOW_SELECT: ClassVar[bool] = False
    _pointed: reactive[str] = reactive("")
    """The key under the pointer."""

    def on_mount(self) -> None:
        """Follow the bindings: they change with the focus and with what may be done."""
        changed = self._here.bindings_updated_signal  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        changed.subscribe(self, self._changed)  # pyright: ignore[reportUnknownMemberType]

    def render(self) -> Content:
        """` key words ` for each."""
        parts: list[tuple[str, str]] = []
        end = 0
        for key in self._keys():
            parts += [(" " * (key.begin - end), ""), *self._spans(key)]
            end = key.end
        return Content.assemble(*parts)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press what is under the pointer."""
        key = self._at(event.x)
        if key is not None and key.enabled:
            self._dagtui.simulate_key(key.key)
        elif key is not None:
            self._dagtui.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Light up what a click would press."""
        key = self._at(event.x)
        self._pointed = key.key if key is not None and key.enabled else ""

    def on_leave(self) -> None:
        """Nothing is under the pointer any more."""
        self._pointed = ""

    def _changed(self, _: object) -> None:
        self.refresh()

    @property
    def _dagtui(self) -> App[int]:
        return cast("App[int]", self.app)  # pyright: ignore[reportUnknownMemberType]

    @property
    def _here(self) -> Screen[None]:
        return cast("Screen[None]", self.screen)  # pyright: ignore[reportUnknownMemberType]

    def _keys(self) -> Iterator[Key]:
        """One for each action, in the order of the bindings, as far as they fit whole; at the right edge, help."""
        shown = [able for able in doable(self._here) if able.in_footer]
        last = next((able for able in shown if able.action in LAST), None)
        room = self.size.width - (_cells(last) if last is not None else 0)
        begin = 0
        for able in shown:
            end = begin + _cells(able)
            if able is not last and end <= room:  # one that is too long makes no shorter one behind it go
                yield _key(able, begin)
                begin = end
        if last is not None:
            yield _key(last, max(0, room))

    def _spans(self, key: Key) -> tuple[tuple[str, str], tuple[str, str]]:
        more = "" if key.enabled else " dim"
        if key.key == self._pointed:
            more += _UNDER_POINTER
        return (f" {key.shown} ", _KEY + more), (f"{key.words} ", _WORDS + more)

    def _at(self, x: int) -> Key | None:
        return next((key for key in self._keys() if key.begin <= x < key.end), None)


def _key(able: Doable, begin: int) -> Key:
    return Key(able.key, able.shown[0], able.words, able.enabled, begin, begin + _cells(able))


def _cells(able: Doable) -> int:
    return cell_len(f" {able.shown[0]} {able.words} ")
