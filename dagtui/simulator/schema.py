"""JSON schemas as they stand in prompts: found in a text, and boiled down to what has to be filled in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

Schema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several listed values; the labels are their texts."""

    options: tuple[object, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two bounds, both allowed."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number between two bounds, both allowed, that is a multiple of `step`."""

    least: int
    most: int
    step: int


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Null:
    """Nothing; also where a schema runs in circles."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string of some characters, perhaps in a named format such as "date"."""

    least: int
    most: int
    format: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list of so many values."""

    item: Plan
    least: int
    count: int


@dataclass(frozen=True, slots=True)
class Fields:
    """An object: name, and what to fill in."""

    fields: tuple[tuple[str, Plan], ...]


Plan = Choice | Number | Integer | Boolean | Null | Text | Items | Fields


@dataclass(frozen=True, slots=True)
class Found:
    """A schema and the place in the text where it stood."""

    schema: Schema
    start: int
    end: int


_DECODER = json.JSONDecoder()


def find_schema(text: str) -> Found | None:
    """The last JSON object with "properties" or "$defs" in a text, inside no other object."""
    if '"properties"' not in text:
        return None
    found = None
    start = text.find("{")
    while start >= 0:
        end = start + 1
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and ("properties" in value or "$defs" in value):
            found = Found(cast("Schema", value), start, end)
        start = text.find("{", end)
    return found


def plan_of(schema: Schema) -> Plan:
    """What a schema asks for. Keywords that it does not know, such as pattern, are passed over."""
    return _plan(schema, schema, ())


def _plan(schema: Schema, root: Schema, path: tuple[str, ...]) -> Plan:
    """Plan one place; the path holds the references followed on the way to it."""
    if "const" in schema:
        return _choice([schema["const"]])
    listed = schema.get("enum")
    if isinstance(listed, list) and listed:
        return _choice(cast("list[object]", listed))
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return Null() if reference in path else _plan(_look_up(reference, root), root, (*path, reference))
    branches = [b for b in _list(schema, "anyOf") or _list(schema, "oneOf") if b.get("type") != "null"]
    if branches:
        if all("const" in branch for branch in branches):
            return _choice([branch["const"] for branch in branches])
        return _plan(branches[0], root, path)
    parts = _list(schema, "allOf")
    if parts:
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        return _plan({key: value for part in parts for key, value in part.items()} | rest, root, path)
    return _plain(schema, root, path)


def _plain(schema: Schema, root: Schema, path: tuple[str, ...]) -> Plan:
    match _type(schema):
        case "object":
            properties = _child(schema, "properties")
            return Fields(tuple((name, _plan(_child(properties, name), root, path)) for name in properties))
        case "array":
            least = int(_number(schema, "minItems", 0))
            count = int(min(max(least, 2), _number(schema, "maxItems", math.inf)))
            item = _plan(_child(schema, "items"), root, path)
            return Items(item, least, least if isinstance(item, Null) else count)
        case "number":
            return Number(*_bounds(schema, 0.0, 1.0))
        case "integer":
            return _integer(schema)
        case "boolean":
            return Boolean()
        case "null":
            return Null()
        case _:
            least = int(_number(schema, "minLength", 0))
            return Text(least, int(_number(schema, "maxLength", 1_000_000)), str(schema.get("format", "")))


def _choice(options: list[object]) -> Choice:
    return Choice(tuple(options), tuple(str(option) for option in options))


def _integer(schema: Schema) -> Integer:
    low, high = _bounds(schema, 0.0, 10.0)
    least, most = math.ceil(low), math.floor(high)
    if least == schema.get("exclusiveMinimum"):
        least += 1
    if most == schema.get("exclusiveMaximum"):
        most -= 1
    return Integer(least, most, max(1, int(_number(schema, "multipleOf", 1))))


def _bounds(schema: Schema, low: float, high: float) -> tuple[float, float]:
    """Smallest and largest value; a bound that is missing lies the default span away from the other one."""
    span = high - low
    floor = _number(schema, "minimum", _number(schema, "exclusiveMinimum", -math.inf))
    ceiling = _number(schema, "maximum", _number(schema, "exclusiveMaximum", math.inf))
    if math.isinf(floor):
        floor = low if ceiling > low else ceiling - span
    if math.isinf(ceiling):
        ceiling = high if floor < high else floor + span
    return floor, ceiling


def _type(schema: Schema) -> str:
    """The type that a schema asks for: of several the first that is not null, of none a guess."""
    declared = schema.get("type")
    if isinstance(declared, list):
        names = [name for name in cast("list[object]", declared) if isinstance(name, str) and name != "null"]
        declared = names[0] if names else "null"
    if isinstance(declared, str):
        return declared
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _number(schema: Schema, name: str, default: float) -> float:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _list(schema: Schema, name: str) -> list[Schema]:
    value = schema.get(name)
    if not isinstance(value, list):
        return []
    return [cast("Schema", item) for item in cast("list[object]", value) if isinstance(item, dict)]


def _child(schema: Schema, name: str) -> Schema:
    value = schema.get(name)
    return cast("Schema", value) if isinstance(value, dict) else {}


def _look_up(reference: str, root: Schema) -> Schema:
    """Follow a local reference such as "#/$defs/Category"; an unknown one allows anything."""
    place = root
    for step in reference.removeprefix("#").split("/")[1:]:
        place = _child(place, step.replace("~1", "/").replace("~0", "~"))
    return place
