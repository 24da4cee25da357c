"""The commands. They parse, then hand over; front ends are imported inside them, so that `--help` is quick and a
run without a screen never loads Textual."""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dagtui import __version__
from dagtui.options import (
    DEMO_CONCURRENCY,
    demo_options,
    option,
    pairs,
    plan_from,
    plan_options,
    read_config,
    theme_option,
)

if TYPE_CHECKING:
    from dagtui.plan import Plan

# About what a small model takes for such an email, so that there is something to watch.
_DEMO_PACE = ("latency_median_s=1.2", "latency_sigma=0.5")


class _Commands(click.Group):
    """`dagtui FILE` opens the app on FILE: what is no command is taken as a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "-h", "--help", "--version"):
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

    dagtui and dagtui FILE take the options of dagtui app: `dagtui app --help` tells them.

    Settings come from flags, then DAGTUI_* variables, then ./dagtui.toml, then your own configuration file.
    """


@cli.command("app", hidden=True)
@click.argument("file", required=False, default="")
@plan_options
@theme_option
def app_command(file: str, theme: str | None, **chosen: Any) -> None:
    """Open the app, on FILE if it is given. `dagtui FILE` is short for it."""
    if file and not os.path.exists(file):
        _refuse_word(file)
    with _said_plainly():
        config = read_config()
        _leave(_open_app(plan_from(config, path=file, **chosen), theme or config.get("theme")))


class _Scenarios(click.Command):
    """Its help lists the scenarios."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from dagtui.simulator.scenarios import SCENARIOS

        with formatter.section("Scenarios"):
            formatter.write_dl([(scenario.name, scenario.title) for scenario in SCENARIOS.values()])


@cli.command(cls=_Scenarios)
@demo_options
@theme_option
@click.option("--headless", is_flag=True, help="Without a screen.")
@click.option("--json", "as_json", is_flag=True, help="Without a screen: events as JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Without a screen: no narration.")
def demo(theme: str | None, headless: bool, as_json: bool, quiet: bool, **chosen: Any) -> None:
    """Run the hundred sample emails against the embedded simulator. No key, nothing is spent.

    With --scenario, run many more of them against a provider that makes trouble, and see at the end how near to
    the least possible time that came.
    """
    with _said_plainly():
        from dagtui.plan import sample_folder

        config = read_config()
        chosen["gateway"] = "demo"
        _play(chosen)
        plan = plan_from(config, path=str(sample_folder() / "emails.csv"), **chosen)
        if headless or as_json or quiet or not sys.stdout.isatty():
            _leave(_run_headless(plan, as_json=as_json, quiet=quiet, data_to_stdout=False))
        _leave(_open_app(plan, theme or config.get("theme"), start_at_once=True))


@cli.command()
@click.argument("file")
@plan_options
@option("--output-format", type=click.Choice(["csv", "tsv", "jsonl"]), help="Of results on stdout.  [jsonl]")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No narration.")
def run(file: str, output_format: str | None, as_json: bool, quiet: bool, **chosen: Any) -> None:
    """Run FILE (- is standard input) without a screen.

    Results go to stdout; on a terminal, into a file whose name is told, unless -o or --output-format is given.

    \b
    Exit codes: 0 all succeeded, 2 configuration, 3 some failed, 4 bad input, 5 keys, 6 budget,
    7 gateway unreachable, 130 interrupted, 1 anything else.
    """
    with _said_plainly():
        plan = plan_from(read_config(), path=file, output_format=output_format, **chosen)
        to_stdout = plan.output is None and (output_format is not None or not sys.stdout.isatty())
        _leave(_run_headless(plan, as_json=as_json, quiet=quiet, data_to_stdout=to_stdout))


@cli.command()
@plan_options
@click.argument("file", required=False, default="")
def check(file: str, **chosen: Any) -> None:
    """Look at keys, gateway, task, model, price and terminal; say what to do."""
    with _said_plainly():
        import asyncio  # a third of the time that `--help` takes

        from dagtui.check import check_all

        _leave(asyncio.run(check_all(plan_from(read_config(), path=file, **chosen), click.echo)))


class _Simulate(click.Command):
    """Its help lists the knobs and the scenarios, which it loads only then."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from dagtui.simulator.knobs import Knobs
        from dagtui.simulator.scenarios import SCENARIOS

        rows = [
            (f"{name}={json.dumps(field.default)}", field.description or "")
            for name, field in Knobs.model_fields.items()
        ]
        with formatter.section("Knobs, with their defaults"):
            formatter.write_dl(rows)
        with formatter.section("Scenarios"):
            formatter.write_dl([(scenario.name, scenario.title) for scenario in SCENARIOS.values()])


