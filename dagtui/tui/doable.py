"""What can be done now: the active bindings, one an action. Footer, help and palette are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from textual.app import App
from textual.binding import ActiveBinding, Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

_MOVES = frozenset({"up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab"})


@dataclass(frozen=True, slots=True)
class Doable:
    """An action with the keys that lead to it, as they are shown. `key` is what a press of the first is called."""

    id: str
    action: str
    words: str
    key: str
    shown: tuple[str, ...]
    node: DOMNode
    enabled: bool
    in_footer: bool

    @property
    def moves(self) -> bool:
        """It moves a cursor or the focus, for which there is no other name than its key."""
        return self.key.rpartition("+")[2] in _MOVES

    @property
    def group(self) -> str:
        """What it belongs to: the first part of its id."""
        return self.id.partition(".")[0]


def doable(screen: Screen[Any]) -> list[Doable]:
    """What can be done on `screen` with the focus where it is, in the order in which it is declared.

    Actions without an id are Textual's own and left out. A key of the user's own stands where ours stood.
    """
    app = cast("App[Any]", screen.app)  # pyright: ignore[reportUnknownMemberType]
    active = screen.active_bindings.values()
    return _joined(app, sorted(active, key=_Declared().place))


def elsewhere(screen: Screen[Any]) -> list[Doable]:
    """What the widgets in view could do besides, if they had the focus."""
    app = cast("App[Any]", screen.app)  # pyright: ignore[reportUnknownMemberType]
    here = {entry.node for entry in screen.active_bindings.values()}
    found: list[ActiveBinding] = []
    for widget in screen.query(Widget):
        if widget.focusable and widget not in here and type(widget).__module__.startswith("dagtui"):
            bindings = widget._bindings.copy()  # pyright: ignore[reportPrivateUsage] - as Screen.active_bindings does
            bindings.apply_keymap(app._keymap)  # pyright: ignore[reportPrivateUsage]
            found += [ActiveBinding(widget, binding, True, "") for _, binding in bindings]
    return _joined(app, found)


def _joined(app: App[Any], active: Iterable[ActiveBinding]) -> list[Doable]:
    found: dict[tuple[str, str], Doable] = {}
    for node, binding, enabled, _ in active:
        if not binding.id or not binding.description or binding.system:
            continue
        # The app's own and a screen's key for it are one.
        name = binding.id, binding.action.removeprefix("app.")
        before = found.get(name)
        shown = before.shown if before is not None else ()
        # What ours is called on the screen is meant for the first of its keys.
        key = app.get_key_display(binding if before is None else binding.with_key(binding.key, key_display=None))
        if key.startswith("upper_"):  # what some terminals call a capital
            key = key.removeprefix("upper_").upper()
        found[name] = Doable(
            binding.id,
            binding.action,
            binding.description,
            before.key if before is not None else binding.key,
            shown if key in shown or key.startswith("upper_") else (*shown, key),  # another name of the same key
            before.node if before is not None else node,
            enabled,
            binding.show or (before is not None and before.in_footer),
        )
    return list(found.values())


class _Declared:
    """Where a binding stands among those of its node, whatever its key is now."""

    def __init__(self) -> None:
        self._places: dict[tuple[DOMNode, str | None], int] = {}
        self._nodes: dict[DOMNode, int] = {}

    def place(self, active: ActiveBinding) -> tuple[int, int]:
        node = active.node
        if node not in self._nodes:
            self._nodes[node] = len(self._nodes)
            for number, name in enumerate(_ids(node)):
                self._places.setdefault((node, name), number)
        return self._nodes[node], self._places.get((node, active.binding.id), 1000)


def _ids(node: DOMNode) -> Iterator[str | None]:
    declared: Iterable[tuple[str, Binding]] = node._bindings  # pyright: ignore[reportPrivateUsage] - before the keymap
    return (binding.id for _, binding in declared)
