"""Result files: one row a record, written as records end, in the order in which they end.

A file is written under its final name from the first row on, so a run that is killed leaves what it paid for. An
older file of that name is kept until then.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias, cast, get_args

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError, nearest
from dagtui.core.events import Event, RecordEnded
from dagtui.core.model import RowError
from dagtui.io.cells import cell, json_line
from dagtui.io.json_rows import json_rows
from dagtui.io.lines import open_lines
from dagtui.io.rows import Fields
from dagtui.io.summary import FAILURE_COLUMNS, OUR_COLUMNS, Answers, failure_of, status_of, summary_of

OutputFormat: TypeAlias = Literal["csv", "tsv", "jsonl"]
OUTPUT_FORMATS: tuple[str, ...] = get_args(OutputFormat)

FLUSH_ROWS = 200
FLUSH_S = 1.0
"""Rows are handed to the system at either, counted in the time of the events."""


class ResultsWriter:
    """A sink that writes every record with its answers.

    The input's `columns` come first, then each dimension's fields, then `dagtui_` columns. A field keeps its plain
    name with a single dimension unless an input column has it, else it is called `dimension.field`.

    Cells that a spreadsheet would run as a formula get a leading quote, unless `guard_formulas` is off. In CSV and
    TSV a field of a record that is not in `columns` is left out; JSONL keeps it.

    Raises:
        ConfigError: the target cannot be written, or is the input itself (`source`).
    """

    essential = True

    def __init__(
        self,
        target: Path | TextIO,
        format: str,  # noqa: A002 - it reads as the flag does
        dag: Dag,
        columns: Sequence[str],
        *,
        source: Path | None = None,
        guard_formulas: bool = True,
    ) -> None:
        self._answers = Answers(dag, columns)
        header = (*columns, *self._answers.columns, *OUR_COLUMNS)
        self._file = _RowFile(target, format, header, source=source, guard=guard_formulas)

    def write(self, event: Event) -> None:
        """Write a row for a record that ended; other events are not for a file."""
        if isinstance(event, RecordEnded):
            row = {**event.record.fields, **self._answers.of(event.outcomes)}
            self._file.add({**row, **summary_of(event)}, event.time)

    def flush(self) -> None:
        """Write what is buffered."""
        self._file.flush()

    def close(self) -> None:
        """Write what is buffered and let go of the file."""
        self._file.close()


class FailuresWriter:
    """A sink that writes the records that did not fully succeed, in a form that is input again.

    There is no file until there is a failure.

    Raises:
        ConfigError: the path cannot be written, or is the input itself (`source`).
    """

    essential = True

    def __init__(
        self,
        path: Path,
        format: str,  # noqa: A002
        columns: Sequence[str],
        *,
        source: Path | None = None,
    ) -> None:
        self._file = _RowFile(path, format, (*columns, *FAILURE_COLUMNS), source=source, guard=True)

    def write(self, event: Event) -> None:
        """Write a row for a record of which some dimension has no answer."""
        if isinstance(event, RecordEnded) and status_of(event.outcomes) != "ok":
            self._file.add({**event.record.fields, **failure_of(event)}, event.time)

    def flush(self) -> None:
        """Write what is buffered."""
        self._file.flush()

    def close(self) -> None:
        """Write what is buffered and let go of the file."""
        self._file.close()


def convert(source_jsonl: Path, target: Path) -> int:
    """Turn a JSONL results file into CSV, TSV or JSONL, by the target's name; the number of rows.

    The target appears when it is complete.

    Raises:
        BadInput: the results cannot be read.
        ConfigError: the target's name tells no format, or it cannot be written.
    """
    kind = target.suffix.lower().lstrip(".").replace("ndjson", "jsonl")
    _checked_format(kind, f"{target}: ")
    columns: dict[str, None] = {}
    for row in _results(source_jsonl):
        columns.update(dict.fromkeys(row))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    writer = _RowFile(part, kind, _ours_last(columns), source=source_jsonl, guard=True)
    rows = 0
    try:
        _refuse_target(target, source_jsonl)
        for rows, row in enumerate(_results(source_jsonl), 1):  # noqa: B007 - the count is wanted
            writer.add(row, 0.0)
        writer.close()
        if rows:
            part.replace(target)
    finally:
        writer.close()
        part.unlink(missing_ok=True)
    if not rows:
        raise BadInput(f"{source_jsonl}: holds no results yet.")
    return rows


class _RowFile:
    """Rows with fixed columns in one of the formats, buffered."""

    def __init__(
        self,
        target: Path | TextIO,
        format: str,  # noqa: A002
        header: Sequence[str],
        *,
        source: Path | None,
        guard: bool,
    ) -> None:
        _checked_format(format)
        self._target = target
        self._stream: TextIO | None = None
        self._lines: Callable[[Mapping[str, Any]], str]
        self._title = ""
        if format == "jsonl":
            self._lines = json_line
        else:
            table = _Table("," if format == "csv" else "\t", header, guard)
            self._lines, self._title = table.line, table.title()
        if isinstance(target, Path):
            _refuse_target(target, source)
        self._buffer: list[str] = []
        self._flushed_at = 0.0

    def add(self, row: Mapping[str, Any], time: float) -> None:
        """Take one row; `time` is that of its event."""
        self._buffer.append(self._lines(row))
        if self._stream is None or len(self._buffer) >= FLUSH_ROWS or time - self._flushed_at >= FLUSH_S:
            self.flush()
            self._flushed_at = time

    def close(self) -> None:
        """Write the rest. A stream that was given stays open."""
        self.flush()
        if self._stream is not None and isinstance(self._target, Path):
            self._stream.close()

    def flush(self) -> None:
        """Hand the buffer to the system."""
        if not self._buffer:
            return
        if self._stream is None:
            self._stream = _create(self._target) if isinstance(self._target, Path) else self._target
            self._stream.write(self._title)
        self._stream.write("".join(self._buffer))
        self._buffer.clear()
        self._stream.flush()


class _Table:
    """Rows as CSV or TSV lines that end in LF."""

    def __init__(self, delimiter: str, header: Sequence[str], guard: bool) -> None:
        self._text = io.StringIO(newline="")
        # With CR LF as its line end the module also puts quotes around a lone CR in a cell.
        self._csv = csv.writer(self._text, delimiter=delimiter, lineterminator="\r\n")
        self._header = tuple(header)
        self._guard = guard

    def title(self) -> str:
        """The header line."""
        return self._row([cell(name, self._guard) for name in self._header])

    def line(self, row: Mapping[str, Any]) -> str:
        """The line for `row`."""
        return self._row([cell(row.get(name), self._guard) for name in self._header])

    def _row(self, cells: list[str]) -> str:
        self._csv.writerow(cells)
        line = self._text.getvalue()[:-2] + "\n"
        self._text.seek(0)
        self._text.truncate()
        return line


def _create(path: Path) -> TextIO:
    """Open for writing, empty, for this user's eyes only if it is new."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}.") from None
    # Half a character (a lone surrogate) has no UTF-8; in JSON its escape is exactly right.
    stream = os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")
    return cast(TextIO, stream)


