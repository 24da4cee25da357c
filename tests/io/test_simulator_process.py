"""The simulator as dagtui starts it."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from asyncio.subprocess import Process
from typing import Any

import pytest

from dagtui.core.errors import ConfigError
from dagtui.io.simulator_process import start_simulator

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def knobs_of(url: str) -> dict[str, object]:
    def read() -> dict[str, object]:
        with _DIRECT.open(f"{url}/sim/knobs", timeout=5) as answer:
            return json.loads(answer.read())

    return await asyncio.to_thread(read)


async def test_it_plays_a_scenario_with_knobs_that_win_and_tells_its_totals_and_bound() -> None:
    simulator = await start_simulator({"accuracy": 0.5}, scenario="small")
    assert simulator.url.startswith("http://127.0.0.1:")  # nobody else can reach it
    try:
        knobs = await knobs_of(simulator.url)
        assert (knobs["requests_per_minute"], knobs["accuracy"]) == (50, 0.5)
        assert (await simulator.totals())["requests"] == 0
        idle = {"seconds": 0, "span": 0, "ratio": 1, "binding": "latency", "fluid": 0}
        assert await simulator.bound(60) == idle == await simulator.bound()
    finally:
        await simulator.aclose()


async def test_an_unknown_scenario_or_knob_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match=r'no scenario "smal" \(did you mean "small"\?\)'):
        await start_simulator(scenario="smal")
    with pytest.raises(ConfigError, match=r'no knob "acuracy" \(did you mean "accuracy"\?\)'):
        await start_simulator({"acuracy": 1}, scenario="small")


@pytest.mark.parametrize("impatient", [False, True], ids=["once", "and once more while it ends"])
async def test_whoever_is_cancelled_while_it_starts_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, impatient: bool
) -> None:
    started: asyncio.Queue[Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def recorded(*command: str, **options: Any) -> Process:
        process = await start(*command, **options)
        started.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
    starting = asyncio.ensure_future(start_simulator())
    process = await started.get()
    starting.cancel()
    if impatient:
        await asyncio.sleep(0)
        starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert process.returncode is not None
