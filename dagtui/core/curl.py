"""A request as the `curl` command that sends it: for a shell, a colleague, or a provider's support."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote

from dagtui.core.text import UNSAFE

_SPECIAL = re.compile(r'[\\"`$!]')


def curl(url: str, headers: Mapping[str, str], body: str, variables: Mapping[str, str]) -> str:
    """The command, on lines that a shell takes as one.

    `variables` are the names of the shell's variables by the header that holds one, as `$NAME`; all else is
    literal, whatever it holds: a record called `$KEY` shall not send one. What could steer a terminal that the
    command is pasted into is escaped in `body`, which is JSON.
    """
    parts = [f"curl -sS {quote(url)}"]
    parts += [f"-H {_header(name, value, variables.get(name))}" for name, value in headers.items()]
    parts.append(f"--data-binary {quote(UNSAFE.sub(_escaped, body))}")
    return " \\\n  ".join(parts)


def _header(name: str, value: str, variable: str | None) -> str:
    if variable is None:
        return quote(f"{name}: {value}")
    before, _, after = value.partition(f"${variable}")
    return f'"{_literal(f"{name}: {before}")}${{{variable}}}{_literal(after)}"'


def _literal(text: str) -> str:
    """`text` within double quotes."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _escaped(match: re.Match[str]) -> str:
    """A character as JSON may have it instead."""
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
