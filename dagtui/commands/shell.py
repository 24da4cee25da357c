"""From a command to what carries it out, and back to the shell with an exit code.

Front ends are imported inside, so that `--help` is quick and a run without a screen never loads Textual.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from pathlib import Path

    from dagtui.core.contract import Choices
    from dagtui.elsewhere.detached import Detached
    from dagtui.past.resuming import Going
    from dagtui.plan import Plan


def has_screen() -> bool:
    """Whether the app can be shown: in a terminal, or in the browser that `dagtui serve` serves."""
    return bool(os.environ.get("TEXTUAL_DRIVER")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def open_app(plan: Plan, theme: str | None, *, start_at_once: bool = False, going: Going | None = None) -> int:
    """The app in this terminal; `going` is a run to go on with."""
    if not has_screen():
        raise click.UsageError('The app needs a terminal that can paint; without one, use "dagtui run FILE".')
    gc.disable()  # until the first screen is painted: a twentieth of the time until then
    from dagtui.taste import taste_of
    from dagtui.tui.app import run_app  # Textual is loaded only when the screen is wanted

    return run_app(plan, taste_of(theme), start_at_once=start_at_once, going=going)


def open_replay(path: Path, theme: str | None) -> int:
    """The run with the journal at `path` played once more, in this terminal."""
    if not has_screen():
        raise click.UsageError('A replay needs a terminal; without one, see "dagtui runs" and "dagtui export".')
    from dagtui.past.replay import Replay
    from dagtui.past.runs import plan_of
    from dagtui.taste import taste_of
    from dagtui.tui.watching_app import show_replay

    return show_replay(Replay(path), plan_of(path), taste_of(theme))


def run_headless(
    plan: Plan,
    *,
    as_json: bool,
    quiet: bool,
    data_to_stdout: bool,
    going: Going | None = None,
    choices: Choices | None = None,
    detached: Detached | None = None,
) -> int:
    """The run without a screen; with `going` and `choices` one that goes on. `detached` hears when it has begun"""
    import asyncio
    from dataclasses import replace

    from dagtui import process
    from dagtui.headless import run_headless as run

    if data_to_stdout and not as_json:
        plan = replace(plan, stdout=sys.stdout)
    with asyncio.Runner(loop_factory=process.new_loop) as runner:
        begun = None if detached is None else detached.begun
        return runner.run(run(plan, stream_events=as_json, quiet=quiet, going=going, choices=choices, begun=begun))


def attach(path: Path, theme: str | None, *, headless: bool, quiet: bool) -> int:
    """Watch and steer the run with the journal at `path`, which goes on in another process."""
    import asyncio

    from dagtui import process
    from dagtui.elsewhere.attached import Attached
    from dagtui.past.runs import name_of, plan_of

    attached, plan = Attached(path), plan_of(path)
    if not headless and has_screen():
        from dagtui.taste import taste_of
        from dagtui.tui.watching_app import show_attached

        return show_attached(attached, plan, taste_of(theme))
    from dagtui.headless import attend

    try:
        with asyncio.Runner(loop_factory=process.new_loop) as runner:
            return runner.run(attend(attached, plan, quiet=quiet))
    except KeyboardInterrupt:
        click.echo(f"left; the run goes on, and dagtui attach {name_of(path)} comes back to it", err=True)
        return 130


def detached_or_leave(reads_stdin: bool = False, to_stdout: object = None) -> Detached:
    """Of a command that is to be detached: the process that is to be the run gets its part of that.

    The one in the terminal has the other begun, says how to come back to it, and ends here.
    """
    from dagtui.elsewhere.detached import Detached, is_inside, launch

    if not is_inside():
        if to_stdout:
            raise click.UsageError("A detached run has no stdout: leave out --json and --output-format; use -o.")
        code, told = launch(reads_stdin=reads_stdin)
        if told is not None:
            run = told["run"]
            click.echo(run)
            steered = told["steered"]
            what, stop = ("watch and steer", f"dagtui stop {run}") if steered else ("watch", f"kill {told['pid']}")
            click.echo(f"to {what} it: dagtui attach {run}", err=True)
            click.echo(f"to stop it: {stop}", err=True)
        leave(code)
    return Detached()


class said_plainly:  # noqa: N801 - reads as the statement that it is
    """Errors of ours become one sentence on stderr and their exit code; never a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from dagtui.core.errors import DagtuiError

        if isinstance(error, DagtuiError):
            from dagtui.core.text import visible

            click.echo(f"dagtui: {visible(str(error))}", err=True)
            leave(error.exit_code)


def leave(code: int) -> NoReturn:
    """End with `code`, even if the reader of our data has gone, which is its right."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(int(code))
