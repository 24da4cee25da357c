"""Prompt templates: text with `{field}` placeholders, and nothing that a placeholder could compute."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from string import Formatter
from typing import Any, cast

from dagtui.core.errors import BadInput, ConfigError, nearest

_NAME = re.compile(r"\w(?:[\w -]*\w)?(?:\.\w(?:[\w -]*\w)?)*")
_MISSING = object()


class Template:
    """A parsed template; `{{` and `}}` stand for braces. `names` are its placeholders, each once, in order.

    Raises:
        ConfigError: a placeholder is something else than a name, perhaps with dots.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts: list[tuple[str, str | None]] = []
        try:
            for literal, name, spec, conversion in Formatter().parse(text):
                if name is not None:
                    _check(name, spec or "", conversion or "")
                parts.append((literal, name))
        except ValueError as error:
            raise ConfigError(
                f"The prompt has a brace without its partner ({error}); write {{{{ or }}}} for a brace."
            ) from None
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
            quoted = " and ".join(f'"{name}"' for name in self.names)
            raise BadInput(f"The record has nothing to ask about: {quoted} is blank.")
        return "".join(written)


def _check(name: str, spec: str, conversion: str) -> None:
    shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
    if not name and not shown:
        raise ConfigError("The prompt has a placeholder without a name, {}; write {field}, or {{}} for braces.")
    if spec or conversion or not _NAME.fullmatch(name):
        begin = shown if len(shown) < 60 else shown[:59] + "…"
        raise ConfigError(
            f"The placeholder {{{begin}}} is not the name of a field; "
            "write the name alone, or {{ and }} if the braces are meant as they are."
        )


def _shown(name: str, values: Mapping[str, Any]) -> str:
    value = _look_up(name, values)
    if value is _MISSING:
        raise BadInput(f'The record has no field "{name}"{nearest(name, map(str, values))}.')
    if value is None:
        raise BadInput(f'The field "{name}" of the record is null.')
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
