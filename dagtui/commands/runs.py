"""The commands about runs that there are already: list, show, attach, go on, export, remove."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagtui.commands.options import changed, detach_option, resume_options, theme_option
from dagtui.commands.reports import compare, report
from dagtui.commands.shell import attach as attach_to
from dagtui.commands.shell import (
    detached_or_leave,
    has_screen,
    leave,
    open_app,
    open_replay,
    run_headless,
    said_plainly,
)

if TYPE_CHECKING:
    from dagtui.core.contract import Choices
    from dagtui.past.resuming import Going
    from dagtui.past.runs import RunInfo

_RUN = click.argument("run", default="last")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines: a JSON object a line.")
def runs(as_json: bool) -> None:
    """List the runs, the newest first."""
    with said_plainly():
        from dagtui.past.runs import list_runs

        found = list_runs()
        if not found and not as_json:
            click.echo("There are no runs yet; dagtui run FILE makes one.")
        for info in found:
            click.echo(_as_json(info) if as_json else _as_line(info))


def _as_line(info: RunInfo) -> str:
    from datetime import datetime

    from dagtui.core.figures import count, money
    from dagtui.core.text import one_line

    if info.problem:
        return f"{info.id:<22} {info.state:<10} {one_line(info.problem, 200)}"
    begun = datetime.fromtimestamp(info.started_at).astimezone().strftime("%d %b %H:%M")
    total = "?" if info.total is None else count(info.total)
    done = f"{count(info.succeeded)}/{total}"
    failed = f", {count(info.failed)} failed" if info.failed else ""
    told = f"{done:>13}{failed}  {money(info.spent)}"
    return f"{info.id:<22} {info.state:<9} {begun}  {told}  {one_line(info.title, 60)}"


def _as_json(info: RunInfo) -> str:
    import json
    from dataclasses import asdict

    return json.dumps({**asdict(info), "path": str(info.path), "spent": info.spent and str(info.spent)})


@click.command()
@_RUN
@theme_option
def show(run: str, theme: str | None) -> None:
    """Play RUN once more: the dashboard as it was at every moment, at any speed, forwards and backwards."""
    with said_plainly():
        from dagtui.past.runs import find_run

        leave(open_replay(find_run(run), theme))


@click.command()
@_RUN
@theme_option
@click.option("--headless", is_flag=True, help="Without a screen.")
@click.option("-q", "--quiet", is_flag=True, help="Without a screen: no narration, only the exit code at the end.")
def attach(run: str, theme: str | None, headless: bool, quiet: bool) -> None:
    """Watch and steer RUN, which goes on in another process: a detached one, or one in another terminal.

    Leaving it leaves the run alone. When the run ends, its exit code is this command's.
    """
    with said_plainly():
        from dagtui.past.runs import find_run

        leave(attach_to(find_run(run), theme, headless=headless or quiet, quiet=quiet))


@click.command()
@_RUN
@click.option("--now", is_flag=True, help="Abandon what is in flight; it may be billed all the same.")
def stop(run: str, now: bool) -> None:
    """Have RUN, which goes on in another process, finish what is in flight and end.

    `dagtui resume` goes on with it.
    """
    with said_plainly():
        import asyncio

        from dagtui.elsewhere.attached import stop_run
        from dagtui.past.runs import find_run

        asyncio.run(stop_run(find_run(run), now=now))


@click.command()
@_RUN
@resume_options
@theme_option
@detach_option
@click.option("--dry-run", is_flag=True, help="Say what going on would mean, and stop there.")
@click.option("--headless", is_flag=True, help="Without a screen.")
@click.option(
    "--json", "as_json", is_flag=True, help="Without a screen: the contract, then events, as JSON lines."
)
@click.option("-q", "--quiet", is_flag=True, help="Without a screen: no narration.")
def resume(
    run: str,
    theme: str | None,
    dry_run: bool,
    headless: bool,
    as_json: bool,
    quiet: bool,
    detach: bool,
    **chosen: Any,
) -> None:
    """Go on with RUN (its id, the beginning of it, or the last one). First it is said what that means.

    What has its answer is not asked again. What failed, what was edited since, and what was in flight when the run
    ended are told apart, and you decide about each. Options change the run from here on; those that change what
    is asked (task, model, provider) make the answers that they concern stale.
    """
    import asyncio

    with said_plainly():
        from dagtui.past.runs import find_run, plan_of
        from dagtui.plan import look_back

        detached = detached_or_leave(to_stdout=as_json) if detach and not dry_run else None
        path = find_run(run)
        plan = changed(plan_of(path), chosen)
        going = asyncio.run(look_back(path, plan))
        screen = has_screen() and not (headless or as_json or quiet or dry_run or detach)
        if screen and not _decided(chosen):
            leave(open_app(plan, theme, going=going))
        choices = _choices(chosen, going)
        _tell(going, choices, as_json=as_json, quiet=quiet and not dry_run)
        if dry_run:
            leave(0)
        choices = _ask_or_refuse(going, choices, chosen)
        leave(
            run_headless(
                plan,
                as_json=as_json,
                quiet=quiet,
                data_to_stdout=False,
                going=going,
                choices=choices,
                detached=detached,
            )
        )


def _decided(chosen: dict[str, Any]) -> bool:
    return bool(chosen["yes"])


def _choices(chosen: dict[str, Any], going: Going) -> Choices:
    from dagtui.core.contract import Choices

    ambiguous = chosen["on_ambiguous"]
    return Choices(
        stale=chosen["stale"] or going.choices.stale,
        ambiguous="skip" if ambiguous == "skip" else "retry",
        failed=chosen["failed"] or "retry",
    )


def _tell(going: Going, choices: Choices, *, as_json: bool, quiet: bool) -> None:
    import json

    from dagtui.core.contract_words import contract_plain, contract_rows
    from dagtui.core.text import visible

    if as_json:
        click.echo(json.dumps({"contract": contract_plain(going.contract, lambda seqs: going.names(list(seqs)))}))
    elif not quiet:
        facts = going.past.facts
        click.echo(visible(f"run {facts.get('id', '')}: {facts.get('title', '')}"), err=True)
        for label, number, fate in contract_rows(going.contract, choices):
            click.echo(visible(f"  {label:<15} {number:>9}  {fate}".rstrip()), err=True)


def _ask_or_refuse(going: Going, choices: Choices, chosen: dict[str, Any]) -> Choices:
    """Decide what is undecided: by asking where somebody is there, else by saying which option decides it."""
    from dataclasses import replace

    from dagtui.core.errors import ConfigError
    from dagtui.core.figures import count

    contract = going.contract
    there = sys.stdin.isatty() and sys.stderr.isatty()
    if (
        contract.ambiguous
        and chosen["on_ambiguous"] in (None, "ask")
        and not (chosen["yes"] and chosen["on_ambiguous"] is None)
    ):
        if not there:
            raise ConfigError(
                f"{count(contract.ambiguous)} requests may have been billed: --on-ambiguous retry asks them again,"
                " --on-ambiguous skip leaves them out."
            )
        answer = click.prompt("perhaps billed: ask again?", type=click.Choice(["retry", "skip"]), err=True)
        choices = replace(choices, ambiguous=answer)
    if contract.stale and (chosen["stale"], choices.stale) == (None, "redo") and not chosen["yes"]:
        if not there:
            raise ConfigError(
                f"{count(len(contract.stale))} answers are stale: --stale redo asks for them again, --stale keep"
                " keeps them."
            )
        answer = click.prompt("stale: ask again, or keep?", type=click.Choice(["redo", "keep"]), err=True)
        choices = replace(choices, stale=answer)
    return choices


@click.command()
@_RUN
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A .csv, .tsv, .jsonl or .parquet file."
)
@click.option("--failures", is_flag=True, help="Only what did not succeed, with its cause, to be run again.")
@click.option("--without-input", is_flag=True, help="Without the columns of the input, which may have changed.")
@click.option("--raw-cells", is_flag=True, help="Cells that a spreadsheet would run as formulas, as they are.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def export(run: str, output: Path, failures: bool, without_input: bool, raw_cells: bool, overwrite: bool) -> None:
    """Write the results of RUN into a file, also while it goes on, in the order of its input."""
    with said_plainly():
        from dagtui.core.figures import count
        from dagtui.past.exporting import dimensions_of, export_run
        from dagtui.past.runs import find_run

        path = find_run(run)
        rows = export_run(
            path,
            output,
            dimensions_of(path),
            overwrite=overwrite,
            without_input=without_input,
            failures=failures,
            guard_formulas=not raw_cells,
        )
        click.echo(f"{count(rows)} rows in {output}", err=True)


@click.command()
@click.argument("runs", nargs=-1)
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="All that ended so long ago.")
def rm(runs: tuple[str, ...], older_than: float | None) -> None:
    """Remove RUNS: their journals, with every answer that was not exported."""
    import time

    with said_plainly():
        from dagtui.core.errors import ConfigError
        from dagtui.past.runs import find_run, list_runs, remove_run

        if not runs and older_than is None:
            raise ConfigError("Say which runs: by id, or with --older-than DAYS.")
        paths = [find_run(run) for run in runs]
        if older_than is not None:
            before = time.time() - older_than * 86_400
            paths += [info.path for info in list_runs() if info.ended_at is not None and info.ended_at < before]
        for path in dict.fromkeys(paths):
            remove_run(path)
            click.echo(f"removed {path.parent.name}")


COMMANDS = (runs, show, attach, stop, resume, report, compare, export, rm)
