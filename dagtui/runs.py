"""Past runs, and those that go on: listed, found, exported and removed, by their journals."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError, DagtuiError, nearest
from dagtui.core.events import RecordEnded
from dagtui.core.model import Outcome, Record, RowError
from dagtui.core.plan import Plan
from dagtui.core.plugin import Dimension
from dagtui.io.export import FailuresWriter, ResultsWriter, refuse_target
from dagtui.io.identity import changes
from dagtui.io.journal import JOURNAL_NAME, JournalReader, is_locked
from dagtui.io.journal.outcomes import outcome_of
from dagtui.io.plan_file import plan_from_plain
from dagtui.io.source import FileSource, open_source

_BATCH = 256
_RECENT_RUNS = 50  # looked at for the one that a file belongs to


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as a list shows it. Times are epoch seconds; `total` counts requests, None while it is unknown.

    `state` is running, complete, partial (some failed), stopped (some were not asked), killed, or unreadable.
    """

    id: str
    path: Path
    state: str
    title: str = ""
    started_at: float = 0.0
    ended_at: float | None = None
    total: int | None = None
    succeeded: int = 0
    failed: int = 0
    spent: Decimal | None = None
    sessions: int = 1
    problem: str = ""


def runs_folder() -> Path:
    """Where the journals lie that nobody named a place for."""
    return user_state_path("dagtui") / "runs"


