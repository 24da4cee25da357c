"""A simulator's knobs over its own routes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.io.simulated import SimulatorControl
from dagtui.simulator import Knobs, RunningSimulator, start
from dagtui.simulator.scenarios import SCENARIOS


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    running = await start(Knobs(rate_500=0.5), scenario="flaky")
    yield running
    await running.stop()


async def test_knobs_are_read_and_turned_and_what_was_at_first_is_kept(simulator: RunningSimulator) -> None:
    control = SimulatorControl(simulator.url)
    before = await control.state()
    assert (before.knobs["rate_500"], before.scenario, before.elapsed_s, before.turned) == (
        0.5, "flaky", None, False,
    )  # fmt: skip
    assert not await control.was_turned()
    after = await control.turn({"rate_500": 0.1, "down": True})
    assert simulator.knobs.rate_500 == after.knobs["rate_500"] == 0.1
    assert simulator.knobs.down
    assert after.first["rate_500"] == 0.5
    assert await control.was_turned()


async def test_a_scenario_is_played_and_ended(simulator: RunningSimulator) -> None:
    control = SimulatorControl(simulator.url)
    assert [scene.name for scene in await control.scenarios()] == list(SCENARIOS)
    state = await control.play("halving")
    assert (state.scenario, state.knobs["requests_per_minute"], state.first["rate_500"]) == ("halving", 3000, 0)
    assert state.next_step_s == pytest.approx(10, abs=1)
    assert (await control.play("")).scenario == ""


async def test_what_it_refuses_is_its_own_sentence_and_turns_nothing(simulator: RunningSimulator) -> None:
    control = SimulatorControl(simulator.url)
    with pytest.raises(ConfigError, match=r'^There is no knob "rate_501" \(did you mean'):
        await control.turn({"rate_501": 1, "down": True})
    with pytest.raises(ConfigError, match=r"^The knob rate_500 cannot be 2: "):
        await control.turn({"rate_500": 2})
    with pytest.raises(ConfigError, match=r'^There is no scenario "half"'):
        await control.play("half")
    assert simulator.knobs == Knobs(rate_500=0.5)


async def test_one_that_is_not_there_is_said_in_a_sentence(simulator: RunningSimulator) -> None:
    control = SimulatorControl(simulator.url)
    await simulator.stop()
    with pytest.raises(DagtuiError, match=r"^The simulator at http://127\.0\.0\.1:\d+ does not answer: \w.*\.$"):
        await control.state()
    assert await control.was_turned()
