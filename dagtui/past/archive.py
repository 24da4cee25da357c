"""The records of a run that have ended, had again from its input and its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput
from dagtui.core.model import Outcome, Record, RowError
from dagtui.io.journal import JournalReader
from dagtui.io.journal.outcomes import outcome_of
from dagtui.io.repeated import Repeated
from dagtui.io.source import FileSource, open_source


class Recorded:
    """Fulfils `core.ports.Archive` for the run whose journal is `journal`.

    `source` is what the run reads. Of a pipe it is `spool`, the file that what came through it is copied to.
    """

    def __init__(self, journal: Path, source: FileSource | Repeated, spool: Path | None, dag: Dag) -> None:
        self._journal = journal
        self._source = source
        self._spool = spool
        self._dag = dag

    async def records(self, indexes: Sequence[int]) -> Mapping[int, tuple[Record, Mapping[str, Outcome]]]:
        """See `core.ports.Archive`."""
        wanted = set(indexes)
        found = await asyncio.to_thread(self._read, wanted)
        outcomes = await asyncio.to_thread(self._outcomes, sorted(wanted))
        return {index: (record, outcomes[index]) for index, record in found.items()}

    def _read(self, wanted: Collection[int]) -> dict[int, Record]:
        source = self._source
        if isinstance(source, FileSource) and source.path is None:
            if self._spool is None or not self._spool.exists():
                raise BadInput("what came through a pipe was not kept")
            source = open_source(
                self._spool, format=source.format, delimiter=source.delimiter, bad_rows=source.bad_rows
            )
        found: dict[int, Record] = {}
        last = max(wanted)
        for row in source.rows():
            if isinstance(row, RowError):
                continue
            if row.index in wanted:
                found[row.index] = row
            if row.index >= last:
                break
        return found

    def _outcomes(self, indexes: Sequence[int]) -> dict[int, dict[str, Outcome]]:
        dag = self._dag
        with JournalReader(self._journal) as reader:
            rows = reader.answers([dag.seq(index, position) for index in indexes for position in range(len(dag))])
        found: dict[int, dict[str, Outcome]] = {index: {} for index in indexes}
        for seq, row in rows.items():
            index, position = divmod(seq, len(dag))
            found[index][dag.names[position]] = outcome_of(row, dag.dimensions[position])
        return found
