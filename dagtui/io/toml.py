"""Reads a TOML file, and says where it is broken."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

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
