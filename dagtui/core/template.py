"""Prompt templates: text with `{field}` placeholders, and nothing that a placeholder could compute."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from dagtui.core.errors import BadInput, ConfigError, nearest
from dagtui.core.text import named

# A doubled brace, a placeholder, or a brace that belongs to neither.
_PIECE = re.compile(r"(\{\{|\}\})|\{([^{}\n]*)\}|[{}]")
_MISSING = object()


class Template:
    """A parsed template; `{{` and `}}` stand for braces. `names` are its placeholders, each once, in order.

    A name may be any text without braces and line breaks that does not begin with a quote, as JSON does, and has
    no blank at its ends.

    Raises:
        ConfigError: a brace is no part of a placeholder, or a placeholder's name cannot be one.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts: list[tuple[str, str | None]] = []
        literal, place = "", 0
        for piece in _PIECE.finditer(text):
            literal += text[place : piece.start()]
            place = piece.end()
            if doubled := piece[1]:
                literal += doubled[0]
                continue
            parts.append((literal, _name(piece[2], text[piece.start() :])))
            literal = ""
        parts.append((literal + text[place:], None))
        self._parts = tuple(parts)
        self.names = tuple(dict.fromkeys(name for _, name in parts if name is not None))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with the values in place. Numbers, lists and objects are written as JSON.

        A name with dots is looked up as it is, then as a way into nested values. What a value holds is never
        read as a template again.

        Raises:
            BadInput: a value is missing or null, or all of them are blank: such a prompt is not worth its price.
        """
        written: list[str] = []
        blank = True
        for literal, name in self._parts:
            written.append(literal)
            if name is not None:
                value = _shown(name, values)
                blank = blank and not value.strip()
                written.append(value)
        if self.names and blank:
            quoted = " and ".join(f'"{named(name)}"' for name in self.names)
            raise BadInput(f"The record has nothing to ask about: {quoted} is blank.")
        return "".join(written)


def _name(name: str | None, rest: str) -> str:
    """The name of a placeholder; None is a brace that makes none. `rest` is the text from its brace on."""
    if name is None:
        begin = " ".join(rest[:40].split())
        raise ConfigError(
            f"The prompt has a brace without its partner, at {begin}; write {{{{ or }}}} for a brace."
        )
    if not name:
        raise ConfigError("The prompt has a placeholder without a name, {}; write {field}, or {{}} for braces.")
    if name != name.strip() or name[0] in "\"'":
        raise ConfigError(
            f"The placeholder {{{named(name)}}} is not the name of a field; "
            "write the name alone, or {{ and }} if the braces are meant as they are."
        )
    return name


def _shown(name: str, values: Mapping[str, Any]) -> str:
    value = _look_up(name, values)
    if value is _MISSING:
        raise BadInput(f'The record has no field "{named(name)}"{nearest(name, map(str, values))}.')
    if value is None:
        raise BadInput(f'The field "{named(name)}" of the record is null.')
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _look_up(name: str, values: Mapping[str, Any]) -> object:
    found: object = values.get(name, _MISSING)
    if found is not _MISSING or "." not in name:
        return found
    found = values
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return _MISSING
        found = cast(Mapping[str, object], found).get(part, _MISSING)
    return found
