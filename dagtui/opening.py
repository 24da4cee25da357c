"""From a plan to a session that is ready to start. Whatever can be wrong is found before the first request, and
said in one sentence."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_state_path

from dagtui import __version__
from dagtui.control import ControlServer
from dagtui.core.contract import Choices
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError, KeyMissing, RunInUse
from dagtui.core.failures import failures_path
from dagtui.core.model import Prompt, ProviderChoice, Record, Success
from dagtui.core.plan import Plan
from dagtui.core.plugin import Context, Dimension, Plugin
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import GatewaySettings
from dagtui.io.credentials import STARS, gateway_settings, inline_config, with_retries, without_secrets
from dagtui.io.identity import any_changes, changes, identity
from dagtui.io.repeated import Repeated
from dagtui.io.source import Scan, open_source
from dagtui.io.tasks import load_task, missing_fields
from dagtui.resuming import Going, recipe_of, without_context
from dagtui.runs import make_folder, runs_folder
from dagtui.simulator.scenarios import scenario_named

# The HTTP libraries, the engine and the writers take half a second to load, so they are imported where a run or a
# probe begins: a look at the plan does without.
if TYPE_CHECKING:
    from dagtui.core.pacing.learnt import Learnt
    from dagtui.core.past import Past
    from dagtui.core.ports import Gateway, Sink, Source
    from dagtui.io.simulator_process import SimulatorProcess
    from dagtui.session import Session

_NOWHERE = "http://localhost"  # where the demo's simulator would stand, had it been started
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


@dataclass(frozen=True, slots=True)
class _Input:
    """What is read: the records, how messages call them, and what the journal keeps of the file."""

    source: Source
    name: str
    scan: Scan
    first: Record | None
    facts: dict[str, Any]


async def open_session(plan: Plan, environ: Mapping[str, str]) -> Session:
    """A session ready to start, with a new journal. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    from dagtui.io.journal import JOURNAL_NAME
    from dagtui.session import new_run_id

    plugin, run_id = plugin_of(plan), new_run_id()
    journal = plan.journal or runs_folder() / run_id / JOURNAL_NAME
    spool = journal.with_name("input") if plan.path == "-" else None
    if spool is not None and plan.journal is None:
        make_folder(journal.parent)
    try:
        given = await asyncio.to_thread(_read_input, plan, plugin, spool)
        return await _open(plan, plugin, given, environ, _Run(run_id, journal))
    except BaseException:
        if plan.journal is None:  # a run that could not begin leaves nothing
            shutil.rmtree(journal.parent, ignore_errors=True)
        raise


async def look_back(path: Path, plan: Plan, environ: Mapping[str, str]) -> Going:
    """What going on with the run at `path` as `plan` says would mean. Nothing is sent, and nothing written.

    Raises:
        DagtuiError: the journal, the input or a setting does not allow it.
    """
    from dagtui.io.journal import JournalReader, is_locked
    from dagtui.resuming import look_back as compare

    _refuse_stars(plan)
    if is_locked(path):
        raise RunInUse(
            f"{path}: another process is at this run; watch it with dagtui attach, or wait for its end."
        )
    with JournalReader(path) as reader:
        past = await asyncio.to_thread(reader.past)
    plugin = plugin_of(plan)
    given, edited = await asyncio.to_thread(_read_again, plan, plugin, past)
    settings = settings_of(
        plan, plugin, given.first, environ, base_url=_NOWHERE if plan.gateway == "demo" else None
    )
    route = route_of(plan, settings)
    now = json.loads(json.dumps(recipe_of(plugin, _choices_by_name(plugin, given.first), route), default=str))
    return await compare(path, past, plugin, now, route, given.source, given.scan.records, edited)


