"""The provider without sockets, on a loop whose clock jumps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

import httpx

from dagtui.simulator import Knobs
from dagtui.simulator.provider import Outcome, Provider
from dagtui.simulator.scenarios import Step
from tests.simulator.sim_calls import GATEWAY, message
from tests.virtual_provider import LoopClock


def provider(knobs: Mapping[str, object], seed: int = 0, steps: Sequence[Step] = ()) -> Provider:
    """A provider in the running loop's time, without latency unless a knob says otherwise."""
    return Provider(Knobs.model_validate({"latency_median_s": 0} | dict(knobs)), seed, LoopClock(), steps)


async def ask(simulated: Provider, text: str = "A meeting.", trace: str = "", **headers: str) -> Outcome:
    """One call."""
    arrival = simulated.ledger.arrive()
    shown = httpx.Headers({**GATEWAY, "x-portkey-trace-id": trace, **headers})
    return await simulated.respond("messages", shown, json.dumps(message(text)).encode(), arrival, lambda: False)


async def ask_at(simulated: Provider, at: float, **fields: str) -> Outcome:
    """One call, at a moment of the loop's time in seconds."""
    await asyncio.sleep(at - asyncio.get_running_loop().time())
    return await ask(simulated, **fields)
