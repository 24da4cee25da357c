"""The scenarios: valid, light to load, and each about what its title says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dagtui.simulator.knobs import Knobs, change_knobs
from dagtui.simulator.scenarios import SCENARIOS, Scenario, UnknownScenarioError, scenario_named


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_scenario_turns_knobs_that_exist_to_values_that_they_take(scenario: Scenario) -> None:
    knobs = change_knobs(Knobs(), scenario.knobs)
    assert (knobs.latency_median_s, knobs.latency_sigma) == (0.3, 0.35)
    for step in scenario.steps:
        knobs = change_knobs(knobs, step.changes)
    assert [step.after_s for step in scenario.steps] == sorted(step.after_s for step in scenario.steps)
    assert scenario.title.endswith(".")
    assert scenario.concurrency >= 1 <= scenario.records


def test_the_scenarios_are_all_there() -> None:
    names = "tight halving tokens output flaky outage shared hidden stripped bare misleading small"
    assert list(SCENARIOS) == names.split()
    assert all(name == scenario.name for name, scenario in SCENARIOS.items())


def test_an_unknown_scenario_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        UnknownScenarioError, match=r'^There is no scenario "halfing" \(did you mean "halving"\?\);'
    ):
        scenario_named("halfing")


def test_listing_the_scenarios_loads_no_server() -> None:
    script = "import sys, dagtui.simulator.scenarios\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"aiohttp", "pydantic", "asyncio"}.isdisjoint(done.stdout.split())
