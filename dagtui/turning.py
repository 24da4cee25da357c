"""Turns knobs of a run's simulated provider, and has the run's log tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagtui.core.errors import ConfigError
from dagtui.core.faults import ProviderState, SimulatedProvider, arranged, told
from dagtui.watched import Steered


async def turn(session: Steered, changes: Mapping[str, object], *, by: str = "provider") -> ProviderState:
    """Turn knobs; how the provider stands after that. The log's line begins with `by`.

    Raises:
        DagtuiError: the simulator does not answer, or refuses; then nothing was turned.
    """
    provider = provider_of(session)
    before = await provider.state()
    after = await provider.turn(arranged(before.knobs, changes))
    _note(session, by, before.knobs, after.knobs)
    return after


async def play(session: Steered, scenario: str) -> ProviderState:
    """Have a scenario begin now, from its own knobs; an empty name ends the one that is played.

    Raises:
        DagtuiError: the simulator does not answer, or knows no such scenario.
    """
    provider = provider_of(session)
    before = await provider.state()
    after = await provider.play(scenario)
    if scenario or before.scenario:
        session.note(f"provider: scenario {scenario} begins" if scenario else "provider: the scenario is ended")
    _note(session, "provider", before.knobs, after.knobs)
    return after


def provider_of(session: Steered) -> SimulatedProvider:
    """The run's simulated provider.

    Raises:
        ConfigError: it has none.
    """
    if session.provider is None:
        raise ConfigError("This run's provider is no simulated one, so that it has no knobs to turn.")
    return session.provider


def _note(session: Steered, by: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if changed := told(before, after):
        session.note(f"{by}: {changed}")
