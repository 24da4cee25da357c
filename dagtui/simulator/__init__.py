"""The embedded provider simulator: Messages and chat APIs, token buckets, faults, a ledger of the truth.

It stands in for a provider, or for the Portkey gateway and a provider behind it, on this machine.
"""

from __future__ import annotations

from dagtui.simulator.knobs import KnobError, Knobs, read_knobs
from dagtui.simulator.process import Options, serve
from dagtui.simulator.server import PortError, RunningSimulator, start

__all__ = ["KnobError", "Knobs", "Options", "PortError", "RunningSimulator", "read_knobs", "serve", "start"]
