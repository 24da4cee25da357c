"""One record of an input that can only be read from its beginning."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

from dagtui.core.errors import BadInput
from dagtui.core.model import Record, RowError
from dagtui.io.source import FileSource

_KEPT = 512  # records passed on the way, so that the ones before are there at once
_YIELD_ROWS = 64


class NthRecord:
    """Finds records by their place, in a thread that may wait. It goes on from where it is, if that is before.

    Whoever asks for another record meanwhile ends the search that goes on.
    """

    def __init__(self, open_rows: Callable[[], FileSource]) -> None:
        self._open = open_rows
        self._rows: Iterator[Record | RowError] | None = None
        self._kept: OrderedDict[int, Record] = OrderedDict()
        self._next = 0
        self._wanted = -1
        self._turn = threading.Lock()

    def find(self, index: int) -> Record | None:
        """The record at `index`; None if the input ends before it, or another one is wanted by now.

        Raises:
            DagtuiError: the input cannot be read, or is not what it was.
        """
        self._wanted = index
        with self._turn:
            if index in self._kept:
                return self._kept[index]
            if self._rows is None or index < self._next:
                self._begin()
            try:
                return self._search(index)
            except OSError as error:
                raise BadInput(f"The input cannot be read: {error.strerror or error}.") from None

    def close(self) -> None:
        """Let go of the file."""
        self._wanted = -1
        with self._turn:
            self._begin(again=False)

    def _begin(self, *, again: bool = True) -> None:
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()
        self._rows = iter(self._open().rows()) if again else None
        self._next = 0

    def _search(self, index: int) -> Record | None:
        assert self._rows is not None
        for row in self._rows:
            if isinstance(row, RowError):
                continue
            self._keep(row)
            self._next = row.index + 1
            if row.index >= index:
                return row
            if not row.index % _YIELD_ROWS:
                if self._wanted != index:
                    return None
                time.sleep(0)  # the loop beside us shall not wait for the interpreter
        self._rows = None  # it may have grown when it is wanted again
        return None

    def _keep(self, record: Record) -> None:
        self._kept[record.index] = record
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
