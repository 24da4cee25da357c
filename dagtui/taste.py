"""How a user wants the app to be: colours, keys, what it tells the terminal; and what it remembers of that."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from platformdirs import user_state_path

Notify = Literal["bell", "osc9", "both", "off"]


@dataclass(frozen=True, slots=True)
class Taste:
    """`theme` is None where nobody has chosen one. `keys` are keys by the id of the binding.

    `keep_theme` remembers a choice for the next start; None where something else decides what is used then.
    With `shallow`, the terminal has so few colours that shades of one become the same.
    `title` and `notify` say what the terminal is told: its title while a run goes on, and a sign at the end.
    """

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    title: bool = False
    notify: Notify = "off"
    keep_theme: Callable[[str], None] | None = None
    shallow: bool = False


PLAIN = Taste()


def taste_of(theme: str | None) -> Taste:
    """What the settings files and an earlier choice say; `theme` is the command line's.

    Raises:
        ConfigError: a settings file is wrong, or gives a key that cannot be.
    """
    from dagtui.io.config import load_config

    config = load_config(Path.cwd())
    chosen = theme or (config.theme if config is not None else None)
    keys = dict(config.keys) if config is not None else {}
    if keys:
        from dagtui.tui.keymap import check_keys  # loads every screen, which a start without keys need not

        check_keys(keys, lambda name: _file_of(name))
    asked = config.title if config is not None else None
    speaks = _speaks(os.environ)
    return Taste(
        theme=chosen or remembered_theme(),
        keys=keys,
        title=speaks and asked is not False and not os.environ.get("NO_TITLE"),
        notify=(config.notify if config is not None and config.notify else "bell") if speaks else "off",
        keep_theme=None if chosen else remember_theme,
        shallow=speaks and _is_shallow(),
    )


def _file_of(name: str) -> Path:
    from dagtui.io.config import file_that_sets

    return file_that_sets("keys", name, Path.cwd())


def _speaks(environ: Mapping[str, str]) -> bool:
    """Whether there is a terminal that takes more than text. Textual paints on stderr."""
    told = sys.__stdout__ is not None and sys.__stdout__.isatty()
    painted = sys.__stderr__ is not None and sys.__stderr__.isatty()
    return told and painted and environ.get("TERM", "dumb") != "dumb"


def _is_shallow() -> bool:
    from rich.console import Console  # what paints asks it too

    return Console(file=sys.__stderr__).color_system in (None, "standard", "windows")


def state_path() -> Path:
    """Where what the app remembers of itself lies."""
    return user_state_path("dagtui") / "screen.json"


def remembered_theme() -> str | None:
    """The theme that was chosen last; None where there is none, or nothing legible."""
    found = _state().get("theme")
    return found if isinstance(found, str) else None


def remember_theme(name: str) -> None:
    """Use `name` from the next start on.

    Raises:
        OSError: the state folder cannot be written.
    """
    path = state_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({**_state(), "theme": name}), "utf-8")
    temporary.replace(path)


def _state() -> dict[str, Any]:
    try:
        found: object = json.loads(state_path().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}
