"""The commands about the screen itself: the keys that it has, and showing it in a browser."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagtui.commands.options import option
from dagtui.commands.shell import said_plainly

if TYPE_CHECKING:
    from dagtui.serving import Place


@click.command()
def keys() -> None:
    """List what can be done in the app, by id, with its keys.

    Another key is given to one of them in dagtui.toml, in your own settings file or beside your work:

    \b
    [keys]
    "run.pause" = "P"
    "run.more" = "ctrl+up,plus"
    """
    with said_plainly():
        from dagtui.io.config import file_that_sets, load_config
        from dagtui.tui.keymap import check_keys, every_action

        config = load_config(Path.cwd())
        own = dict(config.keys) if config is not None else {}
        check_keys(own, lambda name: file_that_sets("keys", name, Path.cwd()))
        rows = [
            (able.id, own.get(able.id, ",".join(able.keys)), able.words)
            for able in sorted(every_action().values(), key=lambda able: able.id.partition(".")[0])
        ]
        width, across = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
        group = ""
        for name, bound, words in rows:
            if group and group != name.partition(".")[0]:
                click.echo()
            group = name.partition(".")[0]
            click.echo(f"{name:<{width}}  {bound:<{across}}  {words}{'  (yours)' if name in own else ''}")


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@option("--token", help="A token of your own, of 16 characters or more.  [a new one each time]")
@option("--url", help="How a browser calls it, such as https://host, where that is not HOST:PORT.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(host: str, port: int, token: str | None, url: str | None, arguments: tuple[str, ...]) -> None:
    """The app in a browser: `dagtui serve emails.csv` is `dagtui emails.csv` there.

    Whoever has the address that is told can use your keys and read your files: it is for you alone. Each page that
    is opened is an app and a process of its own; closing it ends the run in it, which dagtui resume goes on with.
    For a run that outlives the page: dagtui run FILE --detach, then dagtui serve attach.

    Needs textual-serve: pip install 'dagtui[serve]'
    """
    with said_plainly():
        from dagtui.serving import place
        from dagtui.serving import serve as serve_on

        where = place(host, port, token, url)
        os.environ.pop("DAGTUI_TOKEN", None)  # the apps need not know it
        serve_on(where, arguments, partial(_invite, where))


def _invite(where: Place) -> None:
    from dagtui.serving import is_loopback

    if not is_loopback(where.host) and not where.url.startswith("https"):
        click.echo("dagtui: without https, others on the way can read the token and all that is shown.", err=True)
    click.echo(f"dagtui: open {where.invitation}", err=True)
    click.echo("dagtui: each page is an app of its own; closing it ends the run in it. Ctrl+C ends all.", err=True)


COMMANDS = (keys, serve)
