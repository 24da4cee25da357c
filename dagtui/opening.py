"""From a plan to a session that is ready to start. Whatever can be wrong is found before the first request, and
said in one sentence."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from dagtui import __version__
from dagtui.chosen import choices_by_name, choices_of, plugin_of, refuse_stars, route_of, settings_of
from dagtui.core.contract import Choices
from dagtui.core.dag import Dag
from dagtui.core.errors import ConfigError, RunInUse
from dagtui.core.failures import failures_path
from dagtui.core.model import ProviderChoice
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.pricing import PriceTable
from dagtui.elsewhere.control import ControlServer
from dagtui.gateways import open_gateway
from dagtui.given import Given, read_again, read_input
from dagtui.io.source import Scan
from dagtui.memory import limits_path, memory_of
from dagtui.past.resuming import Going, recipe_of
from dagtui.past.runs import make_folder, runs_folder
from dagtui.revised import Revised

# The HTTP libraries, the engine and the writers take half a second to load, so they are imported where a run or a
# probe begins: a look at the plan does without.
if TYPE_CHECKING:
    from dagtui.core.ports import Sink
    from dagtui.past.extracts import Files
    from dagtui.session import Session

_NOWHERE = "http://localhost"  # where the demo's simulator would stand, had it been started


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
        given = await asyncio.to_thread(read_input, plan, plugin, spool)
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
    from dagtui.past.resuming import look_back as compare

    refuse_stars(plan)
    if is_locked(path):
        raise RunInUse(
            f"{path}: another process is at this run; watch it with dagtui attach, or wait for its end."
        )
    with JournalReader(path) as reader:
        past = await asyncio.to_thread(reader.past)
    plugin = plugin_of(plan)
    given, edited = await asyncio.to_thread(read_again, plan, plugin, past)
    settings = settings_of(
        plan, plugin, given.first, environ, base_url=_NOWHERE if plan.gateway == "demo" else None
    )
    route = route_of(plan, settings)
    now = json.loads(json.dumps(recipe_of(plugin, choices_by_name(plugin, given.first), route), default=str))
    return await compare(path, past, plugin, now, route, given.source, given.scan.records, edited)


async def open_resumed(going: Going, plan: Plan, choices: Choices, environ: Mapping[str, str]) -> Session:
    """A session that goes on with a run. Nothing has been sent to a model yet.

    Raises:
        DagtuiError: one sentence that says what is wrong, where, and what to do.
    """
    plugin = plugin_of(plan)
    given, _ = await asyncio.to_thread(read_again, plan, plugin, going.past)
    run = _Run(str(going.past.facts.get("id", going.path.parent.name)), going.path, going, choices)
    return await _open(replace(plan, overwrite=True, stale=choices.stale), plugin, given, environ, run)


@dataclass(frozen=True, slots=True)
class _Run:
    """Which run: a new one, or one that goes on."""

    id: str
    journal: Path
    going: Going | None = None
    choices: Choices | None = None


async def _open(plan: Plan, plugin: Plugin, given: Given, environ: Mapping[str, str], run: _Run) -> Session:
    from dagtui.audit import auditor
    from dagtui.core.fingerprint import Fingerprints
    from dagtui.io.journal import Journal
    from dagtui.io.limits_file import read_limits, write_limits
    from dagtui.io.plan_file import plan_to_plain
    from dagtui.io.simulated import simulator_of
    from dagtui.past.archive import Recorded
    from dagtui.past.extracts import JournalExtracts
    from dagtui.past.inspecting import Inspector
    from dagtui.session import Session

    scan, first = given.scan, given.first
    revised = Revised(run.going)
    results, sinks = _sinks(plan, plugin, scan, revised)
    prices = PriceTable(plan.prices)
    choices = choices_of(plugin, first)
    # The price table takes a third of a second to load: better before the first request than during it.
    await asyncio.to_thread(lambda: [prices.knows(choice.provider, choice.model) for choice in choices])
    _check_budget(plan, prices, choices)
    gateway, settings, simulator = await open_gateway(plan, plugin, first, environ, run.id)
    memory = memory_of(plan, settings)
    at_once = None if plan.settings.automatic else plan.settings.concurrency
    title = f"{given.name} · {plugin.name} · {plan.gateway}{revised.title}"
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
    recipe = recipe_of(plugin, choices_by_name(plugin, first), route)

    provider = simulator_of(gateway, settings.base_url)

    async def remember() -> None:
        # Limits that somebody turned by hand would mislead the next run.
        if plan.remember and not (provider and await provider.was_turned()):
            write_limits(limits_path(), memory, session.learnt())

    spool = Path(given.facts["spool"]) if given.facts.get("spool") else None
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
            kept = revised.kept = run.going.earlier(run.choices, tells=bool(sinks))
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
        audit=auditor(simulator, prices, choices, at_once, timed=plan.story is None) if simulator else None,
        learnt=read_limits(limits_path(), memory) if plan.remember else None,
        journal=journal,
        fingerprints=Fingerprints(route),
        earlier=kept,
        past=run.going.past if run.going else None,
        uncertain=_uncertain(run),
        archive=Recorded(run.journal, given.source, spool, dag),
        extracts=JournalExtracts(
            run.journal,
            dag,
            Inspector(run.journal, environ, plugin=plugin, base_url=settings.base_url),
            _files(plan) if sinks else None,
        ),
        provider=provider,
    )
    session.revisions = await asyncio.to_thread(revised.revisions)
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


def _sinks(plan: Plan, plugin: Plugin, scan: Scan, revised: Revised) -> tuple[Path | None, list[Sink]]:
    """The files that results go into beside the journal, if somebody wants any."""
    from dagtui.io.export import FailuresWriter, ResultsWriter

    dag, columns = Dag(plugin.dimensions), scan.columns
    source = None if plan.path == "-" else Path(plan.path)
    output = plan.output
    sinks: list[Sink] = []
    of = revised.of if revised.number > 1 else None
    if plan.stdout is not None:
        sinks.append(ResultsWriter(plan.stdout, plan.output_format or "jsonl", dag, columns, revision=of))
    elif output is not None:
        wanted = plan.output_format or _format_of(output)
        kept = plan.overwrite
        sinks.append(ResultsWriter(output, wanted, dag, columns, source=source, overwrite=kept, revision=of))
    failures = failures_path(plan, output)
    if failures is not None:
        kind = _format_of(failures)
        sinks.append(FailuresWriter(failures, kind, columns, source=source, overwrite=plan.overwrite))
    return output, sinks


def _files(plan: Plan) -> Files:
    """The files that go with the sinks, to be written anew if need be; what went to stdout cannot be."""
    from dagtui.past.extracts import Files

    results = None if plan.stdout is not None else plan.output
    kind = None if results is None else plan.output_format or _format_of(results)
    return Files(results, kind, failures_path(plan, plan.output))


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    formats = {"csv": "csv", "tsv": "tsv", "jsonl": "jsonl", "ndjson": "jsonl"}
    if suffix in formats:
        return formats[suffix]
    if path.exists() and not path.is_file():  # a device or a pipe, such as /dev/null; a folder is refused later
        return "jsonl"
    raise ConfigError(f'{path}: results are written as .csv, .tsv or .jsonl, not as "{path.suffix}"; rename it.')
