"""The commands. They parse, then hand over; front ends are imported inside them, so that `--help` is quick and a
run without a screen never loads Textual."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from dagtui import __version__

if TYPE_CHECKING:
    from dagtui.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])

_DEMO_CONCURRENCY = 100
# About what a small model takes for such an email, so that there is something to watch.
_DEMO_PACE = ("latency_median_s=1.2", "latency_sigma=0.5")


class _Commands(click.Group):
    """`dagtui FILE` opens the app on FILE: what is no command is taken as a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--help" not in args[:1] and "--version" not in args[:1] and (not args or args[0] not in self.commands):
            args.insert(0, "app")
        return super().parse_args(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dagtui")
def cli() -> None:
    """Push a file of records through a language model, at the speed of your rate limit, live.

    \b
    dagtui                 pick a file, a task and a concurrency, then watch and steer
    dagtui FILE            the same, with the file chosen
    dagtui demo            a hundred sample emails against the embedded simulator; no key needed
    dagtui run FILE        without a screen: progress on stderr, results on stdout or in a file

    Settings come from flags, then DAGTUI_* variables, then ./dagtui.toml, then your own configuration file.
    """


def _option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """An option that an environment variable may set: `--bad-rows` reads DAGTUI_BAD_ROWS."""
    long = next(name for name in names if name.startswith("--"))
    return click.option(*names, envvar="DAGTUI_" + long[2:].replace("-", "_").upper(), **attributes)


_PLAN_OPTIONS: Sequence[Callable[[Any], Any]] = (
    _option("-t", "--task", help="email, tickets, reviews, a task file (.toml), or module:NAME.  [email]"),
    _option("-g", "--gateway", help="demo, portkey, local, or a base URL.  [portkey with a key, else demo]"),
    _option("-c", "--concurrency", type=int, help="Requests in flight at once, 1 to 10,000.  [10]"),
    _option("-o", "--output", type=click.Path(path_type=Path), help="Results: a .csv, .tsv or .jsonl file."),
    _option("--failures", type=click.Path(path_type=Path), help="What failed, to run again.  [beside --output]"),
    _option("-m", "--model", help="Another model than the task's."),
    _option("--provider", help="Another provider than the task's, or @slug of the Model Catalog."),
    _option("--attempts", type=int, help="Tries a request; waiting out a rate limit does not count.  [5]"),
    _option("--timeout", type=float, help="Seconds an attempt may take.  [600]"),
    _option("--requests-per-minute", type=float, help="A cap of your own."),
    _option("--format", "input_format", help="csv, tsv, jsonl or txt, where the name does not tell."),
    _option("--bad-rows", type=click.Choice(["fail", "skip"]), help="Rows that cannot be read.  [fail]"),
    _option("--stop-on-error/--continue-on-error", default=None, help="Stop at the first failure."),
    _option("--portkey-config", help="A config id (pc-...) or inline JSON."),
    _option("--custom-host", help="The provider's base URL behind the gateway, with /v1."),
    click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Sent along; filters Portkey's logs."),
    click.option("--sim", multiple=True, metavar="KNOB=VALUE", help="Demo: set a knob of the simulator."),
    _option("--seed", type=int, default=0, help="Demo: the simulator's seed."),
)


def _plan_options(command: F) -> F:
    for option in reversed(_PLAN_OPTIONS):
        command = option(command)
    return command


@cli.command("app", hidden=True)
@click.argument("file", required=False, default="")
@_plan_options
@_option("--theme", help="The colours: dagtui-dark, dagtui-light, ...")
def app_command(file: str, theme: str | None, **chosen: Any) -> None:
    """Open the app, on FILE if it is given."""
    if file and not os.path.exists(file):
        _refuse_word(file)
    with _said_plainly():
        config = _config()
        _leave(_open_app(_plan(config, path=file, **chosen), theme or config.get("theme")))


@cli.command()
@_plan_options
@_option("--theme", help="The colours: dagtui-dark, dagtui-light, ...")
@click.option("--headless", is_flag=True, help="Without a screen.")
@click.option("--json", "as_json", is_flag=True, help="Without a screen: events as JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Without a screen: no narration.")
def demo(theme: str | None, headless: bool, as_json: bool, quiet: bool, **chosen: Any) -> None:
    """Run the hundred sample emails against the embedded simulator. No key, nothing is spent."""
    with _said_plainly():
        from dagtui.plan import sample_folder

        config = _config()
        chosen["gateway"] = "demo"
        chosen["sim"] = (*_DEMO_PACE, *chosen["sim"])
        chosen["concurrency"] = chosen["concurrency"] or _DEMO_CONCURRENCY
        plan = _plan(config, path=str(sample_folder() / "emails.csv"), **chosen)
        if headless or as_json or quiet or not sys.stdout.isatty():
            _leave(_run_headless(plan, as_json=as_json, quiet=quiet, data_to_stdout=False))
        _leave(_open_app(plan, theme or config.get("theme"), start_at_once=True))


@cli.command()
@click.argument("file")
@_plan_options
@_option("--output-format", type=click.Choice(["csv", "tsv", "jsonl"]), help="Of results on stdout.  [jsonl]")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No narration.")
def run(file: str, output_format: str | None, as_json: bool, quiet: bool, **chosen: Any) -> None:
    """Run FILE (- is standard input) without a screen.

    \b
    Exit codes: 0 all succeeded, 2 configuration, 3 some failed, 4 bad input, 5 keys, 6 budget,
    7 gateway unreachable, 130 interrupted, 1 anything else.
    """
    with _said_plainly():
        plan = _plan(_config(), path=file, output_format=output_format, **chosen)
        _leave(_run_headless(plan, as_json=as_json, quiet=quiet, data_to_stdout=plan.output is None))


@cli.command()
@_plan_options
@click.argument("file", required=False, default="")
def check(file: str, **chosen: Any) -> None:
    """Look at keys, gateway, task, model, price and terminal; say what to do."""
    with _said_plainly():
        import asyncio  # a third of the time that `--help` takes

        from dagtui.check import check_all

        _leave(asyncio.run(check_all(_plan(_config(), path=file, **chosen), click.echo)))


@cli.command()
@click.option("--port", type=int, default=8788, show_default=True, help="0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--sim", multiple=True, metavar="KNOB=VALUE", help="Set a knob; `GET /sim/knobs` lists them.")
def simulate(port: int, host: str, seed: int, sim: tuple[str, ...]) -> None:
    """Serve the provider simulator alone: Messages and chat APIs, limits, faults, a ledger."""
    with _said_plainly():
        from dagtui.core.errors import ConfigError
        from dagtui.simulator import KnobError, Options, read_knobs, serve

        try:
            knobs = read_knobs(json.dumps(_pairs(sim, "--sim")))
        except KnobError as error:
            raise ConfigError(f"--sim: {error}") from None
        serve(Options(port=port, host=host, seed=seed, knobs=knobs))


@cli.command()
def tasks() -> None:
    """List the built-in tasks."""
    with _said_plainly():
        from dagtui.plan import Plan, task_choices, task_fields

        for choice in task_choices():
            click.echo(f"{choice.name:<10} {choice.description}")
            click.echo(f"{'':<10} reads {', '.join(task_fields(Plan(task=choice.name)))}; asks {choice.model}")


# --- from options to a plan ---


def _config() -> dict[str, Any]:
    """What the settings files say, by name; without files, nothing."""
    from dagtui.io.config import load_config

    return dict(load_config(Path.cwd()) or ())


def _plan(config: dict[str, Any], *, path: str, **chosen: Any) -> Plan:
    from dagtui.core.run_settings import RunSettings
    from dagtui.plan import Plan, default_plan_gateway

    def pick(name: str) -> Any:
        given = chosen.get(name)
        return config.get(name) if given is None else given

    names = ("concurrency", "attempts", "timeout", "requests_per_minute", "bad_rows")
    values = {name: value for name in names if (value := pick(name)) is not None}
    if chosen["stop_on_error"] is not None:
        values["continue_on_error"] = not chosen["stop_on_error"]
    return Plan(
        path=path,
        task=pick("task") or "email",
        gateway=pick("gateway") or default_plan_gateway(),
        settings=RunSettings(**values),
        format=chosen["input_format"],
        output=chosen["output"],
        output_format=chosen.get("output_format"),
        failures=chosen["failures"],
        model=chosen["model"],
        provider=pick("provider"),
        portkey_config=pick("portkey_config"),
        custom_host=pick("custom_host"),
        metadata={**config.get("metadata", {}), **_pairs(chosen["metadata"], "--metadata")},
        prices=config.get("prices", {}),
        knobs=_pairs(chosen["sim"], "--sim"),
        seed=chosen["seed"],
    )


def _pairs(given: Sequence[str], flag: str) -> dict[str, Any]:
    """`KEY=VALUE` pairs; a value that is JSON (a number, true, null) is taken as such for the simulator."""
    pairs: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.UsageError(f'{flag} takes KEY=VALUE, not "{text}".')
        pairs[key] = _value(value) if flag == "--sim" else value
    return pairs


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- handing over ---


def _open_app(plan: Plan, theme: str | None, *, start_at_once: bool = False) -> int:
    if not sys.stdout.isatty():
        raise click.UsageError('The app needs a terminal; without one, use "dagtui run FILE".')
    gc.disable()  # until the first screen is painted: a twentieth of the time until then
    from dagtui.tui.app import run_app  # Textual is loaded only when the screen is wanted

    return run_app(plan, start_at_once=start_at_once, theme=theme)


def _run_headless(plan: Plan, *, as_json: bool, quiet: bool, data_to_stdout: bool) -> int:
    import asyncio
    from dataclasses import replace

    from dagtui.headless import run_headless

    if data_to_stdout and not as_json:
        plan = replace(plan, stdout=sys.stdout)
    return asyncio.run(run_headless(plan, stream_events=as_json, quiet=quiet))


class _said_plainly:  # noqa: N801 - reads as the statement that it is
    """Errors of ours become one sentence on stderr and their exit code; never a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from dagtui.core.errors import DagtuiError

        if isinstance(error, DagtuiError):
            from dagtui.core.text import visible

            click.echo(f"dagtui: {visible(str(error))}", err=True)
            _leave(error.exit_code)


def _leave(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our data has gone, which is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(int(code))


def _refuse_word(word: str) -> NoReturn:
    from dagtui.core.errors import nearest
    from dagtui.core.text import visible

    hint = nearest(word, cli.commands)
    click.echo(f'dagtui: there is no file and no command "{visible(word)}"{hint}; see dagtui --help.', err=True)
    _leave(4)


def main() -> None:
    """The entry point."""
    gc.set_threshold(50_000)  # loading makes much that stays: collecting on the way is a tenth of the start
    cli()
