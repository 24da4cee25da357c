"""`dagtui estimate`: what a run will take, found out without the network: the input is read, prompts are built."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import exp
from typing import TYPE_CHECKING, Any

from dagtui.chosen import plugin_of
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError, ExitCode
from dagtui.core.estimate import Built, Estimate, Limit, Pace, Resource, check_budget, estimate
from dagtui.core.estimate_text import as_plain, as_sections
from dagtui.core.even_sample import EvenSample
from dagtui.core.pacing.departure import Kind
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.pricing import PriceTable
from dagtui.core.report import as_text
from dagtui.core.run_settings import AUTOMATIC_START
from dagtui.core.span import Span
from dagtui.core.text import visible
from dagtui.core.token_guess import Experience
from dagtui.io.rows import OURS, Fields
from dagtui.io.source import FileSource, Scan, open_source
from dagtui.io.tasks import missing_fields
from dagtui.memory import remembered
from dagtui.simulator.knobs import KnobError, Knobs, change_knobs
from dagtui.sizing import Sizer

if TYPE_CHECKING:
    from dagtui.core.pacing.learnt import Learnt

SAMPLE = 1_000
"""Records whose prompts are built, at most."""

_MOST_CHARACTERS = 50_000_000.0  # of the whole sample, which waits in memory for the end of the file
_KINDS: Mapping[Kind, Resource] = {
    Kind.REQUESTS: "requests",
    Kind.INPUT: "input",
    Kind.RESERVED_OUTPUT: "output",
    Kind.ACTUAL_OUTPUT: "output",
}


@dataclass(frozen=True, slots=True)
class Estimated:
    """The figures for a plan, with what has to be said about them: `notes` are sentences."""

    name: str
    bad_rows: int
    figures: Estimate
    notes: tuple[str, ...]


async def run_estimate(plan: Plan, say: Callable[[str], None], *, as_json: bool = False) -> ExitCode:
    """Say what a run of `plan` will take; BUDGET if that is likely more than the plan's budget.

    Raises:
        DagtuiError: what a run would refuse, it refuses as well.
    """
    found = await estimate_plan(plan)
    budget = _budget(plan)
    figures = found.figures
    if budget is not None:
        check_budget(figures, budget)
    automatic = plan.settings.automatic
    if as_json:
        concurrency = "auto" if automatic else plan.settings.concurrency
        plain = {"file": found.name, **as_plain(figures, found.bad_rows, concurrency, found.notes)}
        say(json.dumps(plain, ensure_ascii=False))
    else:
        words = "which is automatic" if automatic else f"{plan.settings.concurrency:,} at once"
        say(visible(as_text(as_sections(figures, found.name, found.bad_rows, words, found.notes, budget))))
    over = budget is not None and figures.dollars is not None and figures.dollars.likely > budget
    return ExitCode.BUDGET if over else ExitCode.OK


async def estimate_plan(
    plan: Plan,
    environ: Mapping[str, str] | None = None,
    *,
    experience: Mapping[str, Experience] | None = None,
    left: int | None = None,
) -> Estimated:
    """What a run of `plan` will take. Nothing is sent anywhere, and the simulator is not started.

    `experience` is what earlier runs of the same question and model came to, by the question's name. `left` is the
    number of requests that are still to be asked, where a run goes on; all of them if None.

    Raises:
        DagtuiError: the input cannot be read, lacks a field, or the task or a setting is wrong.
    """
    environ = os.environ if environ is None else environ
    plugin = plugin_of(plan)
    source, scan, fields = await asyncio.to_thread(_read, plan, plugin)
    knobs = _knobs(plan)
    limits = _limits(plan, plugin, environ, knobs)
    sizer = Sizer(plugin, experience or {}, None if knobs is None else _simulated(knobs))
    sample = [await sizer.sizes(index, one) for index, one in enumerate(fields)]
    _refuse_unsized(sizer)
    dag = Dag(plugin.dimensions)
    prices = PriceTable(plan.prices)
    records = scan.records or 0
    pace = Pace(_at_once(plan, limits.at_once), limits.known, sizer.depth)
    figures = await asyncio.to_thread(estimate, sample, records, len(dag), prices, pace, left)
    notes = _notes(plan, sizer, sample, figures, bool(limits.known))
    return Estimated(source.name, scan.bad, figures, notes)


def _read(plan: Plan, plugin: Plugin) -> tuple[FileSource, Scan, list[Fields]]:
    """Go over the whole input once, and keep a sample of its records."""
    source = open_source(plan.path, format=plan.format, bad_rows=plan.settings.bad_rows)
    sample = EvenSample[Fields](SAMPLE, _MOST_CHARACTERS)

    def look(index: int, fields: Fields) -> None:
        if sample.wants(index):
            kept = {name: value for name, value in fields.items() if not name.startswith(OURS)}
            sample.add(index, kept, sum(len(str(value)) for value in kept.values()))

    scan = source.survey(look)
    if missing := missing_fields(plugin, scan.columns):
        raise BadInput(f"{source.name}: {missing}")
    return source, scan, sample.members


def _refuse_unsized(sizer: Sizer) -> None:
    """A question that nothing could be asked, because it cannot read answers that are made up."""
    for name, problem in sizer.unsized.items():
        raise ConfigError(
            f'The prompt of "{name}" cannot be built without the answers that it needs ({problem}), so this task '
            "cannot be estimated; try it on a few records instead."
        )


# --- how fast ---


@dataclass(frozen=True, slots=True)
class _Limits:
    known: tuple[Limit, ...]
    at_once: int | None


def _knobs(plan: Plan) -> Knobs | None:
    """How the embedded simulator would behave, where it is the gateway."""
    if plan.gateway != "demo":
        return None
    try:
        return change_knobs(Knobs(), plan.knobs)
    except KnobError as error:
        raise ConfigError(f"--sim: {error}") from None


def _simulated(knobs: Knobs) -> Callable[[Span], Span]:
    """Seconds until an answer of the simulator: lognormal, whose mean lies above its median."""
    mean = knobs.latency_median_s * exp(knobs.latency_sigma**2 / 2)

    def seconds(output: Span) -> Span:
        return Span(mean * 0.8, mean, mean * 1.25 + 0.02) + output.times(knobs.latency_per_output_token_s)

    return seconds


def _limits(plan: Plan, plugin: Plugin, environ: Mapping[str, str], knobs: Knobs | None) -> _Limits:
    """Every limit that is known, and how many may be in flight by what an earlier run found."""
    found: list[Limit] = []
    at_once: int | None = None
    settings = plan.settings
    if knobs is not None:
        names: tuple[tuple[Resource, Any], ...] = (
            ("requests", "requests"),
            ("input", "input_tokens"),
            ("output", "output_tokens"),
        )
        for resource, name in names:
            if (rate := knobs.per_minute(name)) is not None:
                found.append(Limit(resource, rate, "simulator", knobs.capacity(name)))
        at_once = knobs.concurrency_cap
    else:
        earlier = remembered(plan, plugin, environ)
        found += [limit for lane, learnt in earlier.items() for limit in _of(lane, learnt, settings.limits)]
        at_once = min((one.concurrency for one in earlier.values() if one.concurrency), default=None)
        kinds: tuple[Resource, ...] = ("requests", "input", "output")
        found += [Limit(kind, settings.limits[kind], "told") for kind in kinds if kind in settings.limits]
    if settings.requests_per_minute is not None:
        found.append(Limit("requests", settings.requests_per_minute, "own", settings.requests_per_minute / 600))
    return _Limits(tuple(found), at_once)


def _of(lane: str, learnt: Learnt, told: Mapping[str, float]) -> list[Limit]:
    """What an earlier run found; what the user tells now goes before it. Output is mirrored twice: one will do."""
    found: dict[Resource, Limit] = {}
    for kind, bucket in learnt.buckets.items():
        resource = _KINDS[kind]
        if resource not in told:
            found[resource] = Limit(resource, bucket.rate * 60, "remembered", bucket.capacity, lane)
    return list(found.values())


def _at_once(plan: Plan, cap: int | None) -> Span:
    """Requests in flight. Automatic concurrency finds its own: between where it starts and its ceiling."""
    settings = plan.settings
    fixed = float(settings.concurrency)
    span = Span(fixed, fixed, fixed)
    if settings.automatic:
        span = Span(fixed, min(5.0 * AUTOMATIC_START, settings.ceiling), float(settings.ceiling))
    return span if cap is None else span.capped(cap)


# --- what has to be said ---


def _notes(plan: Plan, sizer: Sizer, sample: list[Built], figures: Estimate, limited: bool) -> tuple[str, ...]:
    said = [_basis(sizer)]
    if sizer.placeholders:
        said.append("Questions that read other answers were sized with made-up answers of a plausible length.")
    said.append("A request is counted once: answers that are asked for again, or asked twice, come on top.")
    if plan.gateway == "demo":
        said.append("The demo spends nothing: this is what the model would cost.")
    elif not limited:
        said.append("No rate limit is known. If the provider has one, it takes longer: tell it with --limit.")
    if sizer.problems:
        records = sum(None in built for built in sample)
        said.append(
            f"{records:,} of the {len(sample):,} records looked at cannot be asked everything, and cost less; "
            f"the first: {sizer.problems[0]}"
        )
    said += [
        f'The price of {model} is unknown: add [prices."{model}"] to dagtui.toml to see the cost.'
        for model in figures.unpriced
    ]
    return tuple(said)


def _basis(sizer: Sizer) -> str:
    if sizer.experienced:
        runs = "Tokens and pace come from earlier runs of this task"
        return f"{runs}." if sizer.experienced == len(sizer.names) else f"{runs}, as far as there were any."
    return (
        "Tokens in are guessed from the characters of the prompts, tokens out from the shape of the answer and "
        "max_tokens."
    )


def _budget(plan: Plan) -> Decimal | None:
    """The most that the run may cost, where the plan has such a setting."""
    found: object = getattr(plan.settings, "max_cost", None)
    return found if isinstance(found, Decimal) else None
