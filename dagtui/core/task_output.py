"""From the output table of a task file to the pydantic model that an answer must fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from dagtui.core.errors import ConfigError, nearest
from dagtui.core.settings import checked

_TYPES: dict[str, Any] = {"text": str, "number": float, "integer": int, "boolean": bool, "list": list[str]}
_NAME = re.compile(r"[A-Za-z]\w*")


class _FieldTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str | None = None
    values: tuple[str, ...] | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    description: str | None = None


T = TypeVar("T", bound=BaseModel)


def table(model: type[T], values: Mapping[str, Any], where: str) -> T:
    """`values` as `model`. A misspelt key is told before the key that is missing because of it.

    Raises:
        ConfigError: `where`, the key, and what is wrong with it.
    """
    for key in values:
        if key not in model.model_fields and model.model_config.get("extra") == "forbid":
            raise ConfigError(f'{where}: unknown setting "{key}"{nearest(key, model.model_fields)}.')
    return checked(model, values, where)


def output_model(name: str, output: Mapping[str, Any], where: str) -> type[BaseModel]:
    """The model for `output`: a field is a type, a list of the values that it may have, or a table.

    Raises:
        ConfigError: `where`, the field, and what is wrong with it.
    """
    if not output:
        raise ConfigError(f"{where} is empty; name at least one field, or remove it for a plain text answer.")
    fields: dict[str, Any] = {field: _field(field, spec, where) for field, spec in output.items()}
    title = "".join(part.capitalize() for part in re.split(r"\W|_", name)) or "Answer"
    return create_model(title, __config__=ConfigDict(protected_namespaces=()), **fields)


def _field(name: str, spec: object, where: str) -> tuple[Any, Any]:
    if not _NAME.fullmatch(name):
        raise ConfigError(f'{where}: "{name}" cannot be a field; use letters, digits and _, a letter first.')
    if hasattr(BaseModel, name):
        raise ConfigError(f'{where}: a field cannot be called "{name}"; choose another name, such as {name}_.')
    at = f"{where}.{name}"
    if isinstance(spec, str):
        shape = _FieldTable(type=spec)
    elif isinstance(spec, list):
        shape = checked(_FieldTable, {"values": spec}, at)
    elif isinstance(spec, dict):
        shape = table(_FieldTable, cast(dict[str, Any], spec), at)
    else:
        raise ConfigError(f"{at} is {spec!r}; give a type ({', '.join(_TYPES)}), a list of values, or a table.")
    return _type_of(shape, at), Field(..., description=shape.description, **_bounds(shape, at))


def _type_of(shape: _FieldTable, at: str) -> Any:
    if shape.type is not None and shape.type not in _TYPES:
        hint = nearest(shape.type, _TYPES)
        raise ConfigError(f'{at}: there is no type "{shape.type}"{hint}; choose {", ".join(_TYPES)}.')
    if shape.values is None:
        if shape.type is None:
            raise ConfigError(f'{at}: "type" or "values" is missing; add one.')
        return _TYPES[shape.type]
    if shape.type not in (None, "text", "list"):
        raise ConfigError(f'{at}: "values" go with text or list, not with {shape.type}.')
    if not shape.values:
        raise ConfigError(f"{at}: the list of values is empty; name what the field may be.")
    twice = [value for value in shape.values if shape.values.count(value) > 1]
    if twice:
        raise ConfigError(f'{at}: the value "{twice[0]}" stands twice; remove one.')
    choice = cast(Any, Literal)[shape.values]
    return list[choice] if shape.type == "list" else choice


def _bounds(shape: _FieldTable, at: str) -> dict[str, Any]:
    if shape.min is None and shape.max is None:
        return {}
    if shape.type not in ("number", "integer"):
        raise ConfigError(f'{at}: "min" and "max" go with number and integer only.')
    if shape.min is not None and shape.max is not None and shape.min > shape.max:
        raise ConfigError(f"{at}: min {shape.min} is above max {shape.max}.")
    exact = int if shape.type == "integer" else float
    for bound in (shape.min, shape.max):
        if bound is not None and (not bound.is_finite() or (Decimal(exact(bound)) != bound and exact is int)):
            raise ConfigError(f"{at}: {bound} is no bound for {shape.type}.")
    named = {"ge": shape.min, "le": shape.max}
    return {key: exact(bound) for key, bound in named.items() if bound is not None}