def _refuse_target(target: Path, source: Path | None) -> None:
    """Say at once what would fail at the first row, when money has been spent."""
    folder = target.parent
    if target.is_dir():
        raise ConfigError(f"{target} is a folder; give a file in it.")
    if not folder.is_dir():
        raise ConfigError(f"{target}: there is no folder {folder}; make it, or choose another path.")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise ConfigError(f"{target}: may not be written by you; choose another path.")
    if source is not None and target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"{target} is the input itself and would be overwritten; choose another path.")


def _checked_format(name: str, where: str = "") -> None:
    if name not in OUTPUT_FORMATS:
        known = ", ".join(OUTPUT_FORMATS)
        raise ConfigError(
            f'{where}results cannot be written as "{name}"{nearest(name, OUTPUT_FORMATS)}; use {known}.'
        )


def _results(path: Path) -> Iterator[Fields]:
    lines = open_lines(path)
    try:
        for row in json_rows(lines):
            if isinstance(row, RowError):
                raise BadInput(f"{row.message}.")
            yield row[1]
    finally:
        lines.close()


def _ours_last(columns: Mapping[str, None]) -> tuple[str, ...]:
    """Our own columns stand last, even where a late record brought a field that no earlier one had."""
    ours = set(OUR_COLUMNS)
    return (*(name for name in columns if name not in ours), *(name for name in OUR_COLUMNS if name in columns))
