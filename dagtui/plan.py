"""From what the user chose to a session that is ready to start. Whatever can be wrong is found here, before the
first request, and said in one sentence."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from platformdirs import user_config_path, user_state_path

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError, DagtuiError
from dagtui.core.figures import money
from dagtui.core.model import Prompt, ProviderChoice, Record, Usage
from dagtui.core.plugin import Context, Plugin
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import GatewaySettings, PriceOverride, RunSettings
from dagtui.io.bundled import bundled
from dagtui.io.credentials import default_gateway, gateway_settings
from dagtui.io.formats import Entry, list_candidates
from dagtui.io.source import FileSource, Scan, open_source
from dagtui.io.tasks import list_tasks, load_task, missing_fields

# The HTTP libraries, the engine and the writers take half a second to load, so they are imported where a run or a
# probe begins: the app has painted by then.
if TYPE_CHECKING:
    from dagtui.core.ports import Gateway, Sink
    from dagtui.core.snapshot import Snapshot
    from dagtui.io.simulator_process import SimulatorProcess
    from dagtui.session import Session

PREVIEW_ROWS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `output` None keeps the results in the state folder, where `Session.export` finds them.

    `model` and `provider` override the task's; `knobs` and `seed` are the simulator's; `stdout` takes the results
    instead of a file.
    """

    path: str = ""
    task: str = "email"
    gateway: str = "demo"
    settings: RunSettings = field(default_factory=RunSettings)
    format: str | None = None
    output: Path | None = None
    output_format: str | None = None
    failures: Path | None = None
    stdout: TextIO | None = None
    model: str | None = None
    provider: str | None = None
    portkey_config: str | None = None
    custom_host: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    prices: Mapping[str, PriceOverride] = field(default_factory=dict[str, PriceOverride])
    knobs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seed: int = 0


# --- what a setup screen shows ---


