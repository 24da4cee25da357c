"""What the user is asked before a run, and what is wrong with the answers. The app's first screen waits for this
module, so everything that it can do without is loaded when it is wanted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from platformdirs import user_config_path

from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.core.plan import Plan
from dagtui.io.bundled import bundled
from dagtui.io.formats import Entry, list_candidates
from dagtui.io.tasks import list_tasks, missing_fields
from dagtui.io.toml import read_toml

if TYPE_CHECKING:
    from dagtui.core.contract import Choices
    from dagtui.core.model import ProviderChoice, Record
    from dagtui.core.report import Kept
    from dagtui.editing import Editing
    from dagtui.past.resuming import Going
    from dagtui.past.runs import RunInfo
    from dagtui.session import Session
    from dagtui.watched import Watched

__all__ = [
    "Entry",
    "GatewayChoice",
    "InputView",
    "Plan",
    "TaskChoice",
    "candidates",
    "chosen_models",
    "default_plan_gateway",
    "editing",
    "gateway_choices",
    "gateway_problem",
    "kept",
    "look_at",
    "look_back",
    "open_resumed",
    "open_session",
    "probe_gateway",
    "problems",
    "resumed_plan",
    "sample_folder",
    "task_choices",
    "task_fields",
    "tasks_in",
    "themes_folder",
    "unfinished",
    "user_themes_folder",
]

PREVIEW_ROWS = 20
_MOST_TASKS, _MOST_TASK_BYTES = 200, 1_000_000


@dataclass(frozen=True, slots=True)
class InputView:
    """The first look at an input. `problem` is a sentence, empty when the file can be run.

    `first_bad` tells of the first row that cannot be read, with its line, `twice` of ids that are not unique.
    """

    path: str
    name: str
    format: str = ""
    columns: tuple[str, ...] = ()
    records: int | None = None
    bad_rows: int = 0
    size: int = 0
    first: tuple[Record, ...] = ()
    problem: str = ""
    first_bad: str = ""
    twice: str = ""


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A built-in task and the model it asks."""

    name: str
    description: str
    model: str


@dataclass(frozen=True, slots=True)
class GatewayChoice:
    """A gateway by name."""

    name: str
    description: str


_GATEWAYS = (
    GatewayChoice("demo", "the embedded simulator: no key, nothing is spent"),
    GatewayChoice("portkey", "Portkey's hosted gateway"),
    GatewayChoice("local", "a gateway of your own on localhost:8787"),
)


async def look_at(path: str, format: str | None = None) -> InputView:  # noqa: A002 - the flag's own name
    """Open, sniff, count and preview an input, off the loop. What is wrong with it is in `problem`."""
    return await asyncio.to_thread(_look_at, path, format)


def _look_at(path: str, format: str | None) -> InputView:  # noqa: A002
    from dagtui.io.source import open_source

    name = Path(path).name
    try:
        source = open_source(path, format=format, bad_rows="skip")
        scan = source.scan()
        first = tuple(source.preview(PREVIEW_ROWS))
    except DagtuiError as error:
        return InputView(path, name, problem=str(error))
    return InputView(
        path,
        source.name,
        source.format,
        scan.columns,
        scan.records,
        scan.bad,
        scan.size_bytes or 0,
        first,
        first_bad=scan.first_bad.message if scan.first_bad else "",
        twice=scan.twice,
    )


def candidates(folder: Path) -> tuple[Entry, ...]:
    """Folders and data files in `folder`, for a picker; the sample data first, which may lie anywhere.

    Raises:
        BadInput: the folder cannot be listed.
    """
    found = tuple(entry for entry in list_candidates(folder) if entry.name != "__pycache__")
    samples = sample_folder()
    if folder == samples or samples in (entry.path for entry in found):
        return found
    return (Entry("sample data", samples, True, 0, None), *found)


def sample_folder() -> Path:
    """Where the sample data lies."""
    return bundled("sample_data")


def themes_folder() -> Path:
    """Where the themes lie that come with the program."""
    return bundled("themes")


def user_themes_folder() -> Path:
    """Where the user's own themes lie; it need not exist."""
    return user_config_path("dagtui") / "themes"


@cache
def task_choices() -> tuple[TaskChoice, ...]:
    """The built-in tasks."""
    return tuple(TaskChoice(info.name, info.description, _model_names(info.path)) for info in list_tasks())


def tasks_in(folder: Path) -> tuple[TaskChoice, ...]:
    """The tasks in TOML files of `folder`, by path; built-in ones and files that are no tasks are left out."""
    built_in = {info.path for info in list_tasks()}
    found: list[TaskChoice] = []
    try:
        paths = sorted(folder.glob("*.toml"))[:_MOST_TASKS]
        for path in paths:
            if path not in built_in and path.is_file() and path.stat().st_size < _MOST_TASK_BYTES:
                found += _tasks_of(path)
    except OSError:
        pass
    return tuple(found)


def _tasks_of(path: Path) -> list[TaskChoice]:
    """The task in `path`, if it is one; what is wrong with it is told when it is chosen."""
    try:
        task = read_toml(path)
        if "ask" in task and "model" in task:
            return [TaskChoice(str(path), str(task.get("description", "")), _model_names(path))]
    except (DagtuiError, KeyError, TypeError, AttributeError):
        pass
    return []


def _model_names(path: Path) -> str:
    """The models of a built-in task, as its file has them: to load the task would be to load pydantic."""
    task: dict[str, Any] = read_toml(path)
    common, ask = task["model"], task["ask"]
    asks = cast("list[dict[str, Any]]", ask if isinstance(ask, list) else [ask])
    return ", ".join(sorted({{**common, **one.get("model", {})}["name"] for one in asks}))


