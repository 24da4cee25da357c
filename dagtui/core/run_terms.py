"""What a run was set to, as rows for people: a report's last section, and what a comparison of two begins with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from dagtui.core.text import keyless, one_line

_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_MOST = 120  # characters of a value
_LEFT_OUT = frozenset(  # places of files, and what may hold a key
    {"path", "output", "failures", "journal", "format", "output_format", "metadata", "portkey_config", "prices"}
    | {"settings", "knobs", "parser", "remember", "model", "provider"}
)
_FIRST = ("file", "task", "gateway", "model", "provider", "concurrency", "attempts", "max_tokens", "temperature")


def terms_of(plan: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a session by name, from its `plan` and `recipe` as the journal keeps them, without secrets.

    What a run of several questions asks differently is told for each of them.
    """
    found: dict[str, Any] = {"file": str(plan.get("path", "")).replace("\\", "/").rsplit("/", 1)[-1]}
    found |= {name: value for name, value in plan.items() if name not in _LEFT_OUT}
    found |= _mapping(plan.get("settings"))
    for name, value in _mapping(plan.get("knobs")).items():
        found[f"simulator {name}"] = value
    asked = {name: _flat(_mapping(one)) for name, one in recipe.items()}
    for name in dict.fromkeys(name for one in asked.values() for name in one):
        values = {dimension: one.get(name) for dimension, one in asked.items()}
        if len({_shown(value) for value in values.values()}) == 1:
            found[name] = next(iter(values.values()))
        else:
            found |= {f"{dimension} {name}": value for dimension, value in values.items()}
    if found.get("automatic") is True:
        found["concurrency"] = f"auto, at most {found.get('ceiling')}"
    names = (*(name for name in _FIRST if name in found), *(name for name in found if name not in _FIRST))
    return {_words(name): _shown(found[name]) for name in names}


def told(terms: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The rows that say something: what was left at nothing is left out."""
    return tuple((name, value) for name, value in terms.items() if value not in ("none", "no", "", "{}"))


def max_tokens_of(recipe: Mapping[str, Any]) -> int | None:
    """The least `max_tokens` that a question of the run had."""
    numbers = [one.get("max_tokens") for one in map(_mapping, recipe.values())]
    return min((number for number in numbers if isinstance(number, int)), default=None)


def _flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of a model; the schema by its fields, the route left to the plan."""
    apart = ("parser", "route", "parameters", "schema")
    found = {name: value for name, value in asked.items() if name not in apart}
    found |= _mapping(asked.get("parameters"))
    schema = _mapping(asked.get("schema"))
    if fields := ", ".join(_mapping(schema.get("properties"))):
        found["answer"] = fields
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _words(name: str) -> str:
    return one_line(name.replace("_", " "), 40)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    text = ", ".join(f"{key} {_shown(one)}" for key, one in _mapping(value).items()) or str(value)
    return one_line(_USERINFO.sub("", keyless(text)), _MOST)
