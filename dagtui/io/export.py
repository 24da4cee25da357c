"""Result files: one row a record, written as records end, in the order in which they end.

A file is written under its final name from the first row on, so a run that is killed leaves what it paid for. An
older file of that name is only replaced when that was asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TextIO

from dagtui.core.dag import Dag
from dagtui.core.errors import ConfigError, TargetExists
from dagtui.core.events import Event, RecordEnded, RecordReused, RunStarted
from dagtui.io.lines import open_lines
from dagtui.io.row_file import FLUSH_ROWS, OUTPUT_FORMATS, OutputFormat, RowFile, refuse_target
from dagtui.io.summary import FAILURE_COLUMNS, OUR_COLUMNS, REVISION, Answers, failure_of, status_of, summary_of

__all__ = ["OUTPUT_FORMATS", "FailuresWriter", "OutputFormat", "ResultsWriter", "refuse_target"]


class _RowSink:
    """What the two writers share: a file of rows that a run cannot do without."""

    essential = True
    wants: Collection[type[Event]] | None = (RecordEnded, RecordReused)

    def __init__(self, file: RowFile) -> None:
        self._file = file

    def flush(self) -> None:
        """Write what is buffered.

        Raises:
            DagtuiError: it could not be written; it is kept, and the next flush tries again.
        """
        self._file.flush()

    def close(self) -> None:
        """Write what is buffered and let go of the file.

        Raises:
            DagtuiError: it could not be written; how many rows and where.
        """
        self._file.close()


class ResultsWriter(_RowSink):
    """A sink that writes every record with its answers.

    The input's `columns` come first, then each dimension's fields, then `dagtui_` columns. A field keeps its plain
    name with a single dimension unless an input column has it, else it is called `dimension.field`.

    Cells that a spreadsheet would run as a formula get a leading quote, unless `guard_formulas` is off. In CSV and
    TSV a field of a record that is not in `columns` is left out; JSONL keeps it. `revision` tells the revision of
    a request's outcome; it is given where a run has more than one, and then they have a column.

    Raises:
        ConfigError: the target cannot be written, or is the input itself (`source`).
        TargetExists: it holds something, and `overwrite` is off.
    """

    def __init__(
        self,
        target: Path | TextIO,
        format: str,  # noqa: A002 - it reads as the flag does
        dag: Dag,
        columns: Sequence[str],
        *,
        source: Path | None = None,
        overwrite: bool = False,
        guard_formulas: bool = True,
        revision: Callable[[int], int] | None = None,
    ) -> None:
        self._answers = Answers(dag, columns)
        self._dag, self._revision = dag, revision
        self._ended: deque[RecordEnded | RecordReused] = deque()
        header = (*columns, *self._answers.columns, *OUR_COLUMNS, *((REVISION,) if revision else ()))
        super().__init__(RowFile(target, format, header, source=source, overwrite=overwrite, guard=guard_formulas))

    def write(self, event: Event) -> None:
        """Write a row for a record that ended; other events are not for a file."""
        if isinstance(event, RecordEnded | RecordReused):
            self._ended.append(event)
            if len(self._ended) >= FLUSH_ROWS:
                self.flush()

    def flush(self) -> None:
        """See `_RowSink`. Rows are made here: many in a row take less of the processor than one now and then."""
        broken: Exception | None = None
        while self._ended:
            event = self._ended.popleft()
            try:
                row = dict(event.record.fields)
                row |= self._answers.of(event.outcomes)
                row |= summary_of(event)
                if self._revision is not None:
                    row[REVISION] = self._revisions(event)
                self._file.add(row)
            except Exception as error:  # out of a user's own model; the others shall not suffer
                broken = broken or error
        super().flush()
        if broken is not None:
            raise broken

    def _revisions(self, event: RecordEnded | RecordReused) -> int | str:
        """Of a record whose questions were asked in several, all of them."""
        assert self._revision is not None
        first = self._dag.seq(event.record.index, 0)
        found = sorted({self._revision(seq) for seq in range(first, first + len(self._dag))})
        return found[0] if len(found) == 1 else " ".join(map(str, found))

    def close(self) -> None:
        """See `_RowSink`."""
        try:
            self.flush()
        finally:
            super().close()


class FailuresWriter(_RowSink):
    """A sink that writes the records that did not fully succeed, in a form that is input again.

    There is no file until there is a failure; with `overwrite`, one of an earlier run goes when this one starts.

    Raises:
        ConfigError: the path cannot be written, or is the input itself (`source`).
        TargetExists: it holds something, and `overwrite` is off or it is no failures file.
    """

    wants: Collection[type[Event]] | None = (RecordEnded, RecordReused, RunStarted)

    def __init__(
        self,
        path: Path,
        format: str,  # noqa: A002
        columns: Sequence[str],
        *,
        source: Path | None = None,
        overwrite: bool = False,
    ) -> None:
        header = (*columns, *FAILURE_COLUMNS)
        super().__init__(RowFile(path, format, header, source=source, overwrite=overwrite))
        self._old = path if path.is_file() and path.stat().st_size else None
        if self._old and not _is_failures_file(path):
            raise TargetExists(f"{path} exists and is no failures file of dagtui's; choose another --failures.")

    def write(self, event: Event) -> None:
        """Write a row for a record of which some dimension has no answer."""
        if isinstance(event, RecordEnded | RecordReused):
            if status_of(event.outcomes) != "ok":
                self.add(event)
        elif isinstance(event, RunStarted) and self._old:
            _remove(self._old)

    def add(self, event: RecordEnded | RecordReused) -> None:
        """Write a row for a record, whatever became of it."""
        self._file.add({**event.record.fields, **failure_of(event)})
        if self._file.waiting % FLUSH_ROWS == 0:
            self.flush()


def _is_failures_file(path: Path) -> bool:
    """Whether its first line names our columns, as a header or as the keys of an object."""
    lines = open_lines(path)
    try:
        first = next(iter(lines), None) or b""
    finally:
        lines.close()
    return all(name.encode() in first for name in FAILURE_COLUMNS)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be replaced: {error.strerror or error}.") from None
