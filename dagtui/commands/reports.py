"""The commands that tell of past runs: the report of one, and two held against each other."""

from __future__ import annotations

from pathlib import Path

import click

from dagtui.commands.shell import said_plainly


@click.command()
@click.argument("run", default="last")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Into a file: .html with charts, or .txt.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="The same as -o FILE.html.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def report(run: str, output: Path | None, html: Path | None, overwrite: bool) -> None:
    """Print the report of RUN: its closing report, or how it stands, if it goes on or was killed.

    As .html it is one file with charts that needs nothing else, to be sent with a mail.
    """
    with said_plainly():
        from dagtui.core.report import as_text
        from dagtui.core.text import visible
        from dagtui.past.recap import recap
        from dagtui.past.report_file import write_report
        from dagtui.past.runs import find_run

        path, target = find_run(run), output or html
        if target is not None:
            write_report(path, target, overwrite=overwrite)
            click.echo(f"written to {target}", err=True)
            return
        told = recap(path)
        click.echo(visible(told.title))
        if told.outcome not in ("complete", "partial"):
            click.echo(visible(told.result.reason))
        click.echo(as_text(told.sections, 78))


@click.command()
@click.argument("run")
@click.argument("other", default="last")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
def compare(run: str, other: str, as_json: bool) -> None:
    """Hold two runs against each other: RUN, and OTHER (the last one, unless you say which).

    Settings that differ, speed, latency, cost, categories; of the same input also which answers differ.
    """
    with said_plainly():
        import json

        from dagtui.core.compare_text import as_text, plain
        from dagtui.past.comparing import compare_runs
        from dagtui.past.runs import find_run

        told = compare_runs(find_run(run), find_run(other))
        click.echo(json.dumps(plain(told)) if as_json else as_text(told), nl=as_json)