@dataclass(frozen=True, slots=True)
class InputView:
    """The first look at an input. `problem` is a sentence, empty when the file can be run."""

    path: str
    name: str
    format: str = ""
    columns: tuple[str, ...] = ()
    records: int | None = None
    bad_rows: int = 0
    size: int = 0
    first: tuple[Record, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A built-in task, the model it asks and the fields it reads."""

    name: str
    description: str
    model: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayChoice:
    """A gateway by name, and whether its keys are there; `problem` says how to get them."""

    name: str
    description: str
    ready: bool
    problem: str = ""


async def look_at(path: str, format: str | None = None) -> InputView:  # noqa: A002 - the flag's own name
    """Open, sniff, count and preview an input, off the loop. What is wrong with it is in `problem`."""
    return await asyncio.to_thread(_look_at, path, format)


def _look_at(path: str, format: str | None) -> InputView:  # noqa: A002
    name = Path(path).name
    try:
        source = open_source(path, format=format, bad_rows="skip")
        scan = source.scan()
        first = tuple(source.preview(PREVIEW_ROWS))
    except DagtuiError as error:
        return InputView(path, name, problem=str(error))
    return InputView(
        path, source.name, source.format, scan.columns, scan.records, scan.bad, scan.size_bytes or 0, first
    )


def candidates(folder: Path) -> tuple[Entry, ...]:
    """Folders and data files in `folder`, for a picker."""
    return list_candidates(folder)


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
    return tuple(_task_choice(info.name, info.description) for info in list_tasks())


def _task_choice(name: str, description: str) -> TaskChoice:
    plugin = load_task(name)
    models = {choice.model for choice in _choices(plugin, None)}
    return TaskChoice(name, description, ", ".join(sorted(models)), tuple(plugin.reads))


def gateway_choices(environ: Mapping[str, str] | None = None) -> tuple[GatewayChoice, ...]:
    """The named gateways, and whether each could be used now."""
    environ = os.environ if environ is None else environ
    described = {
        "demo": "the embedded simulator: no key, nothing is spent",
        "portkey": "Portkey's hosted gateway",
        "local": "a gateway of your own on localhost:8787",
    }
    return tuple(_gateway_choice(name, told, environ) for name, told in described.items())


def _gateway_choice(name: str, description: str, environ: Mapping[str, str]) -> GatewayChoice:
    if name == "demo":
        return GatewayChoice(name, description, ready=True)
    try:
        gateway_settings(name, environ, provider="anthropic")
    except ConfigError as error:
        return GatewayChoice(name, description, ready=False, problem=str(error))
    return GatewayChoice(name, description, ready=True)


def problems(plan: Plan, view: InputView, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What keeps `plan` from starting, a sentence by field (`file`, `task`, `gateway`); empty if nothing."""
    environ = os.environ if environ is None else environ
    found: dict[str, str] = {}
    if view.problem:
        found["file"] = view.problem
    elif view.bad_rows and plan.settings.bad_rows == "fail":
        found["file"] = f"{view.bad_rows} rows cannot be read; correct them, or leave them out (--bad-rows skip)."
    try:
        plugin = _plugin(plan)
    except DagtuiError as error:
        return {**found, "task": str(error)}
    if not view.problem and (missing := missing_fields(plugin, view.columns)):
        found["task"] = missing
    try:
        if plan.gateway != "demo":
            _settings_of(plan, plugin, None, environ)
    except ConfigError as error:
        found["gateway"] = str(error)
    return found


def task_fields(plan: Plan) -> tuple[str, ...]:
    """The fields that the plan's task reads of each record."""
    return tuple(_plugin(plan).reads)


def chosen_models(plan: Plan) -> tuple[ProviderChoice, ...]:
    """The models that the plan's task asks, each once, as far as it tells without a record."""
    choices = _choices(_plugin(plan), None)
    return tuple({(choice.provider, choice.model): choice for choice in choices}.values())


async def probe_gateway(plan: Plan, environ: Mapping[str, str] | None = None) -> str:
    """What answers at the plan's gateway, as a phrase.

    Raises:
        DagtuiError: a key is missing, or nothing answers.
    """
    if plan.gateway == "demo":
        return "demo: the embedded simulator; no key, nothing is spent"
    from dagtui.io.portkey import Portkey

    settings = _settings_of(plan, _plugin(plan), None, os.environ if environ is None else environ)
    gateway = Portkey(settings)
    try:
        flavour = await gateway.probe()
    finally:
        await gateway.aclose()
    return f"{plan.gateway}: {settings.base_url} answers ({flavour})"


# --- opening ---


async def open_session(plan: Plan, environ: Mapping[str, str] | None = None) -> Session:
    """A session ready to start. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    from dagtui.session import Session, new_run_id

    environ = os.environ if environ is None else environ
    plugin = _plugin(plan)
    source, scan, first = await asyncio.to_thread(_read_input, plan, plugin)
    run_id = new_run_id()
    results, sinks = _sinks(plan, plugin, scan, run_id)
    prices = PriceTable(plan.prices)
    choices = _choices(plugin, first)
    # The price table takes a third of a second to load: better before the first request than during it.
    await asyncio.to_thread(lambda: [prices.knows(choice.provider, choice.model) for choice in choices])
    gateway, simulator = await _open_gateway(plan, plugin, first, environ, run_id)
    return Session(
        plugin=plugin,
        records=source,
        gateway=gateway,
        settings=plan.settings,
        prices=prices,
        sinks=sinks,
        total=scan.records,
        title=f"{source.name} · {plugin.name} · {plan.gateway}",
        results_path=results,
        run_id=run_id,
        seed=plan.seed,
        owned=[simulator.aclose] if simulator else [],
        audit=_audit(simulator, prices, choices) if simulator else None,
    )


def _read_input(plan: Plan, plugin: Plugin) -> tuple[FileSource, Scan, Record | None]:
    source = open_source(plan.path, format=plan.format, bad_rows=plan.settings.bad_rows)
    scan = source.scan()
    first = source.preview(1)
    if plan.path != "-" and (missing := missing_fields(plugin, scan.columns)):
        raise BadInput(f"{source.name}: {missing}")
    return source, scan, first[0] if first else None


def _sinks(plan: Plan, plugin: Plugin, scan: Scan, run_id: str) -> tuple[Path | None, list[Sink]]:
    from dagtui.io.export import FailuresWriter, ResultsWriter

    dag = Dag(plugin.dimensions)
    output, wanted = plan.output, plan.output_format
    source = None if plan.path == "-" else Path(plan.path)
    if plan.stdout is not None:
        results = ResultsWriter(plan.stdout, wanted or "jsonl", dag, scan.columns)
    else:
        if output is None:
            output = user_state_path("dagtui", ensure_exists=True) / "runs" / run_id / "results.jsonl"
            output.parent.mkdir(parents=True, mode=0o700)
        wanted = wanted or _format_of(output)
        results = ResultsWriter(output, wanted, dag, scan.columns, source=source)
    failures = plan.failures
    if failures is None and output is not None:
        failures = output.with_name(f"{output.stem}.failures{output.suffix}")
    sinks: list[Sink] = [results]
    if failures is not None:
        sinks.append(FailuresWriter(failures, _format_of(failures), scan.columns, source=source))
    return output, sinks


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    formats = {"csv": "csv", "tsv": "tsv", "jsonl": "jsonl", "ndjson": "jsonl"}
    if suffix not in formats:
        raise ConfigError(
            f'{path}: results are written as .csv, .tsv or .jsonl, not as "{path.suffix}"; rename it.'
        )
    return formats[suffix]


async def _open_gateway(
    plan: Plan, plugin: Plugin, first: Record | None, environ: Mapping[str, str], run_id: str
) -> tuple[Gateway, SimulatorProcess | None]:
    from dagtui.io.portkey import Portkey
    from dagtui.io.simulator_process import start_simulator

    if plan.gateway == "demo":
        simulator = await start_simulator(plan.knobs, plan.seed)
        try:
            settings = _settings_of(plan, plugin, first, environ, base_url=simulator.url)
        except BaseException:
            await simulator.aclose()
            raise
        return Portkey(settings, run_id=run_id), simulator
    gateway = Portkey(_settings_of(plan, plugin, first, environ), run_id=run_id)
    try:
        await gateway.probe()
    except BaseException:
        await gateway.aclose()
        raise
    return gateway, None


def _audit(
    simulator: SimulatorProcess, prices: PriceTable, choices: Sequence[ProviderChoice]
) -> Callable[[Snapshot], Awaitable[str]]:
    """Compares a run with the ledger of the simulator that answered it; its cost too, where one model answered."""
    models = {(choice.provider, choice.model) for choice in choices}

    async def compare(snapshot: Snapshot) -> str:
        try:
            totals = await simulator.totals()
        except OSError as error:
            return f"The simulator's ledger cannot be read: {error}"
        ours = (snapshot.attempts, snapshot.usage.input_total, snapshot.usage.output)
        theirs = (totals["requests"], totals["input_tokens"], totals["output_tokens"])
        told = f"{theirs[0]:,} requests, {theirs[1]:,} tokens in, {theirs[2]:,} out"
        spent = snapshot.money.spent
        if len(models) == 1 and spent is not None:
            cost = prices.cost(*next(iter(models)), Usage(theirs[1], theirs[2]))
            told += f", {money(cost)}"
            if cost != spent:
                return f"{told} by the simulator's ledger, which counts abandoned requests too"
        if ours == theirs:
            return f"{told}: the simulator's ledger says the same"
        return f"{told} by the simulator's ledger, which counts abandoned requests too"

    return compare


def _settings_of(
    plan: Plan, plugin: Plugin, first: Record | None, environ: Mapping[str, str], base_url: str | None = None
) -> GatewaySettings:
    choices = _choices(plugin, first)
    provider, model = (choices[0].provider, choices[0].model) if choices else ("anthropic", "")
    return gateway_settings(
        plan.gateway,
        environ,
        provider=provider,
        model=model,
        config=plan.portkey_config,
        custom_host=plan.custom_host,
        metadata=plan.metadata,
        base_url=base_url,
        override_provider=plan.provider,
    )


def _choices(plugin: Plugin, first: Record | None) -> list[ProviderChoice]:
    """The models that the plugin picks for the first record, as far as it tells without asking one."""
    fields: Mapping[str, Any] = first.fields if first is not None else {}
    found: list[ProviderChoice] = []
    for dimension in plugin.dimensions:
        try:
            choice = plugin.select_provider(Context(dimension, fields, {}))
        except Exception:
            continue
        if isinstance(choice, ProviderChoice):
            found.append(choice)
    return found


def _plugin(plan: Plan) -> Plugin:
    plugin = load_task(plan.task)
    Dag(plugin.dimensions)
    return _Overridden(plugin, plan) if plan.model or plan.provider else plugin


class _Overridden(Plugin):
    """A plugin whose model was chosen on the command line."""

    def __init__(self, plugin: Plugin, plan: Plan) -> None:
        self._plugin = plugin
        self._plan = plan
        self.name = plugin.name
        self.dimensions = plugin.dimensions
        self.reads = plugin.reads

    def create_prompt(self, ctx: Context) -> str | Prompt | Awaitable[str | Prompt]:
        return self._plugin.create_prompt(ctx)

    def select_provider(self, ctx: Context) -> ProviderChoice | Awaitable[ProviderChoice]:
        choice = self._plugin.select_provider(ctx)
        return self._changed(choice) if isinstance(choice, ProviderChoice) else self._later(choice)

    async def _later(self, choice: Awaitable[ProviderChoice]) -> ProviderChoice:
        return self._changed(await choice)

    def _changed(self, choice: ProviderChoice) -> ProviderChoice:
        model, provider = self._plan.model or choice.model, self._plan.provider or choice.provider
        return replace(choice, model=model, provider=provider)


def default_plan_gateway(environ: Mapping[str, str] | None = None) -> str:
    """`portkey` when its key is set, else `demo`."""
    return default_gateway(os.environ if environ is None else environ)
