"""The settings file: `dagtui.toml` in the folder of the work, over the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from platformdirs import user_config_path

from dagtui.core.errors import ConfigError
from dagtui.io.toml import read_toml

if TYPE_CHECKING:
    from dagtui.core.settings import Config

CONFIG_NAME = "dagtui.toml"

_SECRETS = frozenset({"api_key", "portkey_api_key", "provider_key", "anthropic_api_key", "openai_api_key"})


def load_config(cwd: Path, user_dir: Path | None = None) -> Config | None:
    """The settings of both files; where both set one, the file in `cwd` wins. Tables are merged by key.

    `user_dir` is the user's settings folder, by default the platform's. None when there is neither file: the start
    need not wait for pydantic then.

    Raises:
        ConfigError: naming the file and the line or setting that is wrong.
    """
    folder = user_dir if user_dir is not None else user_config_path("dagtui")
    paths = [path for path in (folder / CONFIG_NAME, cwd / CONFIG_NAME) if path.exists()]
    if not paths:
        return None
    from dagtui.core.settings import Config, checked

    merged: dict[str, Any] = {}
    for path in paths:
        for name, value in _read(path).items():
            merged[name] = {**merged.get(name, {}), **value} if isinstance(value, dict) else value
    return checked(Config, merged, CONFIG_NAME)


def file_that_sets(table: str, name: str, cwd: Path, user_dir: Path | None = None) -> Path:
    """Which of both files gives `name` of `table` the value that counts."""
    folder = user_dir if user_dir is not None else user_config_path("dagtui")
    near, far = cwd / CONFIG_NAME, folder / CONFIG_NAME
    return near if near.exists() and name in flat(read_toml(near).get(table, {})) else far


def flat(table: object, before: str = "") -> dict[str, Any]:
    """`run.pause = "P"` means the same with quotes round its name and without, where TOML makes tables of it."""
    if not isinstance(table, dict):
        return {}
    found: dict[str, Any] = {}
    for name, value in cast(dict[str, object], table).items():
        found |= (
            flat(cast(object, value), f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
        )
    return found


def _read(path: Path) -> dict[str, Any]:
    """One file's settings, checked on their own, so that a message names this file."""
    from dagtui.core.settings import Config, PriceOverride, checked

    values = read_toml(path)
    if isinstance(values.get("keys"), dict):
        values["keys"] = flat(values["keys"])
    for name in values:
        if name.lower() in _SECRETS:
            raise ConfigError(
                f'{path}: "{name}" must not stand in a settings file; '
                "put keys into the environment, such as PORTKEY_API_KEY."
            )
    prices: object = values.get("prices", {})
    if isinstance(prices, dict):
        for model, price in cast(dict[str, object], prices).items():
            if not isinstance(price, dict):
                raise ConfigError(f'{path}: [prices."{model}"] must be a table with input and output.')
            checked(PriceOverride, cast(dict[str, Any], price), f'{path}, [prices."{model}"]')
    checked(Config, values, str(path))
    return values
