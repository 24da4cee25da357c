"""A file (or standard input) as a stream of records.

The file is read twice: `scan` goes over all of it before anything is sent and paid for, then iterating streams it
in batches, read in a worker thread so that the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from dagtui.core.errors import BadInput, nearest
from dagtui.core.model import Record, RowError
from dagtui.core.text import named
from dagtui.io.csv_rows import csv_rows
from dagtui.io.formats import FORMATS, Entry, Format, list_candidates, sniff, sniff_delimiter
from dagtui.io.json_rows import array_rows, json_rows
from dagtui.io.lines import ByteLines, open_lines, pipe_lines
from dagtui.io.passes import Pass, id_columns
from dagtui.io.rows import OURS, Fields, Row, text_rows
from dagtui.io.summary import FAILURE_COLUMNS, OUR_COLUMNS
from dagtui.io.twice import told_twice

__all__ = ["BadRows", "Entry", "FileSource", "Format", "Scan", "list_candidates", "open_source"]

BadRows: TypeAlias = Literal["fail", "skip"]

_HEAD_ROWS = 100
_MOST_COLUMNS = 2_000


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over the whole source found. `records` and `size_bytes` are None for a pipe.

    `twice` says which ids stand more than once. Nothing but the user's own book-keeping goes by them, so such
    records are asked and written like others.
    """

    records: int | None
    bad: int
    first_bad: RowError | None
    columns: tuple[str, ...]
    size_bytes: int | None
    twice: str = ""


def open_source(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 - it reads as the flag does
    delimiter: str | None = None,
    bad_rows: BadRows = "fail",
    stdin: BinaryIO | None = None,
    copy: Path | None = None,
) -> FileSource:
    """Open a file of records; `-` is standard input, whose first row is waited for, and which is kept in `copy`.

    `format` (csv, tsv, jsonl, json, txt) and `delimiter` override what name and content say.

    Raises:
        BadInput: one sentence saying why this cannot be read as records.
    """
    if format is not None and format not in FORMATS:
        raise BadInput(f'There is no format "{format}"{nearest(format, FORMATS)}; choose {", ".join(FORMATS)}.')
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise BadInput(f"The delimiter is {delimiter!r}, but it must be one character, such as a comma.")
    if str(path) == "-":
        lines, stop = pipe_lines(stdin or sys.stdin.buffer, copy=copy)
        return FileSource(None, lines, stop, format, delimiter, bad_rows)
    path = Path(path)
    return FileSource(path, open_lines(path), _nothing, format, delimiter, bad_rows)


