"""Themes from TOML files: ours and the user's. A file that is wrong is told of and left out; it stops nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from dagtui.core.errors import nearest
from dagtui.tui.palette import DEFAULTS, LIGHT_DEFAULTS

DEFAULT_THEME = "dagtui-dark"
SHALLOW_THEME = "dagtui-high-contrast"
"""The default where there are sixteen colours or fewer."""
_COLORS = {
    "primary", "secondary", "warning", "error", "success", "accent",
    "foreground", "background", "surface", "panel", "boost",
}  # fmt: skip
_NUMBERS = {"luminosity_spread", "text_alpha"}
_FLAGS = {"dark", "ansi"}
_NAME = re.compile(r"[\w-]+", re.ASCII)  # the palette would take others for markup
_KEYS = {field.name for field in fields(Theme)}


class ThemeProblem(Exception):  # noqa: N818 - a sentence for the user, not a failure of the program
    """Why a theme file was left out."""


def load_themes(folders: Iterable[Path]) -> tuple[tuple[Theme, ...], tuple[str, ...]]:
    """The themes of `folders`, later ones winning over earlier ones of the same name, and what is wrong."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        here: dict[str, str] = {}
        for path in _theme_files(folder):
            try:
                theme = _theme(tomllib.loads(path.read_text("utf-8")))
                if twin := here.get(theme.name):
                    raise ThemeProblem(f'"name" is "{theme.name}", as in {twin}; give it another.')
            except ThemeProblem as problem:
                problems.append(f"Theme {path.name}: {problem}")
            except (OSError, ValueError, RecursionError) as error:
                problems.append(f"Theme {path.name}: it cannot be read ({error}).")
            else:
                themes[theme.name] = theme
                here[theme.name] = path.name
    return tuple(themes.values()), tuple(problems)


def _theme_files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.toml"))
    except OSError:
        return []


def _theme(content: dict[str, Any]) -> Theme:
    for key in content:
        if key not in _KEYS:
            raise ThemeProblem(f'unknown field "{key}"{nearest(key, _KEYS)}.')
    for key in ("name", "primary"):
        if key not in content:
            raise ThemeProblem(f'"{key}" is missing; add it.')
    if not _NAME.fullmatch(str(content["name"])):
        raise ThemeProblem(f'"name" is {content["name"]!r}, but letters, digits, _ and - make a name.')
    values = {key: _checked(key, value) for key, value in content.items()}
    ours = DEFAULTS if values.get("dark", True) else LIGHT_DEFAULTS  # of the roles that the file does not name
    values["variables"] = {**ours, **values.get("variables", {})}
    return Theme(**values)


def _checked(key: str, value: Any) -> Any:
    if key in _COLORS:
        return _color(key, value)
    if key == "variables":
        if not isinstance(value, dict):
            raise ThemeProblem('"variables" is not a table of names and values.')
        return {name: _variable(name, text) for name, text in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    wanted = bool if key in _FLAGS else float if key in _NUMBERS else str
    if not isinstance(value, wanted) and not (wanted is float and type(value) is int):
        needed = {bool: "true or false", float: "a number", str: "text"}[wanted]
        raise ThemeProblem(f'"{key}" is {value!r}, but {needed} is needed.')
    return value


def _variable(name: str, value: Any) -> str:
    if name not in (known := _variables()):
        raise ThemeProblem(f'unknown field "variables.{name}"{nearest(name, known)}.')
    if name in DEFAULTS:
        return Color.parse(_color(f"variables.{name}", value)).hex  # a form that line widgets know too
    if not isinstance(value, str):
        raise ThemeProblem(f'"variables.{name}" is {value!r}, but text is needed.')
    if value.startswith("#"):
        _color(f"variables.{name}", value)
    return value


@cache
def _variables() -> frozenset[str]:
    """The names that a theme may give: ours, and those that Textual makes of a theme's colours."""
    return frozenset(DEFAULTS) | frozenset(Theme("any", "#000000").to_color_system().generate())


def _color(key: str, value: Any) -> str:
    try:
        Color.parse(value)
    except (ColorParseError, TypeError, AttributeError):
        raise ThemeProblem(f'"{key}" is {value!r}, which is no colour; write it as "#rrggbb".') from None
    return value