def gateway_choices() -> tuple[GatewayChoice, ...]:
    """The named gateways."""
    return _GATEWAYS


def gateway_problem(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Why the gateway `name` cannot be used now, such as the key that is missing; empty if it can."""
    if name == "demo":
        return ""
    from dagtui.io.credentials import gateway_settings

    try:
        gateway_settings(name, os.environ if environ is None else environ, provider="anthropic")
    except ConfigError as error:
        return str(error)
    return ""


def default_plan_gateway(environ: Mapping[str, str] | None = None) -> str:
    """`portkey` when its key is set, else `demo`."""
    environ = os.environ if environ is None else environ
    if "PORTKEY_API_KEY" not in environ:  # known without loading what knows about keys
        return "demo"
    from dagtui.io.credentials import default_gateway

    return default_gateway(environ)


def problems(plan: Plan, view: InputView, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What keeps `plan` from starting, a sentence by field (`file`, `task`, `gateway`); empty if nothing."""
    from dagtui.chosen import plugin_of, settings_of

    environ = os.environ if environ is None else environ
    found: dict[str, str] = {}
    if view.problem:
        found["file"] = view.problem
    elif view.bad_rows and plan.settings.bad_rows == "fail":
        found["file"] = _unreadable(view)
    try:
        plugin = plugin_of(plan)
    except DagtuiError as error:
        return {**found, "task": str(error)}
    if not view.problem and (missing := missing_fields(plugin, view.columns)):
        found["task"] = missing
    try:
        if plan.gateway != "demo":
            settings_of(plan, plugin, None, environ)
    except ConfigError as error:
        found["gateway"] = str(error)
    return found


def _unreadable(view: InputView) -> str:
    rows, first = ("1 row", "") if view.bad_rows == 1 else (f"{view.bad_rows:,} rows", "the first is ")
    told = f": {first}{view.first_bad.rstrip('.')}" if view.first_bad else ""
    return f"{rows} cannot be read{told}. Correct the file, or leave such rows out."


def task_fields(plan: Plan) -> tuple[str, ...]:
    """The fields that the plan's task reads of each record."""
    from dagtui.chosen import plugin_of

    return tuple(plugin_of(plan).reads)


def chosen_models(plan: Plan) -> tuple[ProviderChoice, ...]:
    """The models that the plan's task asks, each once, as far as it tells without a record."""
    from dagtui.chosen import choices_of, plugin_of

    choices = choices_of(plugin_of(plan), None)
    return tuple({(choice.provider, choice.model): choice for choice in choices}.values())


async def probe_gateway(plan: Plan, environ: Mapping[str, str] | None = None) -> str:
    """What answers at the plan's gateway, as a phrase.

    Raises:
        DagtuiError: a key is missing, or nothing answers.
    """
    from dagtui.opening import probe_gateway as probe

    return await probe(plan, os.environ if environ is None else environ)


def kept(plan: Plan, session: Watched) -> Kept:
    """Where what a run of `plan` came to lies, for its report."""
    from dagtui.core.failures import failures_path
    from dagtui.core.report import Kept
    from dagtui.past.runs import name_of

    failures = failures_path(plan, session.results_path)
    run = None if session.journal_path is None else name_of(session.journal_path)
    revisions = getattr(session, "revisions", None)  # of a run of this process
    failed = failures if failures is not None and failures.exists() else None
    return Kept(run, session.results_path, failed, plan.gateway, revisions)


async def unfinished(path: str) -> RunInfo | None:
    """The last run of the file at `path`, if something of it is left to be asked."""
    from dagtui.past.runs import unfinished_run

    return None if path == "-" else await asyncio.to_thread(unfinished_run, Path(path))


async def resumed_plan(run: RunInfo, plan: Plan) -> Plan:
    """The plan of `run` with what may be chosen anew of `plan`: how hard to push."""
    from dataclasses import replace

    from dagtui.past.runs import plan_of

    before = await asyncio.to_thread(plan_of, run.path)
    settings = plan.settings
    return replace(
        before,
        settings=replace(
            before.settings,
            concurrency=settings.concurrency,
            automatic=settings.automatic,
            attempts=settings.attempts,
            max_cost=settings.max_cost,
        ),
    )


async def look_back(path: Path, plan: Plan, environ: Mapping[str, str] | None = None) -> Going:
    """What going on with the run whose journal is at `path`, as `plan` says, would mean. Nothing is sent.

    Raises:
        DagtuiError: the journal, the input or a setting does not allow it.
    """
    from dagtui.opening import look_back as looked

    return await looked(path, plan, os.environ if environ is None else environ)


async def open_resumed(
    going: Going, plan: Plan, choices: Choices, environ: Mapping[str, str] | None = None
) -> Session:
    """A session that goes on with a run. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    from dagtui.opening import open_resumed as opened

    return await opened(going, plan, choices, os.environ if environ is None else environ)


async def estimated(plan: Plan) -> str:
    """What a run of `plan` will likely take, in a line; nothing is sent. Reads the whole input, in a thread.

    Raises:
        DagtuiError: a run would be refused.
    """
    from dagtui.core.estimate_text import in_a_line
    from dagtui.estimate import estimate_plan

    return in_a_line((await estimate_plan(plan)).figures)


async def editing(plan: Plan, session: Watched, environ: Mapping[str, str] | None = None) -> Editing:
    """What can be edited of the run of `plan` that goes on as `session`.

    Raises:
        DagtuiError: it keeps no journal, or its task cannot be read any more.
    """
    from dagtui.editing import open_editing

    return await open_editing(plan, session, os.environ if environ is None else environ)


async def open_session(plan: Plan, environ: Mapping[str, str] | None = None) -> Session:
    """A session ready to start. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    from dagtui.opening import open_session as opened

    return await opened(plan, os.environ if environ is None else environ)
