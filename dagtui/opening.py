"""From a plan to a session that is ready to start. Whatever can be wrong is found before the first request, and
said in one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_state_path

from dagtui.core.again import failures_path
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.model import Prompt, ProviderChoice, Record
from dagtui.core.plan import Plan
from dagtui.core.plugin import Context, Plugin
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import GatewaySettings
from dagtui.io.credentials import gateway_settings, with_retries
from dagtui.io.repeated import Repeated
from dagtui.io.source import Scan, open_source
from dagtui.io.tasks import load_task, missing_fields
from dagtui.simulator.scenarios import scenario_named

# The HTTP libraries, the engine and the writers take half a second to load, so they are imported where a run or a
# probe begins: a look at the plan does without.
if TYPE_CHECKING:
    from dagtui.core.ports import Gateway, Sink, Source
    from dagtui.io.simulator_process import SimulatorProcess
    from dagtui.session import Session

_SAMPLES = 100  # records of which a scenario's are made


async def probe_gateway(plan: Plan, environ: Mapping[str, str]) -> str:
    """What answers at the plan's gateway, as a phrase.

    Raises:
        DagtuiError: a key is missing, or nothing answers.
    """
    if plan.gateway == "demo":
        return "demo: the embedded simulator; no key, nothing is spent"
    from dagtui.io.portkey import Portkey

    settings = settings_of(plan, plugin_of(plan), None, environ)
    gateway = Portkey(settings)
    try:
        flavour = await gateway.probe()
    finally:
        await gateway.aclose()
    return f"{plan.gateway}: {settings.base_url} answers ({flavour})"


async def open_session(plan: Plan, environ: Mapping[str, str]) -> Session:
    """A session ready to start. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    from dagtui.audit import auditor
    from dagtui.io.limits_file import read_limits, write_limits
    from dagtui.session import Session, new_run_id

    plugin = plugin_of(plan)
    source, name, scan, first = await asyncio.to_thread(_read_input, plan, plugin)
    run_id = new_run_id()
    results, sinks = _sinks(plan, plugin, scan, run_id)
    prices = PriceTable(plan.prices)
    choices = choices_of(plugin, first)
    # The price table takes a third of a second to load: better before the first request than during it.
    await asyncio.to_thread(lambda: [prices.knows(choice.provider, choice.model) for choice in choices])
    gateway, settings, simulator = await _open_gateway(plan, plugin, first, environ, run_id)
    memory = _memory(plan, settings)
    at_once = None if plan.settings.automatic else plan.settings.concurrency

    async def remember() -> None:
        if plan.remember:
            write_limits(_limits_file(), memory, session.learnt())

    session = Session(
        plugin=plugin,
        records=source,
        gateway=gateway,
        settings=plan.settings,
        prices=prices,
        sinks=sinks,
        total=scan.records,
        title=f"{name} · {plugin.name} · {plan.gateway}",
        results_path=results,
        run_id=run_id,
        seed=plan.seed,
        owned=[remember, *([simulator.aclose] if simulator else [])],
        audit=auditor(simulator, prices, choices, at_once) if simulator else None,
        learnt=read_limits(_limits_file(), memory) if plan.remember else None,
    )
    if scan.twice:
        session.note(f"{name}: {scan.twice}")
    return session


def _read_input(plan: Plan, plugin: Plugin) -> tuple[Source, str, Scan, Record | None]:
    source = open_source(plan.path, format=plan.format, bad_rows=plan.settings.bad_rows)
    scan = source.scan()
    first = source.preview(1)
    if plan.path != "-" and (missing := missing_fields(plugin, scan.columns)):
        raise BadInput(f"{source.name}: {missing}")
    if plan.scenario is not None:
        story = scenario_named(plan.scenario)
        repeated = Repeated(source.preview(_SAMPLES), story.records)
        return repeated, f"scenario {story.name}", replace(scan, records=story.records), first[0]
    return source, source.name, scan, first[0] if first else None


