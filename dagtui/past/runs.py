"""Past runs, and those that go on: listed, found, exported and removed, by their journals."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from glob import escape
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from dagtui.core.errors import ConfigError, DagtuiError, nearest
from dagtui.core.plan import Plan
from dagtui.core.revision import Revisions, revisions, revisions_of
from dagtui.io.journal import JOURNAL_NAME, JournalReader, is_locked
from dagtui.io.journal.chronicle import Chronicle
from dagtui.io.plan_file import plan_from_plain

_BATCH = 256
_RECENT_RUNS = 50  # looked at for the one that a file belongs to


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as a list shows it. Times are epoch seconds; `total` counts requests, None while it is unknown.

    `state` is running, complete, partial (some failed), stopped (some were not asked), killed, or unreadable.
    `file` is the name of the input, `elapsed` the seconds that it was under way in all its sessions.
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
    file: str = ""
    task: str = ""
    gateway: str = ""
    model: str = ""
    elapsed: float | None = None

    @property
    def rate(self) -> float | None:
        """Answers a second, over all the time that it was under way."""
        return self.succeeded / self.elapsed if self.elapsed else None


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
    return run_infos(run_paths(folder))


def run_infos(paths: Iterable[Path]) -> list[RunInfo]:
    """The runs with these journals."""
    return [run_info(path) for path in paths]


def run_paths(folder: Path | None = None) -> list[Path]:
    """The journals of the runs, the newest first."""
    return sorted((folder or runs_folder()).glob(f"*/{JOURNAL_NAME}"), reverse=True)


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
        with Chronicle(path) as reader:
            return _info(reader, running)
    except DagtuiError as error:
        return RunInfo(path.parent.name, path, "unreadable", problem=str(error))


def _info(reader: Chronicle, running: bool) -> RunInfo:
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
        **_asked(sessions[-1].plan, sessions[-1].recipe),
        elapsed=reader.elapsed(),
    )


def _asked(plan: Mapping[str, Any], recipe: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What a run was about, in four words."""
    models = dict.fromkeys(str(one.get("model", "")) for one in recipe.values())
    path, scenario = str(plan.get("path", "")), plan.get("scenario")
    return {
        "file": f"scenario {scenario}" if scenario else "standard input" if path == "-" else Path(path).name,
        "task": Path(str(plan.get("task", ""))).name,
        "gateway": str(plan.get("gateway", "")),
        "model": ", ".join(models) or str(plan.get("model") or ""),
    }


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


def edited_task_path(path: Path, revision: int) -> Path:
    """Where the task of a revision lies, beside the journal at `path`."""
    return path.with_name(f"{path.stem}.task-{revision}.toml")


def edited_tasks(path: Path) -> list[Path]:
    """The tasks of all revisions of the run with this journal."""
    return sorted(path.parent.glob(f"{escape(path.stem)}.task-*.toml"))


def plan_of(path: Path) -> Plan:
    """The plan of the run's last session.

    Raises:
        ConfigError: the journal cannot be read.
    """
    with JournalReader(path) as reader:
        plan = plan_from_plain(reader.sessions()[-1].plan)
        return plan_with_input(plan, reader.facts)


def revisions_in(path: Path) -> Revisions:
    """The revisions of the run with this journal.

    Raises:
        ConfigError: the journal cannot be read.
    """
    with JournalReader(path) as reader:
        recipes = [session.recipe for session in reader.sessions()]
        return revisions(recipes, reader.answers_by_session() if revisions_of(recipes)[-1:] > (1,) else {})


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
        for task in edited_tasks(path):
            task.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be removed: {error.strerror or error}.") from None
