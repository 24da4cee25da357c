"""The commands. They parse, then hand over."""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any, NoReturn

import click

from dagtui import __version__
from dagtui.commands.options import (
    DEMO_CONCURRENCY,
    demo_options,
    detach_option,
    option,
    pairs,
    plan_from,
    plan_options,
    read_config,
    theme_option,
)
from dagtui.commands.runs import COMMANDS
from dagtui.commands.screen import COMMANDS as SCREEN_COMMANDS
from dagtui.commands.shell import detached_or_leave, has_screen, leave, open_app, run_headless, said_plainly

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
    dagtui resume          go on with the last run; nothing that was answered is asked again
    dagtui estimate FILE   what that will take: tokens, dollars, time; nothing is sent

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
    with said_plainly():
        config = read_config()
        leave(open_app(plan_from(config, path=file, **chosen), theme or config.get("theme")))


class _Scenarios(click.Command):
    """Its help lists the scenarios and the stories."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from dagtui.simulator.scenarios import SCENARIOS
        from dagtui.stories import STORIES

        with formatter.section("Scenarios"):
            formatter.write_dl([(scenario.name, scenario.title) for scenario in SCENARIOS.values()])
        with formatter.section("Stories"):
            formatter.write_dl([(story.name, story.title) for story in STORIES.values()])


@cli.command(cls=_Scenarios)
@demo_options
@theme_option
@click.option("--headless", is_flag=True, help="Without a screen.")
@click.option("--json", "as_json", is_flag=True, help="Without a screen: events as JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Without a screen: no narration.")
def demo(theme: str | None, headless: bool, as_json: bool, quiet: bool, **chosen: Any) -> None:
    """Run the hundred sample emails against the embedded simulator. No key, nothing is spent.

    With --scenario, run many more of them against a provider that makes trouble, and see at the end how near to
    the least possible time that came. With --story, be told and shown what happens, chapter by chapter.
    """
    with said_plainly():
        from dagtui.plan import sample_folder

        config = read_config()
        chosen["gateway"] = "demo"
        _play(chosen)
        plan = plan_from(config, path=str(sample_folder() / "emails.csv"), **chosen)
        if headless or as_json or quiet or not has_screen():
            leave(run_headless(plan, as_json=as_json, quiet=quiet, data_to_stdout=False))
        leave(open_app(plan, theme or config.get("theme"), start_at_once=True))


@cli.command()
@click.argument("file")
@plan_options
@option("--output-format", type=click.Choice(["csv", "tsv", "jsonl"]), help="Of results on stdout.  [jsonl]")
@detach_option
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No narration.")
def run(file: str, output_format: str | None, as_json: bool, quiet: bool, detach: bool, **chosen: Any) -> None:
    """Run FILE (- is standard input) without a screen.

    Results go to stdout; on a terminal, into a file whose name is told, unless -o or --output-format is given.

    \b
    Exit codes: 0 all succeeded, 2 configuration, 3 some failed, or the run stopped after its pilot or by
    --stop-when, 4 bad input, 5 keys, 6 budget, 7 gateway unreachable, 130 interrupted, 1 anything else.
    """
    with said_plainly():
        detached = detached_or_leave(file == "-", output_format or as_json) if detach else None
        plan = plan_from(read_config(), path=file, output_format=output_format, **chosen)
        to_stdout = (
            detached is None and plan.output is None and (output_format is not None or not sys.stdout.isatty())
        )
        leave(run_headless(plan, as_json=as_json, quiet=quiet, data_to_stdout=to_stdout, detached=detached))


@cli.command()
@plan_options
@click.argument("file", required=False, default="")
def check(file: str, **chosen: Any) -> None:
    """Look at keys, gateway, task, model, price and terminal; say what to do."""
    with said_plainly():
        import asyncio  # a third of the time that `--help` takes

        from dagtui.check import check_all

        leave(asyncio.run(check_all(plan_from(read_config(), path=file, **chosen), click.echo)))


@cli.command()
@click.argument("file")
@plan_options
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def estimate(file: str, as_json: bool, **chosen: Any) -> None:
    """Say what a run of FILE will take: records, tokens, dollars and time, before a cent is spent.

    It takes the options of `dagtui run`, needs no key and sends nothing. Every figure comes with the least and the
    most that it may be.
    """
    with said_plainly():
        import asyncio
        import signal

        from dagtui.estimate import run_estimate

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is to be saved, so Ctrl+C need not wait for a read
        plan = plan_from(read_config(), path=file, **chosen)
        leave(asyncio.run(run_estimate(plan, lambda text: click.echo(text.rstrip("\n")), as_json=as_json)))


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
    with said_plainly():
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
        serve(Options(port=port, host=host, seed=seed, knobs=knobs, steps=steps, scenario=scenario or ""))


@cli.command()
def tasks() -> None:
    """List the built-in tasks."""
    with said_plainly():
        from dagtui.plan import Plan, task_choices, task_fields

        for choice in task_choices():
            click.echo(f"{choice.name:<10} {choice.description}")
            click.echo(f"{'':<10} reads {', '.join(task_fields(Plan(task=choice.name)))}; asks {choice.model}")


def _play(chosen: dict[str, Any]) -> None:
    """Fill in what the demo, or its scenario, brings along and nobody has chosen."""
    from dagtui.core.errors import ConfigError
    from dagtui.simulator.scenarios import UnknownScenarioError, scenario_named

    concurrency, timeout = DEMO_CONCURRENCY, None
    if chosen["story"] is not None:
        concurrency = _tell(chosen)
    elif chosen["scenario"] is None:
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


def _tell(chosen: dict[str, Any]) -> int:
    """Fill in what a story brings along; returns the concurrency that it begins with."""
    from dagtui.core.errors import ConfigError
    from dagtui.stories import story_named

    if chosen["scenario"] is not None:
        raise click.UsageError("--story turns the knobs that --scenario would: choose one of them.")
    try:
        story = story_named(chosen["story"])
    except ConfigError as error:
        raise ConfigError(f"--story: {error}") from None
    chosen["sim"] = (*(f"{name}={json.dumps(value)}" for name, value in story.knobs.items()), *chosen["sim"])
    chosen["hedge"] = True if chosen["hedge"] is None else chosen["hedge"]
    chosen["forget"] = True  # the limit is to be found out before the audience
    return story.concurrency


def _refuse_word(word: str) -> NoReturn:
    from dagtui.core.errors import nearest
    from dagtui.core.text import visible

    hint = nearest(word, cli.commands)
    click.echo(f'dagtui: there is no file and no command "{visible(word)}"{hint}; see dagtui --help.', err=True)
    leave(4)


for command in (*COMMANDS, *SCREEN_COMMANDS):
    cli.add_command(command)


def main() -> None:
    """The entry point."""
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # data is UTF-8, and half a character stops no run
        reconfigure(encoding="utf-8", errors="backslashreplace")
    os.umask(0o077)  # what is written is for the user alone
    gc.set_threshold(50_000)  # loading makes much that stays: collecting on the way is a tenth of the start
    cli()
