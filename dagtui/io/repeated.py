"""A few records over and over, each time a little different: as many as a demonstration needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dagtui.core.model import Record, RowError
from dagtui.io.source import FileSource

_SAMPLES = 100  # records of which a scenario's are made


class Repeated:
    """`count` records made of `samples` (from `path`); the number of each is appended to its longest text."""

    def __init__(self, samples: Sequence[Record], count: int, path: Path | None = None) -> None:
        self.path = path
        self._samples = samples
        self._count = count

    async def __aiter__(self) -> AsyncIterator[Record | RowError]:
        for row in self.rows():
            yield row

    def rows(self) -> Iterator[Record]:
        """The records, one after the other."""
        for index in range(self._count):
            yield self.at(index)

    def at(self, index: int) -> Record:
        """The record at `index`."""
        sample = self._samples[index % len(self._samples)]
        texts = {name: value for name, value in sample.fields.items() if isinstance(value, str)}
        longest = max(texts, key=lambda name: len(texts[name]), default=None)
        fields = dict(sample.fields)
        if longest is not None:
            fields[longest] = f"{texts[longest]} ({index + 1})"
        return replace(sample, index=index, id=str(index + 1), fields=fields)


def repeated(source: FileSource, count: int) -> Repeated:
    """`count` records made of the first ones of `source`."""
    return Repeated(source.preview(_SAMPLES), count, source.path)
