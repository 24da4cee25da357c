"""The options of the commands, and the plan that they make together with the settings files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from dagtui.core.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])

DEMO_CONCURRENCY = 100
_TARGET = click.Path(path_type=Path)


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """An option that an environment variable may set: `--bad-rows` reads DAGTUI_BAD_ROWS."""
    long = next(name for name in names if name.startswith("--"))
    return click.option(*names, envvar="DAGTUI_" + long[2:].replace("-", "_").upper(), **attributes)


def _concurrency(default: int) -> Callable[[Any], Any]:
    help_text = f"Requests in flight at once, 1 to 10,000, or auto.  [{default}]"
    return option("-c", "--concurrency", type=_Concurrency(), help=help_text)


class _Concurrency(click.ParamType[int | str] if TYPE_CHECKING else click.ParamType):
    """A whole number, or the word auto."""

    name = "number|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "auto" or isinstance(value, int):
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a whole number nor auto.", param, ctx)


class _Dollars(click.ParamType[Decimal] if TYPE_CHECKING else click.ParamType):
    """An exact number above 0; a dollar sign may stand before it."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            dollars = Decimal(str(value).strip().removeprefix("$"))
        except InvalidOperation:
            self.fail(f"{value!r} is no number of dollars.", param, ctx)
        if not (dollars.is_finite() and dollars > 0):
            self.fail("must be above 0.", param, ctx)
        return dollars


_TASK = option("-t", "--task", help="email, tickets, reviews, a task file (.toml), or module:NAME.  [email]")
_TARGETS: Sequence[Callable[[Any], Any]] = (
    option("-o", "--output", type=_TARGET, help="Results: a .csv, .tsv or .jsonl file."),
    option("--failures", type=_TARGET, help="What failed, to run again.  [beside --output]"),
    # No variable sets it: that would switch the guard off for good.
    click.option("--overwrite", is_flag=True, help="Replace results and failures of an earlier run."),
)


