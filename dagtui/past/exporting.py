"""What a journal holds, as a file: CSV, TSV, JSONL or Parquet, also while the run goes on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.events import RecordEnded
from dagtui.core.model import AttemptError, Cancelled, Failure, Outcome, Record, RowError
from dagtui.core.plugin import Dimension
from dagtui.core.revision import revisions_of
from dagtui.io.export import FailuresWriter, ResultsWriter, refuse_target
from dagtui.io.identity import changes
from dagtui.io.journal import JournalReader
from dagtui.io.journal.outcomes import outcome_of
from dagtui.io.journal.reader import AnswerRow
from dagtui.io.parquet import check_parquet, write_parquet
from dagtui.io.repeated import Repeated, repeated
from dagtui.io.source import FileSource, open_source

_BATCH = 256


class NothingThere(BadInput):
    """There is nothing to write."""


def dimensions_of(path: Path) -> tuple[Dimension, ...] | None:
    """The dimensions of the run's task; None if it cannot be loaded any more, or asks something else now."""
    from dagtui.io.tasks import load_task

    try:
        with JournalReader(path) as reader:
            task = str(reader.sessions()[-1].plan.get("task", ""))
            names = reader.dimensions
        dimensions = tuple(load_task(task).dimensions)
    except ConfigError:
        return None
    return dimensions if tuple(dimension.name for dimension in dimensions) == names else None


def export_run(
    path: Path,
    target: Path,
    dimensions: Iterable[Dimension] | None = None,
    *,
    overwrite: bool = False,
    without_input: bool = False,
    failures: bool = False,
    guard_formulas: bool = True,
    only: Collection[int] | None = None,
    kind: str | None = None,
) -> int:
    """Write what the journal at `path` holds so far into `target`, in the order of the input; the rows written.

    `dimensions` say how answers are taken apart; without them their text is written as it is. The input's columns
    come from the input, which must still be the same; `without_input` leaves them out. With `failures` only what
    did not succeed is written, as input for another run; with `only` it is the records of those requests instead,
    also if they are under way. The target, whose name tells the format unless `kind` does, appears when it is
    complete.

    Raises:
        NothingThere: there is nothing to write.
        BadInput: the input has changed.
        ConfigError: the journal cannot be read, the target not written.
        TargetExists: the target holds something, and `overwrite` is off.
    """
    with JournalReader(path) as reader:
        facts = reader.facts
        source = None if without_input else _source(facts, path)
        dag = Dag(tuple(dimensions or (Dimension(name) for name in reader.dimensions)))
        columns = tuple(facts.get("input", {}).get("columns", ())) if source is not None else ()
        kind = kind or target.suffix.lower().lstrip(".").replace("ndjson", "jsonl")
        if kind == "parquet":
            check_parquet()
        refuse_target(target, source.path if source is not None else None, overwrite=overwrite)
        revision = _Told(reader)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        packed = part.with_suffix(".packed")
        rows_as = "jsonl" if kind == "parquet" else kind
        writer = (
            FailuresWriter(part, rows_as, columns)
            if failures
            else ResultsWriter(
                part,
                rows_as,
                dag,
                columns,
                guard_formulas=guard_formulas,
                revision=revision.of if revision.several else None,
            )
        )
        try:
            rows = _write(reader, dag, source, writer, only, revision)
            if not rows:
                what = "no failures" if failures else "no results yet"
                raise NothingThere(f"{path}: holds {what}.")
            if kind == "parquet":
                write_parquet(part, packed)
                packed.replace(target)
            else:
                part.replace(target)
        except OSError as error:
            raise ConfigError(f"{target}: cannot be written: {error.strerror or error}.") from None
        finally:
            part.unlink(missing_ok=True)
            packed.unlink(missing_ok=True)
    return rows


def export_kept(path: Path, target: Path, *, overwrite: bool = False) -> int:
    """Write all results of a run of which only its journal is at hand; its task is loaded anew. The rows written.

    Raises:
        NothingThere, BadInput, ConfigError, TargetExists: as `export_run` does.
    """
    return export_run(path, target, dimensions_of(path), overwrite=overwrite)


class _Told:
    """The revisions of the outcomes that were looked at last."""

    def __init__(self, reader: JournalReader) -> None:
        self._numbers = revisions_of([session.recipe for session in reader.sessions()])
        self._sessions: dict[int, int] = {}
        self.several = self._numbers[-1:] > (1,)

    def look(self, answers: Mapping[int, AnswerRow]) -> None:
        """These are written next; those before have been."""
        self._sessions = {seq: row.session for seq, row in answers.items()}

    def of(self, seq: int) -> int:
        """The revision of an outcome."""
        return self._numbers[self._sessions.get(seq, 1) - 1]


