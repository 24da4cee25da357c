"""What is taken from the journal of a run of this process while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagtui.core.dag import Dag
from dagtui.core.model import Success
from dagtui.io.journal import JournalReader
from dagtui.io.journal.outcomes import success_of, value_of
from dagtui.past.exporting import export_run, rewrite, write_out
from dagtui.past.inspecting import Inspector


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a run writes beside its journal; `kind` is the format of the `results`."""

    results: Path | None
    kind: str | None
    failures: Path | None


@dataclass(slots=True)
class JournalExtracts:
    """Fulfils `core.ports.Extracts` for the run whose journal is at `journal`; `files` is None if it has none."""

    journal: Path
    dag: Dag
    inspector: Inspector
    files: Files | None

    def recall(self, seq: int) -> Success | None:
        """See `core.ports.Extracts`."""
        with JournalReader(self.journal) as reader:
            row = reader.answers([seq]).get(seq)
        if row is None or row.state != "ok":
            return None
        value = value_of(row, self.dag.dimensions[seq % len(self.dag)])
        return None if value is None else success_of(row, value)

    def export(self, target: Path, *, overwrite: bool) -> int:
        """See `core.ports.Extracts`."""
        return export_run(self.journal, target, self.dag.dimensions, overwrite=overwrite)

    def write_out(self, seqs: Sequence[int], target: Path, *, overwrite: bool) -> int:
        """See `core.ports.Extracts`."""
        return write_out(self.journal, seqs, target, self.dag.dimensions, overwrite=overwrite)

    def rewrite(self) -> None:
        """See `core.ports.Extracts`."""
        if self.files is not None:
            files = self.files
            rewrite(self.journal, self.dag.dimensions, files.results, files.kind, files.failures)
