"""The records at hand: those under way, and the last that did not succeed, so that they can be asked again."""

from __future__ import annotations

from dagtui.engine.books import Open

_MOST_KEPT = 10_000  # records that did not succeed; what is older must be read again


class Shelf:
    """`open` are the records that have not ended, by their index."""

    def __init__(self) -> None:
        self.open: dict[int, Open] = {}
        self._kept: dict[int, Open] = {}

    def put(self, opened: Open) -> None:
        """A record is under way, or is so again."""
        index = opened.record.index
        self.open[index] = opened
        if self._kept:
            self._kept.pop(index, None)

    def ended(self, opened: Open) -> None:
        """A record has all its outcomes."""
        index = opened.record.index
        self.open.pop(index, None)
        if not opened.whole:
            self._kept[index] = opened
            if len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]

    def get(self, index: int) -> Open | None:
        """The record at `index`, if it is at hand."""
        return self.open.get(index) or self._kept.get(index)
