"""Knobs that turn by themselves, from the first call on."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from dagtui.simulator import KnobError, Knobs, start
from dagtui.simulator.scenarios import SCENARIOS, Step
from dagtui.simulator.story import knobs_and_steps
from dagtui.testing import run_in_virtual_time
from tests.simulator.sim_calls import GATEWAY, message
from tests.simulator.sim_virtual import ask, ask_at, provider

FAILING = (Step(10, {"rate_500": 1}), Step(20, {"rate_500": 0}))


def test_a_story_begins_with_the_first_call_and_not_before() -> None:
    async def main() -> None:
        simulated = provider({}, steps=FAILING)
        statuses = [(await ask_at(simulated, at)).status for at in (100, 109.9, 110.1, 119.9, 120.1)]
        assert statuses == [200, 200, 500, 500, 200]

    run_in_virtual_time(main())


def test_what_is_turned_at_the_very_start_is_met_by_the_first_call() -> None:
    async def main() -> None:
        simulated = provider({}, steps=[Step(0, {"rate_500": 1})])
        assert (await ask(simulated)).status == 500

    run_in_virtual_time(main())


def test_the_ledger_tells_the_steps_with_their_times() -> None:
    async def main() -> None:
        simulated = provider({}, steps=FAILING)
        await ask(simulated)
        begun = simulated.ledger.entries[0].received_at
        await asyncio.sleep(30)
        changes = [(change.at - begun, change.changed) for change in simulated.ledger.knob_changes[1:]]
        assert changes == [(pytest.approx(10), {"rate_500": 1}), (pytest.approx(20), {"rate_500": 0})]

    run_in_virtual_time(main())


def test_emptying_the_ledger_starts_the_story_over_from_its_first_knobs() -> None:
    async def main() -> None:
        simulated = provider({"rate_529": 0.0}, steps=FAILING)
        await ask(simulated)
        simulated.turn({"rate_529": 1})
        await asyncio.sleep(15)
        simulated.reset()
        assert (simulated.knobs.rate_500, simulated.knobs.rate_529) == (0, 0)
        assert simulated.ledger.knob_changes[0].changed["rate_500"] == 0
        await asyncio.sleep(100)  # the old story's second half is gone, the new one waits
        assert len(simulated.ledger.knob_changes) == 1
        assert (await ask(simulated)).status == 200
        await asyncio.sleep(10.1)
        assert (await ask(simulated)).status == 500

    run_in_virtual_time(main())


def test_without_a_story_emptying_the_ledger_leaves_the_knobs_as_they_were_turned() -> None:
    async def main() -> None:
        simulated = provider({})
        simulated.turn({"rate_500": 1})
        simulated.reset()
        assert simulated.knobs.rate_500 == 1

    run_in_virtual_time(main())


def test_what_stops_turns_no_more() -> None:
    async def main() -> None:
        simulated = provider({}, steps=FAILING)
        await ask(simulated)
        simulated.stop()
        await asyncio.sleep(15)
        assert simulated.knobs.rate_500 == 0

    run_in_virtual_time(main())


def test_a_step_that_turns_no_knob_is_refused_before_anything_starts() -> None:
    async def main() -> None:
        with pytest.raises(KnobError, match='no knob "rate_501"'):
            provider({}, steps=[Step(1, {"rate_501": 1})])

    run_in_virtual_time(main())


async def test_an_outage_of_the_story_cuts_connections_and_its_end_lets_them_in() -> None:
    knobs = Knobs(latency_median_s=30, latency_sigma=0)
    steps = [Step(0.05, {"down": True}), Step(0.1, {"down": False, "latency_median_s": 0})]
    simulator = await start(knobs, steps=steps)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=10, headers=GATEWAY) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(f"{simulator.url}/v1/messages", json=message())
            while simulator.knobs.down:  # noqa: ASYNC110  (the story offers no event to wait on)
                await asyncio.sleep(0.005)
            assert (await client.post(f"{simulator.url}/v1/messages", json=message())).status_code == 200
    finally:
        await simulator.stop()


def test_a_scenario_gives_the_knobs_and_the_steps_and_what_is_given_beside_it_holds_throughout() -> None:
    knobs, steps = knobs_and_steps("halving", {})
    assert knobs.requests_per_minute == 3_000
    assert steps == SCENARIOS["halving"].steps
    knobs, steps = knobs_and_steps("halving", {"requests_per_minute": 60, "accuracy": 1})
    assert (knobs.requests_per_minute, knobs.accuracy) == (60, 1)
    assert [step.changes for step in steps] == [{"requests_burst": 25}, {"requests_burst": 50}]
    assert knobs_and_steps("outage", {"down": False})[1] == ()
    assert knobs_and_steps(None, {"accuracy": 1}) == (Knobs(accuracy=1), ())


def test_a_scenario_can_be_begun_in_the_middle_from_its_own_knobs_and_ended_again() -> None:
    async def main() -> None:
        simulated = provider({"rate_500": 1.0}, steps=FAILING)
        await ask(simulated)
        await asyncio.sleep(5)
        simulated.play("halving")  # the steps of before are forgotten, those of the scenario begin now
        assert (simulated.knobs.rate_500, simulated.knobs.requests_per_minute) == (0, 3000)
        await asyncio.sleep(9.9)
        assert simulated.knobs.requests_per_minute == 3000
        told = simulated.state()
        assert (told["scenario"], told["elapsed_s"], told["next_step_s"]) == (
            "halving",
            pytest.approx(9.9),
            pytest.approx(0.1),
        )
        await asyncio.sleep(0.2)
        assert simulated.knobs.requests_per_minute == 1500
        assert simulated.knobs.rate_500 == 0
        simulated.play("")
        await asyncio.sleep(60)
        assert simulated.knobs.requests_per_minute == 1500
        assert simulated.state()["scenario"] is None

    run_in_virtual_time(main())