def _sinks(plan: Plan, plugin: Plugin, scan: Scan, run_id: str) -> tuple[Path | None, list[Sink]]:
    from dagtui.io.export import FailuresWriter, ResultsWriter

    dag, columns = Dag(plugin.dimensions), scan.columns
    source = None if plan.path == "-" else Path(plan.path)
    output: Path | None = None
    if plan.stdout is not None:
        results = ResultsWriter(plan.stdout, plan.output_format or "jsonl", dag, columns)
    else:
        output = plan.output or _kept(run_id, plan.output_format or "jsonl")
        wanted = plan.output_format or _format_of(output)
        results = ResultsWriter(output, wanted, dag, columns, source=source, overwrite=plan.overwrite)
    failures = failures_path(plan, output)
    sinks: list[Sink] = [results]
    if failures is not None:
        kind = _format_of(failures)
        sinks.append(FailuresWriter(failures, kind, columns, source=source, overwrite=plan.overwrite))
    return output, sinks


def _kept(run_id: str, kind: str) -> Path:
    """Where results lie that nobody named a place for."""
    folder = user_state_path("dagtui", ensure_exists=True) / "runs" / run_id
    folder.mkdir(parents=True, mode=0o700)
    return folder / f"results.{kind}"


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    formats = {"csv": "csv", "tsv": "tsv", "jsonl": "jsonl", "ndjson": "jsonl"}
    if suffix in formats:
        return formats[suffix]
    if path.exists() and not path.is_file():  # a device or a pipe, such as /dev/null; a folder is refused later
        return "jsonl"
    raise ConfigError(f'{path}: results are written as .csv, .tsv or .jsonl, not as "{path.suffix}"; rename it.')


async def _open_gateway(
    plan: Plan, plugin: Plugin, first: Record | None, environ: Mapping[str, str], run_id: str
) -> tuple[Gateway, GatewaySettings, SimulatorProcess | None]:
    from dagtui.io.portkey import Portkey
    from dagtui.io.simulator_process import start_simulator

    if plan.gateway == "demo":
        simulator = await start_simulator(plan.knobs, plan.seed, plan.scenario)
        try:
            settings = settings_of(plan, plugin, first, environ, base_url=simulator.url)
        except BaseException:
            await simulator.aclose()
            raise
        return Portkey(settings, run_id=run_id), settings, simulator
    settings = settings_of(plan, plugin, first, environ)
    gateway = Portkey(settings, run_id=run_id)
    try:
        await gateway.probe()
    except BaseException:
        await gateway.aclose()
        raise
    return gateway, settings, None


def _limits_file() -> Path:
    return user_state_path("dagtui") / "limits.json"


def _memory(plan: Plan, settings: GatewaySettings) -> str:
    """The name under which what is learnt of limits is kept: whatever may have limits of its own."""
    if plan.gateway == "demo":
        knobs = json.dumps(plan.knobs, sort_keys=True, default=str)
        return f"demo {plan.scenario or ''} {knobs}"
    config = settings.config if settings.config and settings.config.startswith("pc-") else ""
    return " ".join(filter(None, (settings.base_url, settings.provider or "", config, settings.custom_host or "")))


def settings_of(
    plan: Plan, plugin: Plugin, first: Record | None, environ: Mapping[str, str], base_url: str | None = None
) -> GatewaySettings:
    """The settings of the plan's gateway, keys included.

    Raises:
        ConfigError: a key is missing, or the gateway cannot be what the plan says.
    """
    choices = choices_of(plugin, first)
    retries = plan.gateway_retries
    if retries is None and plan.scenario is not None:
        retries = scenario_named(plan.scenario).gateway_retries or None
    provider, model = (choices[0].provider, choices[0].model) if choices else ("anthropic", "")
    settings = gateway_settings(
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
    return settings if retries is None else with_retries(settings, retries)


def choices_of(plugin: Plugin, first: Record | None) -> list[ProviderChoice]:
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


def plugin_of(plan: Plan) -> Plugin:
    """The plan's task, with the plan's own model if it names one.

    Raises:
        DagtuiError: there is no such task, or it is wrong.
    """
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
