"""Push a file of records through a language model at the speed of your rate limit, watching and steering it live.

The names below are the library. They are loaded when first used, so that `import dagtui` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagtui.core.errors import (
        BadInput,
        ConfigError,
        DagtuiError,
        ErrorKind,
        ExitCode,
        GatewayError,
        KeyMissing,
    )
    from dagtui.core.events import Event
    from dagtui.core.model import (
        Cancelled,
        Failure,
        Outcome,
        Prompt,
        ProviderChoice,
        Record,
        Request,
        Response,
        Skipped,
        Success,
        Usage,
    )
    from dagtui.core.plugin import Context, Dimension, Plugin
    from dagtui.core.ports import Gateway, Sink, Source
    from dagtui.core.pricing import PriceTable
    from dagtui.core.result import RunResult
    from dagtui.core.settings import GatewaySettings, PriceOverride, RunSettings
    from dagtui.core.snapshot import Snapshot
    from dagtui.io.export import FailuresWriter, ResultsWriter
    from dagtui.io.portkey import Portkey
    from dagtui.io.source import open_source
    from dagtui.plan import Plan, open_session
    from dagtui.session import Session

__version__ = "0.1.0"

_HOME = {
    "dagtui.core.errors": (
        "BadInput",
        "ConfigError",
        "DagtuiError",
        "ErrorKind",
        "ExitCode",
        "GatewayError",
        "KeyMissing",
    ),
    "dagtui.core.events": ("Event",),
    "dagtui.core.model": (
        "Cancelled",
        "Failure",
        "Outcome",
        "Prompt",
        "ProviderChoice",
        "Record",
        "Request",
        "Response",
        "Skipped",
        "Success",
        "Usage",
    ),
    "dagtui.core.plugin": ("Context", "Dimension", "Plugin"),
    "dagtui.core.ports": ("Gateway", "Sink", "Source"),
    "dagtui.core.pricing": ("PriceTable",),
    "dagtui.core.settings": ("GatewaySettings", "PriceOverride", "RunSettings"),
    "dagtui.core.snapshot": ("Snapshot",),
    "dagtui.io.export": ("FailuresWriter", "ResultsWriter"),
    "dagtui.io.portkey": ("Portkey",),
    "dagtui.io.source": ("open_source",),
    "dagtui.plan": ("Plan", "open_session"),
    "dagtui.core.result": ("RunResult",),
    "dagtui.session": ("Session",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "BadInput",
    "Cancelled",
    "ConfigError",
    "Context",
    "DagtuiError",
    "Dimension",
    "ErrorKind",
    "Event",
    "ExitCode",
    "Failure",
    "FailuresWriter",
    "Gateway",
    "GatewayError",
    "GatewaySettings",
    "KeyMissing",
    "Outcome",
    "Plan",
    "Plugin",
    "Portkey",
    "PriceOverride",
    "PriceTable",
    "Prompt",
    "ProviderChoice",
    "Record",
    "Request",
    "Response",
    "ResultsWriter",
    "RunResult",
    "RunSettings",
    "Session",
    "Sink",
    "Skipped",
    "Snapshot",
    "Source",
    "Success",
    "Usage",
    "open_session",
    "open_source",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'dagtui' has no attribute {name!r}")
    return getattr(import_module(module), name)
