"""The embedded provider simulator: Messages and chat APIs, token buckets, faults, a ledger of the truth.

It stands in for a provider, or for the Portkey gateway and a provider behind it, on this machine. The names below
are loaded when first used, so that the scenarios, which are plain data, can be listed without a server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagtui.simulator.knobs import KnobError, Knobs, read_changes, read_knobs
    from dagtui.simulator.process import Options, serve
    from dagtui.simulator.scenarios import UnknownScenarioError
    from dagtui.simulator.server import PortError, RunningSimulator, start
    from dagtui.simulator.story import knobs_and_steps

_MODULE_OF = {
    "KnobError": "knobs",
    "Knobs": "knobs",
    "Options": "process",
    "PortError": "server",
    "RunningSimulator": "server",
    "UnknownScenarioError": "scenarios",
    "knobs_and_steps": "story",
    "read_changes": "knobs",
    "read_knobs": "knobs",
    "serve": "process",
    "start": "server",
}

__all__ = [
    "KnobError",
    "Knobs",
    "Options",
    "PortError",
    "RunningSimulator",
    "UnknownScenarioError",
    "knobs_and_steps",
    "read_changes",
    "read_knobs",
    "serve",
    "start",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'dagtui.simulator' has no attribute {name!r}")
    return getattr(import_module(f"dagtui.simulator.{module}"), name)