async def open_resumed(going: Going, plan: Plan, choices: Choices, environ: Mapping[str, str]) -> Session:
    """A session that goes on with a run. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    plugin = plugin_of(plan)
    given, _ = await asyncio.to_thread(_read_again, plan, plugin, going.past)
    run = _Run(str(going.past.facts.get("id", going.path.parent.name)), going.path, going, choices)
    return await _open(replace(plan, overwrite=True), plugin, given, environ, run)


@dataclass(frozen=True, slots=True)
class _Run:
    """Which run: a new one, or one that goes on."""

    id: str
    journal: Path
    going: Going | None = None
    choices: Choices | None = None


async def _open(plan: Plan, plugin: Plugin, given: _Input, environ: Mapping[str, str], run: _Run) -> Session:
    from dagtui.audit import auditor
    from dagtui.core.fingerprint import Fingerprints
    from dagtui.exporting import export_run
    from dagtui.io.journal import Journal, JournalReader
    from dagtui.io.journal.outcomes import success_of, value_of
    from dagtui.io.limits_file import read_limits, write_limits
    from dagtui.io.plan_file import plan_to_plain
    from dagtui.session import Session

    scan, first = given.scan, given.first
    results, sinks = _sinks(plan, plugin, scan)
    prices = PriceTable(plan.prices)
    choices = choices_of(plugin, first)
    # The price table takes a third of a second to load: better before the first request than during it.
    await asyncio.to_thread(lambda: [prices.knows(choice.provider, choice.model) for choice in choices])
    _check_budget(plan, prices, choices)
    gateway, settings, simulator = await _open_gateway(plan, plugin, first, environ, run.id)
    memory = _memory(plan, settings)
    at_once = None if plan.settings.automatic else plan.settings.concurrency
    title = f"{given.name} · {plugin.name} · {plan.gateway}"
    route = route_of(plan, settings)
    dag = Dag(plugin.dimensions)
    facts = (
        None
        if run.going
        else {
            "id": run.id,
            "version": __version__,
            "title": title,
            "dimensions": list(dag.names),
        }
    )
    recipe = recipe_of(plugin, _choices_by_name(plugin, first), route)

    async def remember() -> None:
        if plan.remember:
            write_limits(_limits_file(), memory, session.learnt())

    def export(target: Path, overwrite: bool) -> int:
        return export_run(run.journal, target, dag.dimensions, overwrite=overwrite)

    def recall(seq: int) -> Success | None:
        with JournalReader(run.journal) as reader:
            row = reader.answers([seq]).get(seq)
        value = None if row is None or row.state != "ok" else value_of(row, dag.dimensions[seq % len(dag)])
        return None if row is None or value is None else success_of(row, value)

    owned = [remember, *([simulator.aclose] if simulator else [])]
    try:
        if plan.journal is None and not run.journal.parent.exists():
            make_folder(run.journal.parent)
        carried = run.going.carried() if run.going else None
        journal = await asyncio.to_thread(
            Journal, run.journal, facts, plan_to_plain(plan), recipe, given.facts, carried
        )
        kept = None
        if run.going and run.choices:
            kept = run.going.earlier(run.choices, tells=bool(sinks))
            owned.append(kept.aclose)
    except BaseException:
        await gateway.aclose()
        for close in owned[1:]:
            await close()
        raise
    session = Session(
        plugin=plugin,
        records=given.source,
        gateway=gateway,
        settings=plan.settings,
        prices=prices,
        sinks=sinks,
        total=scan.records,
        title=title,
        results_path=results,
        run_id=run.id,
        seed=plan.seed,
        owned=owned,
        audit=auditor(simulator, prices, choices, at_once) if simulator else None,
        learnt=read_limits(_limits_file(), memory) if plan.remember else None,
        journal=journal,
        fingerprints=Fingerprints(route),
        earlier=kept,
        past=run.going.past if run.going else None,
        exporter=export,
        uncertain=_uncertain(run),
        recall=recall,
    )
    if scan.twice:
        session.note(f"{given.name}: {scan.twice}")
    if run.journal.parent.parent == runs_folder():  # a folder of the run's own, which nobody else can enter
        server = ControlServer(session, run.journal.parent)
        await server.start()
        session.own(server.aclose)
    return session


def _uncertain(run: _Run) -> Decimal:
    """What earlier sessions may have cost beyond what is known."""
    exposure = run.going.contract.exposure if run.going else None
    return exposure or Decimal(0)


def _check_budget(plan: Plan, prices: PriceTable, choices: Sequence[ProviderChoice]) -> None:
    if plan.settings.max_cost is None:
        return
    for choice in choices:
        if not prices.knows(choice.provider, choice.model):
            raise ConfigError(
                f"The price of {choice.model} is not known, so that no budget can be kept: set it under"
                f' [prices."{choice.model}"] in dagtui.toml, or leave --max-cost out.'
            )


def _read_again(plan: Plan, plugin: Plugin, past: Past) -> tuple[_Input, str]:
    """The input of a run that goes on, and how it differs from what any of its sessions read."""
    before = past.inputs[-1]
    if before.get("spool") or plan.scenario:
        given = _read_input(plan, plugin, None, before)
        return replace(given, facts={**given.facts, **{k: before[k] for k in ("spool",) if k in before}}), ""
    edited = any_changes(Path(plan.path), past.inputs)
    known = before if not edited or not changes(Path(plan.path), before) else None
    return _read_input(plan, plugin, None, known), edited


def _read_input(plan: Plan, plugin: Plugin, spool: Path | None, before: Mapping[str, Any] | None = None) -> _Input:
    """Open and scan the input; one that is as it was `before` need not be scanned again."""
    source = open_source(plan.path, format=plan.format, bad_rows=plan.settings.bad_rows, copy=spool)
    if before and before.get("records") is not None and not before.get("scenario"):
        scan = Scan(before["records"], before["bad"], None, tuple(before["columns"]), before["size"])
    else:
        scan = source.scan()
    first = source.preview(1)
    if plan.path != "-" and (missing := missing_fields(plugin, scan.columns)):
        raise BadInput(f"{source.name}: {missing}")
    facts: dict[str, Any] = {
        **(identity(source.path) if source.path is not None else {"spool": str(spool and spool.absolute())}),
        "path": str(source.path.absolute()) if source.path is not None else "-",
        "format": source.format,
        "delimiter": source.delimiter,
        "columns": list(scan.columns),
        "records": scan.records,
        "bad": scan.bad,
    }
    if plan.scenario is not None:
        story = scenario_named(plan.scenario)
        repeated = Repeated(source.preview(_SAMPLES), story.records)
        facts |= {"scenario": story.name, "records": story.records}
        return _Input(repeated, f"scenario {story.name}", replace(scan, records=story.records), first[0], facts)
    return _Input(source, source.name, scan, first[0] if first else None, facts)


def _refuse_stars(plan: Plan) -> None:
    """A config that the journal keeps without its keys would send requests another way than before."""
    if plan.portkey_config and inline_config(plan.portkey_config) and f'"{STARS}"' in plan.portkey_config:
        raise ConfigError(
            "The gateway's config holds keys, which the journal does not keep: give it again (--portkey-config)."
        )


def route_of(plan: Plan, settings: GatewaySettings) -> dict[str, str]:
    """The way that requests go, in words and without secrets: an answer depends on it."""
    route = {
        "gateway": plan.gateway,
        "provider": settings.provider or "",
        "custom_host": settings.custom_host or "",
    }
    return {**route, "config": without_secrets(settings.config)}


def _choices_by_name(plugin: Plugin, first: Record | None) -> dict[str, ProviderChoice]:
    return without_context(plugin, first.fields if first is not None else {})


def _sinks(plan: Plan, plugin: Plugin, scan: Scan) -> tuple[Path | None, list[Sink]]:
    """The files that results go into beside the journal, if somebody wants any."""
    from dagtui.io.export import FailuresWriter, ResultsWriter

    dag, columns = Dag(plugin.dimensions), scan.columns
    source = None if plan.path == "-" else Path(plan.path)
    output = plan.output
    sinks: list[Sink] = []
    if plan.stdout is not None:
        sinks.append(ResultsWriter(plan.stdout, plan.output_format or "jsonl", dag, columns))
    elif output is not None:
        wanted = plan.output_format or _format_of(output)
        sinks.append(ResultsWriter(output, wanted, dag, columns, source=source, overwrite=plan.overwrite))
    failures = failures_path(plan, output)
    if failures is not None:
        kind = _format_of(failures)
        sinks.append(FailuresWriter(failures, kind, columns, source=source, overwrite=plan.overwrite))
    return output, sinks


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


def remembered(plan: Plan, plugin: Plugin, environ: Mapping[str, str]) -> dict[str, Learnt]:
    """What earlier runs found out about the limits of the plan's gateway, by model; nothing without its key.

    Raises:
        ConfigError: the gateway cannot be what the plan says.
    """
    from dagtui.io.limits_file import read_limits

    try:
        settings = settings_of(plan, plugin, None, environ)
    except KeyMissing:
        return {}  # with other keys it may be another gateway: nothing is known of it
    return read_limits(_limits_file(), _memory(plan, settings)) if plan.remember else {}


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

    def describe(self, dimension: Dimension) -> Mapping[str, str]:
        return self._plugin.describe(dimension)

    async def _later(self, choice: Awaitable[ProviderChoice]) -> ProviderChoice:
        return self._changed(await choice)

    def _changed(self, choice: ProviderChoice) -> ProviderChoice:
        model, provider = self._plan.model or choice.model, self._plan.provider or choice.provider
        return replace(choice, model=model, provider=provider)
