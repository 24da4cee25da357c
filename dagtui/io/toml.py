"""Reads a TOML file, and says where it is broken; writes one."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from dagtui.core.errors import ConfigError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of the file; decimal numbers are exact.

    Raises:
        ConfigError: one sentence naming the file, and the line and column where there is one.
    """
    text = ""
    try:
        text = path.read_bytes().decode()
        return tomllib.loads(text, parse_float=Decimal)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: a TOML file is UTF-8, but byte {error.start + 1} is not.") from None
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        spot = place.rstrip(")").replace("line ", "").replace(", column ", ":")
        if not spot[:1].isdigit():
            reason, spot = f"{reason} at the end of the file", str(text.count("\n") + 1)
        raise ConfigError(f"{path}:{spot}: {reason[:1].lower()}{reason[1:]}.") from None
    except ValueError as error:
        reason = "a number has more digits than can be read" if "integer string" in str(error) else str(error)
        raise ConfigError(f"{path}: {reason}.") from None
    except RecursionError:
        raise ConfigError(f"{path}: the values are nested too deeply.") from None
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}.") from None


def write_toml(path: Path, values: Mapping[str, Any]) -> None:
    """Write `values` as a file for this user's eyes only; one that was there is replaced as a whole.

    Raises:
        ConfigError: it cannot be written.
    """
    import tomli_w  # only a run that was edited needs it

    # Lines of their own are for people to read, but they do not keep every line end as it is.
    dumps = partial(tomli_w.dumps, multiline_strings=False), partial(tomli_w.dumps, multiline_strings=True)
    exact, readable = (_in_order(values, one) for one in dumps)
    text = readable if tomllib.loads(readable) == tomllib.loads(exact) else exact
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
        part.replace(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the edited task cannot be written: {error}.") from None


def _in_order(values: Mapping[str, Any], dumps: Callable[[Mapping[str, Any]], str]) -> str:
    """`values` as text. A table that plain values follow stands in one line with its key: as a section it would
    come after them, and the order of an answer's fields is a part of what is asked.
    """
    lines: dict[str, str] = {}  # by what stands for them until they are put in

    def placed(value: Any) -> Any:
        if isinstance(value, list):
            return [placed(one) for one in cast("list[Any]", value)]
        if not isinstance(value, Mapping):
            return value
        found: dict[str, Any] = {}
        followed = False
        for key, inner in reversed(list(cast("Mapping[str, Any]", value).items())):
            if followed and isinstance(inner, Mapping):
                found[key] = name = f"table {uuid4()}"
                lines[f'"{name}"'] = _inline(cast("Mapping[str, Any]", inner), dumps)
            else:
                found[key] = placed(inner)
            followed = followed or not isinstance(inner, Mapping)
        return dict(reversed(list(found.items())))

    text = dumps(placed(values))
    for name, line in lines.items():
        text = text.replace(name, line)
    return text


def _inline(value: Any, dumps: Callable[[Mapping[str, Any]], str]) -> str:
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, Any]", value).items()
        return f"{{ {', '.join(f'{_key(name)} = {_inline(one, dumps)}' for name, one in inner)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(one, dumps) for one in cast('list[Any]', value))}]"
    return dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def _key(name: str) -> str:
    import tomli_w

    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")
