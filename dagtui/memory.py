"""Where what is learnt of the providers' limits lies, and under which name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from dagtui.chosen import settings_of
from dagtui.core.errors import KeyMissing
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.settings import GatewaySettings

if TYPE_CHECKING:
    from dagtui.core.pacing.learnt import Learnt


def limits_path() -> Path:
    """The file of what was learnt, whichever gateway it is of."""
    return user_state_path("dagtui") / "limits.json"


def memory_of(plan: Plan, settings: GatewaySettings) -> str:
    """The name under which what is learnt of limits is kept: whatever may have limits of its own."""
    if plan.gateway == "demo":
        knobs = json.dumps(plan.knobs, sort_keys=True, default=str)
        return f"demo {plan.scenario or ''} {knobs}"
    config = settings.config if settings.config and settings.config.startswith("pc-") else ""
    return " ".join(filter(None, (settings.base_url, settings.provider or "", config, settings.custom_host or "")))


def remembered(plan: Plan, plugin: Plugin, environ: Mapping[str, str]) -> dict[str, Learnt]:
    """What earlier runs found out about the limits of the plan's gateway, by model; nothing without its key.

    Raises:
        ConfigError: the gateway cannot be what the plan says.
    """
    from dagtui.io.limits_file import read_limits

    try:
        settings = settings_of(plan, plugin, None, environ)
    except KeyMissing:
        return {}  # with other keys it may be another gateway: nothing is known of it
    return read_limits(limits_path(), memory_of(plan, settings)) if plan.remember else {}
