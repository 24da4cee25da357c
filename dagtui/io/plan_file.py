"""A plan as the journal keeps it: plain data without secrets, and back. Paths become absolute ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagtui.core.errors import ConfigError
from dagtui.core.plan import Plan
from dagtui.core.run_settings import RunSettings
from dagtui.io.credentials import without_secrets

_PATHS = ("output", "failures", "journal")
_LEFT_OUT = ("stdout", "settings", "prices", "overwrite", *_PATHS)


def plan_to_plain(plan: Plan) -> dict[str, Any]:
    """What can be written as JSON. In an inline gateway config, stars stand for keys."""
    values = {name: getattr(plan, name) for name in plan.__slots__ if name not in _LEFT_OUT}
    for name in _PATHS:
        path: Path | None = getattr(plan, name)
        values[name] = None if path is None else str(path.absolute())
    if plan.path and plan.path != "-":
        values["path"] = str(Path(plan.path).absolute())
    task, colon, name = plan.task.partition(":")
    if task.endswith((".toml", ".py")):
        values["task"] = f"{Path(task).absolute()}{colon}{name}"
    if plan.portkey_config is not None:
        values["portkey_config"] = without_secrets(plan.portkey_config)
    values["settings"] = {
        name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(plan.settings).items()
    }
    values["prices"] = {model: price.model_dump(mode="json") for model, price in plan.prices.items()}
    return json.loads(json.dumps(values, default=str))


def plan_from_plain(values: Mapping[str, Any]) -> Plan:
    """The plan again.

    Raises:
        ConfigError: another version of dagtui wrote it, or somebody changed it.
    """
    from dagtui.core.settings import PriceOverride

    try:
        known = {name: values[name] for name in Plan.__slots__ if name in values and name not in _LEFT_OUT}
        given = dict(values.get("settings", {}))
        if given.get("max_cost") is not None:
            given["max_cost"] = Decimal(given["max_cost"])
        settings = RunSettings(**given)
        prices = {model: PriceOverride(**price) for model, price in values.get("prices", {}).items()}
        plan = Plan(**known, settings=settings, prices=prices)
        return replace(plan, **{name: Path(values[name]) for name in _PATHS if values.get(name)})
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"The plan that the journal keeps cannot be read: {error}.") from None
