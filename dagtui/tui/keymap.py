"""Keys of the user's own: which actions there are to give a key to, and whether a choice of keys can be."""

from __future__ import annotations

import pkgutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_TO_UNICODE_NAME, REPLACED_KEYS, Keys, format_key
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

import dagtui.tui
from dagtui.core.errors import ConfigError, nearest

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMED = frozenset(key.value for key in Keys) | {"enter", "space", "pageup", "pagedown"}


@dataclass(frozen=True, slots=True)
class Bound:
    """An action that can be given another key: where it is, the keys it has, and what it does."""

    id: str
    place: str
    keys: tuple[str, ...]
    words: str
    action: str


def owners() -> list[type[DOMNode]]:
    """Every class of ours that has keys."""
    for module in pkgutil.walk_packages(dagtui.tui.__path__, "dagtui.tui."):
        import_module(module.name)
    found: dict[str, type[DOMNode]] = {}
    for name, module in sorted(sys.modules.items()):
        if name.startswith("dagtui.tui."):
            for thing in vars(module).values():
                is_one = isinstance(thing, type) and issubclass(thing, DOMNode) and thing.__module__ == name
                if is_one and thing.__dict__.get("BINDINGS"):
                    found[f"{name}.{thing.__qualname__}"] = thing
    return list(found.values())


def bindings_of(owner: type[DOMNode]) -> list[Binding]:
    """The bindings that `owner` itself declares, one for each action and its keys."""
    return [binding for binding in owner.BINDINGS if isinstance(binding, Binding)]


def every_action() -> dict[str, Bound]:
    """Everything that can be given a key, by its id."""
    found: dict[str, Bound] = {}
    for owner in owners():
        for binding in bindings_of(owner):
            if binding.id and not binding.system:
                keys = tuple(key.strip() for key in binding.key.split(","))
                found.setdefault(
                    binding.id, Bound(binding.id, owner.__name__, keys, binding.description, binding.action)
                )
    return found


def check_keys(keys: Mapping[str, str], file_of: Callable[[str], Path]) -> None:
    """See to it that `keys` (keys by id) can be.

    Raises:
        ConfigError: there is no such action or key, or two actions of one screen would have the same key.
            `file_of` says which file gives an id its key.
    """
    known = every_action()
    for name, text in keys.items():
        where = f'{file_of(name)}: [keys] "{name}"'
        if name not in known:
            hint = nearest(name, known) or "; dagtui keys lists them"
            raise ConfigError(f"{where}: there is no such action{hint}.")
        default = ",".join(known[name].keys)
        if not all(key.strip() for key in text.split(",")):
            raise ConfigError(
                f'{where} is "{text}", but a key is needed, such as "{default}"; or leave the line out.'
            )
        for key in text.split(","):
            if not is_key(key.strip()):
                raise ConfigError(
                    f'{where} is "{text}", but there is no key "{key.strip()}"{nearest(key.strip(), _NAMED)}; '
                    f'keys are letters, "f5", "ctrl+up", "question_mark", several with commas between them.'
                )
    for owner in owners():
        if issubclass(owner, Screen):
            _refuse_clash(cast("type[Screen[Any]]", owner), keys, file_of)


def _refuse_clash(screen: type[Screen[Any]], keys: Mapping[str, str], file_of: Callable[[str], Path]) -> None:
    taken: dict[str, Binding] = {}
    together = list(on_screen(screen))
    for binding in sorted(together, key=lambda binding: binding.id in keys):  # the user's last, to name them
        text = keys.get(binding.id or "", binding.key)
        for key in (normal(key.strip()) for key in text.split(",")):
            other = taken.setdefault(key, binding)
            theirs = binding.id in keys or other.id in keys
            if theirs and other.id != binding.id and _action(other) != _action(binding):
                raise ConfigError(
                    f'{file_of(binding.id or "")}: [keys] "{binding.id}" is "{text}", but {format_key(key)} is '
                    f'the key of "{other.id}" ({other.description}) on the same screen; give one of them another.'
                )


def on_screen(screen: type[Screen[Any]]) -> Iterator[Binding]:
    """What can be bound at once where `screen` is shown: its own keys, those of its widgets, and the app's."""
    parts: list[type[DOMNode]] = [part for part in screen.__mro__ if issubclass(part, Screen)]
    for part in tuple(parts):
        if part.__module__.startswith("dagtui.tui"):
            # The widgets that a screen is made of are the ones that its module names.
            there = vars(sys.modules[part.__module__]).values()
            parts += [thing for thing in there if isinstance(thing, type) and issubclass(thing, Widget)]
    from dagtui.tui.app import DagtuiApp

    for part in dict.fromkeys(parts):
        if part.__module__.startswith("dagtui.tui") and (part in screen.__mro__ or not issubclass(part, Screen)):
            yield from _own(part)
    for part in DagtuiApp.__mro__:
        if part.__module__.startswith("dagtui.tui"):
            yield from (one for one in _own(part) if one.priority or not issubclass(screen, ModalScreen))


def _own(part: type) -> list[Binding]:
    return [bound for bound in part.__dict__.get("BINDINGS", ()) if isinstance(bound, Binding)]


def is_key(name: str) -> bool:
    """Whether a terminal may send a key of that name, such as `P`, `?`, `ctrl+up` or `question_mark`."""
    modifiers, _, key = name.rpartition("+") if len(name) > 1 else ("", "", name)
    if modifiers and not _MODIFIERS.issuperset(modifiers.split("+")):
        return False
    if len(key) == 1 or key in _NAMED:
        return key.isprintable() and not key.isspace()
    plain = REPLACED_KEYS.get(key, key)
    try:
        return bool(unicodedata.lookup(KEY_TO_UNICODE_NAME.get(plain, plain.replace("_", " ").upper())))
    except KeyError:
        return False


def normal(key: str) -> str:
    """`?` as `question_mark`, which is how bindings call it."""
    from textual.keys import _character_to_key  # pyright: ignore[reportPrivateUsage] - what set_keymap does too

    return _character_to_key(key) if len(key) == 1 else key


def _action(binding: Binding) -> str:
    return binding.action.removeprefix("app.")
