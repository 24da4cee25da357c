"""A few records over and over, each time a little different: as many as a demonstration needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from dagtui.core.model import Record, RowError


class Repeated:
    """`count` records made of `samples`; the number of each is appended to its longest text."""

    def __init__(self, samples: Sequence[Record], count: int) -> None:
        self._samples = samples
        self._count = count

    async def __aiter__(self) -> AsyncIterator[Record | RowError]:
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
