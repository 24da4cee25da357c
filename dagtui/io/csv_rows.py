"""Rows of CSV and TSV. Strict: a row with other cells than the header is an error, never filled up."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from dagtui.core.errors import BadInput
from dagtui.core.model import RowError
from dagtui.core.text import named
from dagtui.io.lines import LINE_CAP, ByteLines
from dagtui.io.rows import OURS, Row, undecodable

_GUARDED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")


def csv_rows(lines: ByteLines, delimiter: str) -> Iterator[Row]:
    """One row a record of a CSV file; the first one holds the names. A record's line is its first one.

    Raises:
        BadInput: the header is unusable, a quote is never closed, or a line is longer than the cap.
    """
    if csv.field_size_limit() < LINE_CAP:
        csv.field_size_limit(LINE_CAP)  # of the whole process; there is no other way
    feed = _CsvFeed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    ours = False
    while True:
        line = feed.begin()
        cells: list[str] = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise BadInput(f"{lines.name}:{line}: a quote opened at line {line} is never closed.") from None
            fault = f"{lines.name}:{lines.number}: {_csv_reason(str(error), delimiter)}"
        else:
            if not cells or (len(cells) == 1 and cells[0].isspace()):
                continue
            fault = feed.fault
        if header is None:
            if fault:
                raise BadInput(f"{fault}.")
            ours = any(cell.startswith(OURS) for cell in cells)
            header = _header(cells if not ours else list(map(unguarded, cells)), lines.name, line)
        elif fault:
            yield RowError(line, fault)
        elif len(cells) != len(header):
            amount = f"{len(cells)} cell{'s' if len(cells) != 1 else ''} where the header has {len(header)}"
            yield RowError(line, f"{lines.name}:{line}: {amount}")
        else:
            yield line, dict(zip(header, map(unguarded, cells) if ours else cells, strict=True))


def unguarded(cell: str) -> str:
    """A cell of a file that dagtui wrote, without the quote that keeps a spreadsheet from obeying it."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


class _CsvFeed:
    """Lines for the csv module, as text. `fault` is what was wrong with a line of the current record."""

    def __init__(self, lines: ByteLines) -> None:
        self._lines = lines
        self._source = iter(lines)
        self._held = 0
        self._first = 1
        self.fault = ""

    def begin(self) -> int:
        """A new record begins; the number of its first line."""
        self._held = 0
        self.fault = ""
        self._first = self._lines.number + 1
        return self._first

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = next(self._source)
        name = self._lines.name
        if raw is None:
            raise BadInput(f"{name}:{self._lines.number}: the line is longer than {LINE_CAP >> 20} MB.")
        self._held += len(raw)
        if self._held > LINE_CAP:
            raise BadInput(
                f"{name}:{self._first}: the record is longer than {LINE_CAP >> 20} MB; "
                f"perhaps a quote opened at line {self._first} is never closed."
            )
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            self.fault = self.fault or undecodable(name, self._lines.number, error)
            return raw.decode(errors="replace")


def _header(cells: list[str], name: str, line: int) -> list[str]:
    header = [cell.strip() or f"column_{number}" for number, cell in enumerate(cells, 1)]
    first: dict[str, int] = {}
    for number, title in enumerate(header, 1):
        if title in first:
            both = f"the columns {first[title]} and {number} are both named"
            raise BadInput(f'{name}:{line}: {both} "{named(title)}"; rename one.')
        first[title] = number
    return header


def _csv_reason(message: str, delimiter: str) -> str:
    if "expected after" in message:
        shown = "a tab" if delimiter == "\t" else f'"{delimiter}"'
        return f'text follows a closing quote; write "" for a quote inside a cell, and {shown} between cells'
    if "new-line character" in message:
        return "a carriage return stands inside a cell without quotes; put the cell in quotes"
    return message
