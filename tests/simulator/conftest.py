from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from dagtui.simulator import Knobs, RunningSimulator, start
from tests.simulator.sim_calls import GATEWAY, UPSTREAM, Start


@pytest.fixture
async def start_simulator() -> AsyncIterator[Start]:
    """Start simulators without latency, unless a knob says otherwise, that stop at the end of the test."""
    running: list[RunningSimulator] = []

    async def begin(seed: int = 0, **knobs: object) -> RunningSimulator:
        simulator = await start(Knobs.model_validate({"latency_median_s": 0} | knobs), seed)
        running.append(simulator)
        return simulator

    yield begin
    for simulator in running:
        await simulator.stop()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10, headers=GATEWAY) as client:
        yield client


@pytest.fixture
async def upstream() -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls as a real gateway calls its provider."""
    async with httpx.AsyncClient(trust_env=False, timeout=10, headers=UPSTREAM) as client:
        yield client