def write_out(
    path: Path, seqs: Collection[int], target: Path, dimensions: Iterable[Dimension] | None, *, overwrite: bool
) -> int:
    """Write the records of the requests `seqs` with their last errors, as input for another run; the rows written.

    Raises:
        ConfigError, BadInput, TargetExists: as `export_run` does.
    """
    if target.suffix.lower() == ".parquet":
        raise ConfigError(f"{target}: records are written out as .csv, .tsv or .jsonl; rename it.")
    return export_run(path, target, dimensions, overwrite=overwrite, failures=True, only=seqs)


def rewrite(
    path: Path, dimensions: Iterable[Dimension], results: Path | None, kind: str | None, failures: Path | None
) -> None:
    """Make the files of a run anew, of which some records ended more than once: the last outcomes count.

    Raises:
        DagtuiError: a file cannot be written, or the input cannot be read any more.
    """
    for target, failed in ((results, False), (failures, True)):
        if target is None or (target.exists() and not target.is_file()):
            continue  # a device or a pipe takes nothing back
        try:
            export_run(path, target, dimensions, overwrite=True, failures=failed, kind=None if failed else kind)
        except NothingThere:
            with suppress(OSError):
                target.unlink(missing_ok=True)


def _source(facts: Mapping[str, Any], path: Path) -> FileSource | Repeated:
    given = facts.get("input", {})
    place = Path(str(given.get("spool") or given.get("path", "")))
    if not given.get("spool") and (changed := changes(place, given)):
        raise BadInput(f"{place}: is not what this run read ({changed}); --without-input leaves its columns out.")
    source = open_source(place, format=given.get("format"), delimiter=given.get("delimiter"), bad_rows="skip")
    return repeated(source, int(given["records"])) if given.get("scenario") else source


def _write(
    reader: JournalReader,
    dag: Dag,
    source: FileSource | Repeated | None,
    writer: ResultsWriter | FailuresWriter,
    only: Collection[int] | None,
    revision: _Told,
) -> int:
    rows = 0
    chosen = None if only is None else {seq // len(dag) for seq in only}
    errors = {} if only is None else reader.last_errors(only)
    try:
        for batch in _batches(reader, source, chosen):
            seqs = [dag.seq(record.index, position) for record in batch for position in range(len(dag))]
            answers = reader.answers(seqs)
            revision.look(answers)
            for record in batch:
                outcomes: dict[str, Outcome] = {}
                for position, dimension in enumerate(dag.dimensions):
                    row = answers.get(dag.seq(record.index, position))
                    if row is not None:
                        outcomes[dimension.name] = outcome_of(row, dimension)
                if only is not None and isinstance(writer, FailuresWriter):
                    for seq in (seq for seq in _seqs(dag, record) if seq in only and seq not in answers):
                        outcomes[dag.names[seq % len(dag)]] = _so_far(errors.get(seq))
                    writer.add(RecordEnded(0.0, record, outcomes))
                    rows += 1
                    continue
                if len(outcomes) < len(dag):
                    continue  # it is still under way
                if isinstance(writer, FailuresWriter) and all(
                    answers[s].state == "ok" for s in _seqs(dag, record)
                ):
                    continue
                rows += 1
                writer.write(RecordEnded(0.0, record, outcomes))
            writer.flush()
    finally:
        writer.close()
    return rows


def _so_far(error: AttemptError | None) -> Outcome:
    """What is written of a request that is under way."""
    return Cancelled("it had no answer yet") if error is None else Failure(error, 0)


def _seqs(dag: Dag, record: Record) -> range:
    return range(dag.seq(record.index, 0), dag.seq(record.index, 0) + len(dag))


def _batches(
    reader: JournalReader, source: FileSource | Repeated | None, chosen: Collection[int] | None
) -> Iterator[list[Record]]:
    """The records that were read, or those that are `chosen`, some at a time."""
    last = reader.records()
    batch: list[Record] = []
    for record in _records(reader, source, last):
        if chosen is not None and record.index not in chosen:
            continue
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _records(reader: JournalReader, source: FileSource | Repeated | None, last: int) -> Iterator[Record]:
    if source is None:
        for index, record_id in reader.record_ids():
            yield Record(index, record_id, {})
        return
    for row in source.rows():
        if isinstance(row, RowError):
            continue
        if row.index >= last:
            return
        yield row
