"""The gateway of a plan, opened: what a run and a preview send their requests through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dagtui.chosen import settings_of
from dagtui.core.model import Record
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.settings import GatewaySettings

# The HTTP libraries take long to load: that is for when a gateway is opened.
if TYPE_CHECKING:
    from dagtui.core.ports import Gateway
    from dagtui.io.simulator_process import SimulatorProcess


async def open_gateway(
    plan: Plan, plugin: Plugin, first: Record | None, environ: Mapping[str, str], run_id: str
) -> tuple[Gateway, GatewaySettings, SimulatorProcess | None]:
    """The gateway, its settings, and the simulator's process where the plan's gateway is the demo.

    Raises:
        DagtuiError: a key is missing, or nothing answers.
    """
    from dagtui.io.portkey import Portkey
    from dagtui.io.simulator_process import start_simulator

    if plan.gateway == "demo":
        simulator = await start_simulator(plan.knobs, plan.seed, plan.scenario)
        try:
            settings = settings_of(plan, plugin, first, environ, base_url=simulator.url)
        except BaseException:
            await simulator.aclose()
            raise
        gateway = Portkey(settings, run_id=run_id)
        gateway.flavour = "simulator"
        return gateway, settings, simulator
    settings = settings_of(plan, plugin, first, environ)
    gateway = Portkey(settings, run_id=run_id)
    try:
        await gateway.probe()
    except BaseException:
        await gateway.aclose()
        raise
    return gateway, settings, None
