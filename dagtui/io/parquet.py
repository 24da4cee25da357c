"""Parquet files, by pyarrow where it is installed: `pip install 'dagtui[parquet]'`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, cast

from dagtui.core.errors import ConfigError

_GROUP = 20_000  # rows that are held at once
_TYPES = {bool: "bool_", int: "int64", float: "float64", str: "string"}
_INT64 = 2**63


def check_parquet() -> None:
    """Say at once what would fail after all rows are written.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    _part("pyarrow")


def write_parquet(rows: Path, target: Path) -> None:
    """Turn JSON lines into a Parquet file, for this user's eyes only.

    A column has the type that all its values have; where they differ, or are lists or objects, it holds text.
    """
    arrow, parquet = _part("pyarrow"), _part("pyarrow.parquet")
    kinds = _kinds(rows)
    schema = arrow.schema([(name, getattr(arrow, _TYPES.get(kind, "string"))()) for name, kind in kinds.items()])
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    lines = _lines(rows)
    with parquet.ParquetWriter(target, schema) as writer:
        while group := list(islice(lines, _GROUP)):
            found = [{name: _fitted(row.get(name), kind) for name, kind in kinds.items()} for row in group]
            writer.write_table(arrow.Table.from_pylist(found, schema=schema))


def _kinds(rows: Path) -> dict[str, type]:
    """The type of each column, in the order in which they first stand."""
    found: dict[str, type] = {}
    for row in _lines(rows):
        for name, value in row.items():
            kind = _kind(value)
            before = found.setdefault(name, kind)
            if kind is not before and kind is not type(None):
                number = {kind, before} == {int, float}
                found[name] = kind if before is type(None) else float if number else str
    return found


def _kind(value: Any) -> type:
    kind = cast("type[Any]", type(value))
    if kind is int and not -_INT64 <= value < _INT64:
        return str
    return kind if kind in _TYPES or value is None else str


def _fitted(value: Any, kind: type) -> Any:
    if value is None or type(value) is kind:
        return value
    if kind is float:
        return float(value)
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: Path) -> Iterator[dict[str, Any]]:
    with rows.open(encoding="utf-8", newline="\n") as file:
        yield from map(json.loads, file)


def _part(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ConfigError(
            "Parquet needs pyarrow, which is not installed: pip install 'dagtui[parquet]', or write CSV or JSONL."
        ) from None