class _Share(click.ParamType[float] if TYPE_CHECKING else click.ParamType):
    """A percentage, such as 95%, or a share from 0 to 1."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            self.fail(f"{value!r} is no percentage, such as 95%.", param, ctx)
        if not 0.0 <= share <= 1.0:
            self.fail(f"{value!r} must be from 0% to 100%; write 95 as 95%.", param, ctx)
        return share


_ASKING: Sequence[Callable[[Any], Any]] = (
    option("-m", "--model", help="Another model than the task's."),
    option("--provider", help="Another provider than the task's, or @slug of the Model Catalog."),
    option(
        "--attempts",
        type=int,
        help="Tries a request, 3 of those whose answer may be paid and lost; waiting out limits and outages "
        "does not count.  [5]",
    ),
    option("--timeout", type=float, help="Seconds an attempt may take.  [600]"),
    option("--ceiling", type=int, help="The most that --concurrency auto may become.  [1000]"),
    click.option(
        "--limit",
        multiple=True,
        metavar="KIND=N",
        help="A limit of the provider's that you know: requests, input or output (tokens), a minute.",
    ),
    option("--requests-per-minute", type=float, help="A cap of your own."),
    option("--gateway-retries", type=click.IntRange(0, 5), help="Leave retrying to the gateway: so many times."),
    option("--max-cost", type=_Dollars(), metavar="DOLLARS", help="A budget: the run stops before it costs more."),
    option("--dedupe/--no-dedupe", default=None, help="Answer identical requests once."),
    option("--hedge/--no-hedge", default=None, help="Ask once more when an answer takes far longer than others."),
    click.option("--forget", is_flag=True, help="Do not use or keep what runs learn of the provider's limits."),
    option(
        "--pilot", type=click.IntRange(min=1), metavar="N", help="Stop after N records, and ask whether to go on."
    ),
    option(
        "--pilot-min-ok",
        type=_Share(),
        metavar="PERCENT",
        help="Without a screen: the share of the pilot that must be done to go on by itself.  [90%]",
    ),
    option(
        "--stop-when",
        metavar="RULE",
        help="Pause (without a screen: stop) when the last 100 requests are like this: failed>20%, empty>5%, "
        "refused>5%, truncated>5%, identical>50%, drift>25; several with commas, another number after a slash.",
    ),
    option("--stop-on-error/--continue-on-error", default=None, help="Stop at the first failure."),
)
_INPUT: Sequence[Callable[[Any], Any]] = (
    option("--format", "input_format", help="csv, tsv, jsonl or txt, where the name does not tell."),
    option("--journal", type=_TARGET, help="The journal's file (.db).  [in the state folder]"),
    option("--bad-rows", type=click.Choice(["fail", "skip"]), help="Rows that cannot be read.  [fail]"),
)
_GATEWAY: Sequence[Callable[[Any], Any]] = (
    option("--portkey-config", help="A config id (pc-...) or inline JSON."),
    option("--custom-host", help="The provider's base URL behind the gateway, with /v1."),
    click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Sent along; filters Portkey's logs."),
)
_SIMULATOR: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--sim",
        multiple=True,
        metavar="KNOB=VALUE",
        help="Demo: set a knob of the simulator; `dagtui simulate --help` lists them.",
    ),
    option("--seed", type=int, default=0, help="Demo: the simulator's seed.  [0]"),
)
_SCENARIO = click.option("--scenario", metavar="NAME", help="Limits and faults by themselves: see below.")
_STORY: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--story",
        is_flag=False,
        flag_value="tour",
        metavar="[NAME]",
        help="Told in chapters with captions: see below.  [tour]",
    ),
    # For tests and for those who know the story: a chapter takes its seconds divided by this.
    click.option("--pace", type=click.FloatRange(0.1, 100), default=1.0, hidden=True),
)


def plan_options(command: F) -> F:
    """The options of a command that runs a file."""
    named = option("-g", "--gateway", help="demo, portkey, local, or a base URL.  [portkey with a key, else demo]")
    return _with(command, (_TASK, named, _concurrency(10), *_TARGETS, *_ASKING, *_INPUT, *_GATEWAY, *_SIMULATOR))


def demo_options(command: F) -> F:
    """Those of the demo, whose file and gateway are given."""
    return _with(
        command, (_SCENARIO, *_STORY, _TASK, _concurrency(DEMO_CONCURRENCY), *_TARGETS, *_ASKING, *_SIMULATOR)
    )


_DECISIONS: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--on-ambiguous",
        type=click.Choice(["retry", "skip", "ask"]),
        help="What may have been billed without an answer.  [ask]",
    ),
    click.option(
        "--stale", type=click.Choice(["redo", "keep"]), help="Answers to what would be asked otherwise now."
    ),
    click.option("--failed", type=click.Choice(["retry", "keep"]), help="What failed for good.  [retry]"),
    click.option("-y", "--yes", is_flag=True, help="Ask nothing: again what is stale or perhaps billed."),
)


def resume_options(command: F) -> F:
    """Those of a run that goes on: what is not given stays as it was."""
    named = option("-g", "--gateway", help="Another gateway.")
    changes = (_TASK, named, _concurrency_kept(), *_TARGETS[:2], *_ASKING, *_GATEWAY, _SIMULATOR[0])
    return _with(command, (*_DECISIONS, *changes))


def _concurrency_kept() -> Callable[[Any], Any]:
    return option("-c", "--concurrency", type=_Concurrency(), help="Requests in flight at once, or auto.")


def changed(plan: Plan, chosen: dict[str, Any]) -> Plan:
    """`plan` with what was given on the command line in its place.

    Raises:
        ConfigError: a setting is out of its bounds.
    """
    from dataclasses import replace

    from dagtui.core.run_settings import AUTOMATIC_START

    names = ("ceiling", "attempts", "timeout", "requests_per_minute", "hedge", "dedupe", "max_cost")
    names += ("pilot", "pilot_min_ok")
    values: dict[str, Any] = {name: chosen[name] for name in names if chosen[name] is not None}
    if chosen["stop_when"] is not None:
        values["stop_rule"] = chosen["stop_when"]
    concurrency = chosen["concurrency"]
    if concurrency is not None:
        automatic = concurrency == "auto"
        values |= {"concurrency": AUTOMATIC_START if automatic else concurrency, "automatic": automatic}
    if chosen["limit"]:
        values["limits"] = {**plan.settings.limits, **limits_from(chosen["limit"])}
    if chosen["stop_on_error"] is not None:
        values["continue_on_error"] = not chosen["stop_on_error"]
    if chosen["gateway_retries"] is not None:
        values["retries_by"] = "gateway"
    direct = (
        *("task", "gateway", "model", "provider", "portkey_config", "custom_host"),
        *("output", "failures", "gateway_retries"),
    )
    given: dict[str, Any] = {name: chosen[name] for name in direct if chosen[name] is not None}
    if chosen["metadata"]:
        given["metadata"] = {**plan.metadata, **pairs(chosen["metadata"], "--metadata")}
    if chosen["sim"]:
        given["knobs"] = {**plan.knobs, **pairs(chosen["sim"], "--sim")}
    if chosen["forget"]:
        given["remember"] = False
    return replace(plan, settings=replace(plan.settings, **values), **given)


def detach_option(command: F) -> F:
    """That of a command whose run may outlive its terminal."""
    words = "In a process of its own, which outlives this terminal; dagtui attach comes back to it."
    return click.option("--detach", is_flag=True, help=words)(command)


def theme_option(command: F) -> F:
    """That of a command that may open the app."""
    return option("--theme", help="The colours: dagtui-dark, dagtui-light, ...")(command)


def _with(command: F, options: Sequence[Callable[[Any], Any]]) -> F:
    for add in reversed(options):
        command = add(command)
    return command


def read_config() -> dict[str, Any]:
    """What the settings files say, by name; without files, nothing."""
    from dagtui.io.config import load_config

    config = load_config(Path.cwd())
    # By iteration: it has a setting named `keys`, for which `dict` would take its method.
    return {} if config is None else dict(iter(config))


def plan_from(config: dict[str, Any], *, path: str, **chosen: Any) -> Plan:
    """The plan: options go before the settings files, those before the defaults.

    Raises:
        ConfigError: a setting is out of its bounds.
    """
    from dagtui.core.plan import Plan
    from dagtui.core.run_settings import AUTOMATIC_START, RunSettings
    from dagtui.plan import default_plan_gateway

    def pick(name: str) -> Any:
        given = chosen.get(name)
        return config.get(name) if given is None else given

    _refuse_open_key(chosen.get("portkey_config"))
    names = ("concurrency", "ceiling", "attempts", "timeout", "requests_per_minute", "hedge", "bad_rows")
    names += ("dedupe", "max_cost", "pilot", "pilot_min_ok")
    values = {name: value for name in names if (value := pick(name)) is not None}
    if chosen["concurrency"] == "auto" or (chosen["concurrency"] is None and config.get("automatic")):
        values |= {"concurrency": AUTOMATIC_START, "automatic": True}
    values["limits"] = {**config.get("limits", {}), **limits_from(chosen["limit"])}
    if (gateway_retries := pick("gateway_retries")) is not None:
        values["retries_by"] = "gateway"
    if chosen["stop_on_error"] is not None:
        values["continue_on_error"] = not chosen["stop_on_error"]
    if (rule := pick("stop_when")) is not None:
        values["stop_rule"] = rule
    return Plan(
        path=path,
        task=pick("task") or "email",
        gateway=pick("gateway") or default_plan_gateway(),
        settings=RunSettings(**values),
        format=chosen.get("input_format"),
        output=chosen["output"],
        output_format=chosen.get("output_format"),
        failures=chosen["failures"],
        overwrite=chosen["overwrite"],
        model=chosen["model"],
        provider=pick("provider"),
        portkey_config=pick("portkey_config"),
        custom_host=pick("custom_host"),
        metadata={**config.get("metadata", {}), **pairs(chosen.get("metadata", ()), "--metadata")},
        prices=config.get("prices", {}),
        knobs=pairs(chosen["sim"], "--sim"),
        seed=chosen["seed"],
        scenario=chosen.get("scenario"),
        story=chosen.get("story"),
        pace=chosen.get("pace", 1.0),
        gateway_retries=gateway_retries,
        remember=not chosen["forget"],
        journal=chosen.get("journal"),
    )


def _refuse_open_key(config: str | None) -> None:
    """Whoever lists the processes reads the flags of all of them."""
    context = click.get_current_context(silent=True)
    if config is None or context is None:
        return
    from dagtui.io.credentials import has_inline_key

    typed = context.get_parameter_source("portkey_config") is ParameterSource.COMMANDLINE
    if typed and has_inline_key(config):
        raise click.UsageError(
            "The config holds a key, which the list of processes would show; put it into DAGTUI_PORTKEY_CONFIG."
        )


def limits_from(given: Sequence[str]) -> dict[str, float]:
    """The limits of `--limit KIND=N`."""
    found: dict[str, float] = {}
    for kind, text in pairs(given, "--limit").items():
        try:
            found[kind] = float(text.replace(",", "").replace("_", ""))
        except ValueError:
            message = f'--limit takes a number a minute, such as requests=4000, not "{text}".'
            raise click.UsageError(message) from None
    return found


def pairs(given: Sequence[str], flag: str) -> dict[str, Any]:
    """`KEY=VALUE` pairs; a value that is JSON (a number, true, null) is taken as such for the simulator."""
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.UsageError(f'{flag} takes KEY=VALUE, not "{text}".')
        found[key] = _value(value) if flag == "--sim" else value
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
