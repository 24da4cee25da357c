"""One pass over a source: its open file, how far it got, and the records it makes of the rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence

from dagtui.core.model import Record, RowError
from dagtui.io.lines import ByteLines
from dagtui.io.rows import OURS, Fields, Row

BATCH_ROWS = 256
BATCH_BYTES = 4 * 1024 * 1024
"""A batch ends at either, so that long rows do not add up."""


def id_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that may hold a record's id, the best first."""
    known = [name for wanted in ("id", "_id", "uuid") for name in names if name.lower() == wanted]
    # What dagtui wrote is the id of an earlier run; a column of the user's own goes before it.
    return (*known, f"{OURS}id")


class Pass:
    """Reads rows as records. `pending` are rows that were read ahead of the consumer.

    A batch may still be read in its thread when the pass is closed; then that thread lets go of the file.
    """

    def __init__(self, lines: ByteLines, stop: Callable[[], None]) -> None:
        self.lines = lines
        self.rows: Iterator[Row] = iter(())
        self.ids: tuple[str, ...] = ()
        self.pending: list[Record | RowError] = []
        self._stop = stop
        self._row = 0
        self._index = 0
        self._busy = threading.Lock()
        self._closing = False

    def bounded(self) -> Iterator[Row]:
        """The next rows, up to the bytes of one batch."""
        begin = self.lines.consumed
        for row in self.rows:
            yield row
            if self.lines.consumed - begin > BATCH_BYTES:
                return

    def batch(self, most: int = BATCH_ROWS) -> list[Record | RowError]:
        """The next rows, empty at the end; of a pipe those that have arrived, and at least one. Blocks."""
        found: list[Record | RowError] = []
        with self._busy:
            try:
                for row in self.bounded():
                    found.append(self.record(row))
                    if len(found) >= most or self.lines.idle():
                        break
            finally:
                if self._closing:
                    self.lines.close()
        return found

    def record(self, row: Row) -> Record | RowError:
        """The row as what the engine takes, numbered, without the columns that dagtui wrote."""
        self._row += 1
        if isinstance(row, RowError):
            return row
        line, fields = row
        index = self._index
        self._index += 1
        kept = fields
        if any(map(_is_ours, fields)):
            kept = {name: value for name, value in fields.items() if not _is_ours(name)}
        return Record(index, self.id_of(fields, str(self._row)), kept, line)

    def close(self) -> None:
        """Let go of the file."""
        self._closing = True
        self._stop()
        if self._busy.acquire(blocking=False):
            self.lines.close()
            self._busy.release()

    def id_of(self, fields: Fields, number: str) -> str:
        """The id column as text, else the `number` of the row, bad ones counted: mending them moves no id."""
        for name in self.ids:
            value = fields.get(name)
            if value is not None and value != "":
                return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return number


def _is_ours(name: str) -> bool:
    return name.startswith(OURS)
