"""Values as the text of a CSV cell or a JSON line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from types import NoneType
from typing import Any, cast

from pydantic import TypeAdapter

# What a spreadsheet takes for the start of a formula, and what would be taken for our own guard before one.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_SIMPLE = frozenset({str, int, float, bool, NoneType, Decimal})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def cell(value: object, guard: bool = True) -> str:
    """`value` as a cell. Lists and objects are JSON; text that begins like a formula gets a leading quote."""
    match value:
        case None:
            return ""
        case str():
            text = value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case Decimal():
            return format(value, "f")
        case _:
            text = _dumps(value)
    return f"'{text}" if guard and _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def json_line(row: Mapping[str, Any]) -> str:
    """`row` as a JSON line. Numbers that JSON has not (NaN) are null."""
    kinds = set(map(type, row.values()))
    if kinds <= _SIMPLE:
        if Decimal in kinds:
            row = {name: _other(value) if type(value) is Decimal else value for name, value in row.items()}
        with suppress(ValueError):  # half a character, which only the slower way can write
            return _to_json(row).decode() + "\n"
    return _dumps(row) + "\n"


def _dumps(value: object) -> str:
    try:
        return _encode(value)
    except ValueError:
        return _encode(_finite(value))


def _other(value: object) -> Any:
    return float(value) if isinstance(value, Decimal) and value.is_finite() else str(value)


# A quarter of the json module's time; but it has its own mind about what is no plain value.
_to_json = TypeAdapter[Any](Any).serializer.to_json
# Made once: json.dumps makes an encoder for every call that has options.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_other).encode


def _finite(value: object) -> object:
    match value:
        case float():
            return value if value - value == 0 else None
        case Mapping():
            return {str(key): _finite(item) for key, item in cast(Mapping[object, object], value).items()}
        case list() | tuple():
            return [_finite(item) for item in cast(list[object], value)]
        case _:
            return value