class FileSource:
    """A source of records. A file can be iterated any number of times, standard input once.

    A row that cannot be read is a `RowError` in the stream; with `bad_rows="fail"` the scan raises for it before
    the first record is sent.

    Attributes:
        path: the file; None for standard input.
        name: how messages call it.
        format: csv, tsv, jsonl, json or txt.
        columns: the fields of the records: a CSV file's header, else those of the first rows, in order.
    """

    def __init__(
        self,
        path: Path | None,
        lines: ByteLines,
        stop: Callable[[], None],
        wanted: str | None,
        delimiter: str | None,
        bad_rows: BadRows,
    ) -> None:
        self.path = path
        self.name = lines.name
        self.bad_rows: BadRows = bad_rows
        self._found: Scan | None = None
        first = Pass(lines, stop)
        try:
            head = lines.head()
            if not head.strip():
                raise BadInput(_emptiness(lines, head))
            self.format: Format = sniff(path.name if path else "", head, wanted)
            self.delimiter = delimiter or ("\t" if self.format == "tsv" else sniff_delimiter(head))
            first.rows = self._rows(lines)
            self.columns = self._learn(first)
        except BaseException:
            first.close()
            raise
        self._once = first if path is None else None
        if path is not None:
            first.close()

    def preview(self, n: int = 20) -> list[Record]:
        """The first records, at most `n`. Of a pipe, what has arrived by now; nothing is lost for the run."""
        reading = self._pass()
        if self.path is None:
            if len(reading.pending) < n and not reading.lines.idle():
                reading.pending += reading.batch(n - len(reading.pending))
            return [row for row in reading.pending if isinstance(row, Record)][:n]
        try:
            rows = map(reading.record, reading.rows)
            return list(islice((row for row in rows if isinstance(row, Record)), n))
        finally:
            reading.close()

    def scan(self) -> Scan:
        """Go over the whole file once, in bounded memory, and remember the result. Blocks.

        Raises:
            BadInput: the file cannot be read to its end, holds no record, or has a bad row that is not to be
                skipped.
        """
        if self._found is None:
            self._found = self._scanned() if self.path else Scan(None, 0, None, self.columns, None)
        return self._judged(self._found)

    def survey(self, look: Callable[[int, Fields], None]) -> Scan:
        """As `scan`, and on the way show `look` each record: its index and fields, those of ours among them.

        Standard input is read to its end, too. Blocks.

        Raises:
            BadInput: as `scan` does.
        """
        found = self._scanned(look)
        self._once = None
        if self.path:
            self._found = found
        return self._judged(found)

    def _judged(self, found: Scan) -> Scan:
        """`found`, unless it keeps a run from starting."""
        if found.first_bad and self.bad_rows == "fail":
            more = f" ({found.bad - 1:,} more cannot be read either)" if found.bad > 1 else ""
            raise BadInput(
                f"{found.first_bad.message}{more}. Correct it, or leave such rows out with --bad-rows skip."
            )
        if found.records == 0 and found.first_bad:
            raise BadInput(f"{self.name} holds no row that can be read; the first: {found.first_bad.message}.")
        return found

    def check(self) -> None:
        """Scan for the errors only; see `scan`."""
        self.scan()

    def rows(self) -> Iterator[Record | RowError]:
        """The rows of a file, one after the other, for whoever may wait for a disk. Blocks.

        Raises:
            BadInput: the file cannot be read any further.
        """
        reading = self._pass()
        try:
            while batch := reading.batch():
                yield from batch
        finally:
            reading.close()

    async def __aiter__(self) -> AsyncIterator[Record | RowError]:
        """Stream the rows, never more than a batch ahead of the consumer.

        Raises:
            BadInput: the file cannot be read any further, or standard input was read already.
        """
        reading = self._pass()
        self._once = None
        try:
            for row in reading.pending:
                yield row
            while batch := await asyncio.to_thread(reading.batch):
                for row in batch:
                    yield row
        finally:
            reading.close()

    def _pass(self) -> Pass:
        if self.path is None:
            if self._once is None:
                raise BadInput("Standard input can be read once only; put the records in a file.")
            return self._once
        lines = open_lines(self.path)
        reading = Pass(lines, _nothing)
        reading.rows = self._rows(lines)
        reading.ids = self._ids
        return reading

    def _rows(self, lines: ByteLines) -> Iterator[Row]:
        match self.format:
            case "csv" | "tsv":
                return csv_rows(lines, self.delimiter)
            case "jsonl":
                return json_rows(lines)
            case "json":
                return array_rows(lines)
            case "txt":
                return text_rows(lines)

    def _learn(self, first: Pass) -> tuple[str, ...]:
        """Read the first rows for the names of the columns; of a pipe the first row only, which is kept."""
        rows = list(islice(first.bounded(), _HEAD_ROWS if self.path else 1))
        if not rows:
            what = "has a header but no rows" if self.format in ("csv", "tsv") else "holds no records"
            raise BadInput(f"{self.name} {what}.")
        names = list(dict.fromkeys(name for row in rows if not isinstance(row, RowError) for name in row[1]))
        first.ids = self._ids = id_columns(names)
        if self.path is None:
            first.pending = [first.record(row) for row in rows]
        self._refuse_reserved(names)
        return tuple(name for name in names if not name.startswith(OURS))

    def _refuse_reserved(self, names: Iterable[str]) -> None:
        """The columns that dagtui wrote are left out of a run; a user's own would vanish with them."""
        ours = {name for name in names if name.startswith(OURS)}
        if ours and not ours.issuperset(FAILURE_COLUMNS) and not ours.issuperset(OUR_COLUMNS):
            raise BadInput(
                f'{self.name}: the name of the column "{named(min(ours))}" begins like those that dagtui adds; '
                "rename or remove it."
            )

    def _scanned(self, look: Callable[[int, Fields], None] | None = None) -> Scan:
        reading = self._pass()
        records = bad = 0
        first_bad: RowError | None = None
        columns = dict.fromkeys(self.columns)
        known = {*columns}
        hashes = array("q")
        key = self._ids[0] if self._ids[0] in known else None  # without a column of ids, rows are numbered
        try:
            for row in chain(map(_row, reading.pending), reading.rows):
                if isinstance(row, RowError):
                    bad += 1
                    first_bad = first_bad or row
                    continue
                if look is not None:
                    look(records, row[1])
                records += 1
                if key is not None:
                    given = row[1].get(key)
                    usual = given.__class__ is str and given != ""
                    hashes.append(hash(given if usual else reading.id_of(row[1], str(records + bad))))
                if not known.issuperset(row[1]) and len(known) < _MOST_COLUMNS:
                    known.update(row[1])
                    self._refuse_reserved(known)
                    columns.update((name, None) for name in row[1] if not name.startswith(OURS))
        finally:
            reading.close()
        if self.path is None:
            return Scan(records, bad, first_bad, tuple(columns), None)
        twice = told_twice(hashes, self._ids_and_lines)
        return Scan(records, bad, first_bad, tuple(columns), self.path.stat().st_size, twice)

    def _ids_and_lines(self) -> Iterator[tuple[str, int]]:
        reading = self._pass()
        try:
            for row in map(reading.record, reading.rows):
                if isinstance(row, Record):
                    yield row.id, row.line
        finally:
            reading.close()


def _emptiness(lines: ByteLines, head: bytes) -> str:
    """Blank lines may fill the whole first buffer, so look on before saying that the file is empty."""
    if all(line is not None and not line.strip() for line in lines):
        return f"{lines.name} is empty."
    return f"{lines.name} begins with {len(head):,} blank characters; remove them."


def _row(pending: Record | RowError) -> Row:
    return pending if isinstance(pending, RowError) else (pending.line, dict(pending.fields))


def _nothing() -> None:
    return None