def make_folder(path: Path) -> None:
    """A folder for a run, for this user's eyes only.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"{path}: the run's folder cannot be made: {error.strerror or error}; --journal puts it elsewhere."
        ) from None


def list_runs(folder: Path | None = None) -> list[RunInfo]:
    """The runs, the newest first."""
    folder = folder or runs_folder()
    paths = sorted(folder.glob(f"*/{JOURNAL_NAME}"), reverse=True)
    return [run_info(path) for path in paths]


def unfinished_run(given: Path, folder: Path | None = None) -> RunInfo | None:
    """The last run of the file `given`, if something of it has no answer and nobody is at it."""
    paths = sorted((folder or runs_folder()).glob(f"*/{JOURNAL_NAME}"), reverse=True)
    for path in paths[:_RECENT_RUNS]:
        try:
            with JournalReader(path) as reader:
                if reader.facts.get("input", {}).get("path") != str(given.absolute()):
                    continue
        except DagtuiError:
            continue
        info = run_info(path)
        return info if info.state in ("partial", "stopped", "killed") else None
    return None


def run_info(path: Path) -> RunInfo:
    """The run with this journal; a journal that cannot be read says why."""
    running = is_locked(path)
    try:
        with JournalReader(path) as reader:
            return _info(reader, running)
    except DagtuiError as error:
        return RunInfo(path.parent.name, path, "unreadable", problem=str(error))


def _info(reader: JournalReader, running: bool) -> RunInfo:
    facts, sessions = reader.facts, reader.sessions()
    summary: Mapping[str, Any] = facts.get("summary") or {}
    killed = sessions[-1].ended_at is None
    states: Mapping[str, int] = summary
    if running or killed:
        states = Counter({_STATES[state]: number for state, number in reader.states().items()})
    total = summary.get("total") or _total(facts)
    succeeded, failed = states.get("succeeded", 0), states.get("failed", 0)
    ended = succeeded + failed + states.get("skipped", 0)
    if running:
        state = "running"
    elif killed:
        state = "killed"
    elif total is None or ended < total:
        state = "stopped"
    else:
        state = "complete" if succeeded == total else "partial"
    spent = reader.figures().spent if running or killed else summary.get("spent")
    return RunInfo(
        id=str(facts.get("id", reader.path.parent.name)),
        path=reader.path,
        state=state,
        title=str(facts.get("title", "")),
        started_at=sessions[0].started_at,
        ended_at=None if running else sessions[-1].ended_at,
        total=total,
        succeeded=succeeded,
        failed=failed,
        spent=None if spent is None else Decimal(spent),
        sessions=len(sessions),
    )


_STATES = {"ok": "succeeded", "failed": "failed", "skipped": "skipped", "cancelled": "cancelled"}


def _total(facts: Mapping[str, Any]) -> int | None:
    records = facts.get("input", {}).get("records")
    return None if records is None else records * len(facts.get("dimensions", ()))


def find_run(word: str = "last", folder: Path | None = None) -> Path:
    """The journal of the run that `word` names: its id, the beginning of it, `last`, or the journal's own path.

    Raises:
        ConfigError: there is none, or several.
    """
    if word.endswith(".db") or os.sep in word:
        path = Path(word)
        return path / JOURNAL_NAME if path.is_dir() else path
    folder = folder or runs_folder()
    names = sorted(path.parent.name for path in folder.glob(f"*/{JOURNAL_NAME}"))
    if not names:
        raise ConfigError("There are no runs yet; dagtui run FILE makes one.")
    found = names[-1:] if word == "last" else [name for name in names if name.startswith(word)]
    if word in names:
        found = [word]
    if not found:
        raise ConfigError(f'There is no run "{word}"{nearest(word, names)}; dagtui runs lists them.')
    if len(found) > 1:
        raise ConfigError(f'"{word}" begins {len(found)} runs, from {found[0]} to {found[-1]}; give more of it.')
    return folder / found[0] / JOURNAL_NAME


def name_of(path: Path) -> str:
    """What commands call the run with this journal: its id, or the path where it is not among the others."""
    return path.parent.name if path.parent.parent == runs_folder() else str(path.absolute())


def plan_of(path: Path) -> Plan:
    """The plan of the run's last session.

    Raises:
        ConfigError: the journal cannot be read.
    """
    with JournalReader(path) as reader:
        plan = plan_from_plain(reader.sessions()[-1].plan)
        return plan_with_input(plan, reader.facts)


def plan_with_input(plan: Plan, facts: Mapping[str, Any]) -> Plan:
    """Standard input was kept in a file: that is what a later session reads."""
    given = facts.get("input", {})
    if plan.path != "-":
        return plan
    return replace(plan, path=str(given.get("spool", "")), format=given.get("format"))


def remove_run(path: Path) -> None:
    """Delete the run's journal and its folder, if that is one of ours.

    Raises:
        ConfigError: it goes on, or cannot be removed.
    """
    if is_locked(path):
        raise ConfigError(f"{path}: this run goes on; stop it first.")
    with suppress(DagtuiError), JournalReader(path) as reader:
        reader.facts  # noqa: B018 - whatever else it is, it is a journal
    try:
        if path.parent.parent == runs_folder():
            shutil.rmtree(path.parent)
            return
        for suffix in ("", "-wal", "-shm", ".lock", ".ballast"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be removed: {error.strerror or error}.") from None


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


# --- export ---


def export_run(
    path: Path,
    target: Path,
    dimensions: Iterable[Dimension] | None = None,
    *,
    overwrite: bool = False,
    without_input: bool = False,
    failures: bool = False,
    guard_formulas: bool = True,
) -> int:
    """Write what the journal at `path` holds so far into `target`, in the order of the input; the rows written.

    `dimensions` say how answers are taken apart; without them their text is written as it is. The input's columns
    come from the input, which must still be the same; `without_input` leaves them out. With `failures` only what
    did not succeed is written, as input for another run. The target appears when it is complete.

    Raises:
        BadInput: there is nothing to write, or the input has changed.
        ConfigError: the journal cannot be read, the target not written.
        TargetExists: the target holds something, and `overwrite` is off.
    """
    with JournalReader(path) as reader:
        facts = reader.facts
        source = None if without_input else _source(facts, path)
        dag = Dag(tuple(dimensions or (Dimension(name) for name in reader.dimensions)))
        columns = tuple(facts.get("input", {}).get("columns", ())) if source is not None else ()
        kind = target.suffix.lower().lstrip(".").replace("ndjson", "jsonl")
        refuse_target(target, source.path if source is not None else None, overwrite=overwrite)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        writer = (
            FailuresWriter(part, kind, columns)
            if failures
            else ResultsWriter(part, kind, dag, columns, guard_formulas=guard_formulas)
        )
        try:
            rows = _write(reader, dag, source, writer, failures)
            if not rows:
                what = "no failures" if failures else "no results yet"
                raise BadInput(f"{path}: holds {what}.")
            part.replace(target)
        except OSError as error:
            raise ConfigError(f"{target}: cannot be written: {error.strerror or error}.") from None
        finally:
            part.unlink(missing_ok=True)
    return rows


def _source(facts: Mapping[str, Any], path: Path) -> FileSource:
    given = facts.get("input", {})
    if given.get("scenario"):
        raise BadInput(f"{path}: a scenario made this run's records as it went; add --without-input.")
    place = Path(str(given.get("spool") or given.get("path", "")))
    if not given.get("spool") and (changed := changes(place, given)):
        raise BadInput(f"{place}: is not what this run read ({changed}); --without-input leaves its columns out.")
    return open_source(place, format=given.get("format"), delimiter=given.get("delimiter"), bad_rows="skip")


def _write(
    reader: JournalReader,
    dag: Dag,
    source: FileSource | None,
    writer: ResultsWriter | FailuresWriter,
    failures: bool,
) -> int:
    rows = 0
    try:
        for batch in _batches(reader, source):
            seqs = [dag.seq(record.index, position) for record in batch for position in range(len(dag))]
            answers = reader.answers(seqs)
            for record in batch:
                outcomes: dict[str, Outcome] = {}
                for position, dimension in enumerate(dag.dimensions):
                    row = answers.get(dag.seq(record.index, position))
                    if row is not None:
                        outcomes[dimension.name] = outcome_of(row, dimension)
                if len(outcomes) < len(dag):
                    continue  # it is still under way
                if failures and all(answers[s].state == "ok" for s in _seqs(dag, record)):
                    continue
                rows += 1
                writer.write(RecordEnded(0.0, record, outcomes))
            writer.flush()
    finally:
        writer.close()
    return rows


def _seqs(dag: Dag, record: Record) -> range:
    return range(dag.seq(record.index, 0), dag.seq(record.index, 0) + len(dag))


def _batches(reader: JournalReader, source: FileSource | None) -> Iterator[list[Record]]:
    """The records that were read, some at a time."""
    last = reader.records()
    batch: list[Record] = []
    for record in _records(reader, source, last):
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _records(reader: JournalReader, source: FileSource | None, last: int) -> Iterator[Record]:
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
