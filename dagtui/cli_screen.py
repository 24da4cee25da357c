"""The commands about the screen itself: the keys that it has."""

from __future__ import annotations

from pathlib import Path

import click

from dagtui.shell import said_plainly


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


COMMANDS = (keys,)