@cli.command(cls=_Simulate)
@click.option("--port", type=int, default=8788, show_default=True, help="0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--sim", multiple=True, metavar="KNOB=VALUE", help="Set a knob, such as requests_per_minute=600.")
@click.option("--scenario", metavar="NAME", help="Play a scenario, such as halving; knobs set with --sim win.")
def simulate(port: int, host: str, seed: int, sim: tuple[str, ...], scenario: str | None) -> None:
    """Serve the provider simulator alone: Messages and chat APIs, limits, faults, a ledger.

    PATCH /sim/knobs turns knobs while it runs; GET /sim/ledger tells what it served, and GET
    /sim/bound?concurrency=N how fast that could have been.
    """
    with _said_plainly():
        from dagtui.core.errors import ConfigError
        from dagtui.simulator import KnobError, Options, UnknownScenarioError, knobs_and_steps, serve

        try:
            knobs, steps = knobs_and_steps(scenario, pairs(sim, "--sim"))
        except KnobError as error:
            raise ConfigError(f"--sim: {error}") from None
        except UnknownScenarioError as error:
            raise ConfigError(f"--scenario: {error}") from None
        if host not in ("127.0.0.1", "::1", "localhost"):
            click.echo(f"dagtui: {host} can be reached by others; the simulator asks nobody for a key.", err=True)
        serve(Options(port=port, host=host, seed=seed, knobs=knobs, steps=steps))


@cli.command()
def tasks() -> None:
    """List the built-in tasks."""
    with _said_plainly():
        from dagtui.plan import Plan, task_choices, task_fields

        for choice in task_choices():
            click.echo(f"{choice.name:<10} {choice.description}")
            click.echo(f"{'':<10} reads {', '.join(task_fields(Plan(task=choice.name)))}; asks {choice.model}")


def _play(chosen: dict[str, Any]) -> None:
    """Fill in what the demo, or its scenario, brings along and nobody has chosen."""
    from dagtui.core.errors import ConfigError
    from dagtui.simulator.scenarios import UnknownScenarioError, scenario_named

    concurrency, timeout = DEMO_CONCURRENCY, None
    if chosen["scenario"] is None:
        chosen["sim"] = (*_DEMO_PACE, *chosen["sim"])
    else:
        try:
            scenario = scenario_named(chosen["scenario"])
        except UnknownScenarioError as error:
            raise ConfigError(f"--scenario: {error}") from None
        concurrency, timeout = scenario.concurrency, scenario.timeout
    for name, value in (("concurrency", concurrency), ("timeout", timeout)):
        if chosen[name] is None:
            chosen[name] = value


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

    from dagtui import process
    from dagtui.headless import run_headless

    if data_to_stdout and not as_json:
        plan = replace(plan, stdout=sys.stdout)
    with asyncio.Runner(loop_factory=process.new_loop) as runner:
        return runner.run(run_headless(plan, stream_events=as_json, quiet=quiet))


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
    except (
        OSError
    ):  # the reader of our data has gone, which is its right; or it was told that it cannot be written
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
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # data is UTF-8, and half a character stops no run
        reconfigure(encoding="utf-8", errors="backslashreplace")
    os.umask(0o077)  # what is written is for the user alone
    gc.set_threshold(50_000)  # loading makes much that stays: collecting on the way is a tenth of the start
    cli()
