"""Answers that nobody has given yet: what fits a dimension's schema, small, plausible or large.

Their sizes tell what answers may cost, and they stand in for the answers that later questions read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal, cast

from dagtui.core.model import Value
from dagtui.core.plugin import Dimension
from dagtui.core.span import Span

Amount = Literal["least", "likely", "most"]
AMOUNTS: tuple[Amount, ...] = ("least", "likely", "most")

_TEXT = {"least": 8, "likely": 80}  # characters of a text field
_ITEMS = {"least": 0, "likely": 3, "most": 10}
_SHORTEST_TEXT, _FEW = 20.0, 3.0  # tokens of a plain text answer: a sentence, a word
_JSON_CHARACTERS = Span(5.0, 3.5, 3.0)  # of a token: names, quotes and braces are short ones
_PROSE_CHARACTERS = 4
_FORMATS = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "name@example.com",
    "uri": "https://example.com/",
}
_DEEPEST = 8  # schemas may run in circles

Schema = Mapping[str, Any]


def answer_tokens(dimension: Dimension, max_tokens: int) -> Span:
    """Tokens of an answer: at least what fits the schema and says little, at most `max_tokens`."""
    most = float(max_tokens)
    if dimension.output is None:
        return Span(_FEW, math.sqrt(_SHORTEST_TEXT * max(most, _SHORTEST_TEXT)), most).capped(most)
    schema = dimension.output.model_json_schema()
    least, likely = (len(json.dumps(_value(schema, schema, amount, 0, 0))) for amount in ("least", "likely"))
    span = Span(least / _JSON_CHARACTERS.low, likely / _JSON_CHARACTERS.likely, most)
    return span.capped(most)


def stand_in(dimension: Dimension, amount: Amount, max_tokens: int) -> Value:
    """An answer of that size, of at most about `max_tokens`."""
    longest = max_tokens * _PROSE_CHARACTERS
    if dimension.output is None:
        return _prose(min(longest, _TEXT.get(amount, longest)))
    schema = dimension.output.model_json_schema()
    texts = _texts(_value(schema, schema, amount, 1, 0))  # they share what the answer may have
    values = cast("dict[str, Any]", _value(schema, schema, amount, longest // max(1, texts), 0))
    try:
        return dimension.output.model_validate(values)
    except Exception:  # a pattern, or a validator of the user's own
        return dimension.output.model_construct(**values)


def _value(schema: Schema, root: Schema, amount: Amount, longest: int, depth: int) -> Any:
    """Something that fits `schema`; `longest` characters is what a text field may hold at most."""
    if depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _one_of(cast("list[Any]", schema["enum"]), amount)
    if "$ref" in schema:
        return _value(_look_up(schema["$ref"], root), root, amount, longest, depth + 1)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            branches = cast("list[Schema]", schema[several])
            found = next((b for b in branches if b.get("type") != "null"), branches[0])
            return _value(found, root, amount, longest, depth + 1)
    match schema.get("type"):
        case "object":
            members = cast("dict[str, Schema]", schema.get("properties", {}))
            return {name: _value(one, root, amount, longest, depth + 1) for name, one in members.items()}
        case "array":
            item = cast("Schema", schema.get("items", {}))
            some = _ITEMS[amount] if depth < _DEEPEST // 2 else 0
            wanted = min(max(some, schema.get("minItems", 0)), schema.get("maxItems", 1_000))
            return [_value(item, root, amount, longest, depth + 1) for _ in range(wanted)]
        case "number" | "integer" as kind:
            return _number(schema, whole=kind == "integer")
        case "boolean":
            return False
        case "string":
            return _text(schema, amount, longest)
        case _:
            return None


def _texts(value: object) -> int:
    """How many texts there are in `value`."""
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        return sum(map(_texts, cast("dict[str, object]", value).values()))
    return sum(map(_texts, cast("list[object]", value))) if isinstance(value, list) else 0


def _one_of(options: list[Any], amount: Amount) -> Any:
    """The shortest, the middle or the longest."""
    place = {"least": 0, "likely": len(options) // 2, "most": len(options) - 1}
    return sorted(options, key=lambda option: len(str(option)))[place[amount]]


def _text(schema: Schema, amount: Amount, longest: int) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    wanted = _TEXT.get(amount, longest)
    return _prose(min(max(wanted, schema.get("minLength", 0)), schema.get("maxLength", wanted)))


def _prose(characters: int) -> str:
    return ("and so on " * (characters // 10 + 1))[:characters]


def _number(schema: Schema, *, whole: bool) -> float:
    """Between the bounds that there are, and as long as such numbers are written."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None and high is None:
        return 10 if whole else 0.85
    low = high - 10 if low is None else low
    high = low + 10 if high is None else high
    step = schema.get("multipleOf")
    value = low + (high - low) * (0.5 if whole else 0.85)
    if step:
        value = math.ceil(low / step) * step
    return round(value) if whole else round(value, 2)


def _look_up(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part, {})
    return cast("Schema", found)
