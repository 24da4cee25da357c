"""A file of rows: whole rows only, in one of the formats, and never over what somebody wants to keep."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias, get_args

from dagtui.core.errors import ConfigError, DagtuiError, TargetExists, nearest
from dagtui.core.figures import size
from dagtui.io.cells import cell, json_line

OutputFormat: TypeAlias = Literal["csv", "tsv", "jsonl"]
OUTPUT_FORMATS: tuple[str, ...] = get_args(OutputFormat)

FLUSH_ROWS = 200
"""Rows after which whoever fills a file should flush it."""


class RowFile:
    """Rows with fixed columns in one of the formats, buffered. There is no file until the first flush.

    Raises:
        ConfigError: the target cannot be written, or is the input itself (`source`).
        TargetExists: it holds something, and `overwrite` is off.
    """

    def __init__(
        self,
        target: Path | TextIO,
        format: str,  # noqa: A002 - it reads as the flag does
        header: Sequence[str],
        *,
        source: Path | None,
        overwrite: bool,
        guard: bool = True,
    ) -> None:
        checked_format(format)
        self._line: Callable[[Mapping[str, Any]], str] = json_line
        self._title = ""
        if format != "jsonl":
            table = _Table("," if format == "csv" else "\t", header, guard)
            self._line, self._title = table.line, table.title()
        if isinstance(target, Path):
            refuse_target(target, source, overwrite=overwrite)
        self._out = _Disk(target) if isinstance(target, Path) else _Stream(target)
        self._rows: list[str] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row; it waits for `flush`."""
        self._rows.append(self._line(row))

    @property
    def waiting(self) -> int:
        """Rows that were not handed to the system yet."""
        return len(self._rows)

    def flush(self) -> None:
        """Hand the rows to the system.

        Raises:
            DagtuiError: they could not be written; they are kept, and the next flush tries again.
        """
        if not self._rows:
            return
        try:
            self._out.write(self._title + "".join(self._rows))
        except OSError as error:
            count = len(self._rows)
            rows = f"{count:,} row{'s' if count != 1 else ''} could not be written"
            raise DagtuiError(f"{self._out.name}: {rows}: {error.strerror or error}.") from None
        self._title = ""
        self._rows.clear()

    def close(self) -> None:
        """Write the rest and let go of the file. A stream that was given stays open.

        Raises:
            DagtuiError: the rest could not be written, and is lost.
        """
        try:
            self.flush()
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self._out.close()
        except OSError as error:
            raise DagtuiError(
                f"{self._out.name}: cannot be written to its end: {error.strerror or error}."
            ) from None


class _Stream:
    """A stream that was given."""

    def __init__(self, stream: TextIO) -> None:
        self.name = str(getattr(stream, "name", "the results")).strip("<>").replace("stdout", "standard output")
        self._stream = stream

    def write(self, text: str) -> None:
        # A lone surrogate has no UTF-8; see _Disk.
        self._stream.write(text.encode("utf-8", "backslashreplace").decode())
        self._stream.flush()

    def close(self) -> None:
        """It is not ours to close."""


class _Disk:
    """A file that holds whole writes only: what does not fit is taken back."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._file: io.FileIO | None = None
        self._end = 0

    def write(self, text: str) -> None:
        if self._file is None:
            self._file = _create(self._path)
        # Half a character (a lone surrogate) has no UTF-8; in JSON its escape is exactly right.
        data = left = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError:
            with suppress(OSError):  # a device cannot take back
                self._file.seek(self._end)
                self._file.truncate()
            raise
        self._end += len(data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


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


def _create(path: Path) -> io.FileIO:
    """Open for writing, empty, for this user's eyes only if it is new."""
    try:
        return io.FileIO(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}.") from None


def refuse_target(target: Path, source: Path | None, *, overwrite: bool) -> None:
    """Say at once what would fail at the first row, when money has been spent.

    Raises:
        ConfigError: `target` cannot be written, or is the input itself (`source`).
        TargetExists: it holds something, and `overwrite` is off.
    """
    folder = target.parent
    if target.is_dir():
        raise ConfigError(f"{target} is a folder; give a file in it.")
    if not folder.is_dir():
        raise ConfigError(f"{target}: there is no folder {folder}; make it, or choose another path.")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise ConfigError(f"{target}: may not be written by you; choose another path.")
    if source is not None and target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"{target} is the input itself and would be overwritten; choose another path.")
    if not overwrite and target.is_file() and (held := target.stat().st_size):
        raise TargetExists(
            f"{target} exists already ({size(held)}); choose another name, or add --overwrite to replace it."
        )


def checked_format(name: str, where: str = "") -> None:
    """Raise ConfigError unless results can be written in the format `name`."""
    if name not in OUTPUT_FORMATS:
        known = ", ".join(OUTPUT_FORMATS)
        raise ConfigError(
            f'{where}results cannot be written as "{name}"{nearest(name, OUTPUT_FORMATS)}; use {known}.'
        )
