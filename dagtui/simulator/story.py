"""Knobs that turn by themselves while a run goes on: a story, told in steps, that begins when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from dagtui.simulator.knobs import Knobs, change_knobs
from dagtui.simulator.scenarios import Step, scenario_named

Turn = Callable[[Mapping[str, object]], object]


class Story:
    """Calls `turn` for each step at its time, in the time of the running loop."""

    def __init__(self, steps: Sequence[Step], turn: Turn) -> None:
        self._steps = sorted(steps, key=lambda step: step.after_s)
        self._turn = turn
        self._begun = False
        self._began_at = 0.0
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self) -> None:
        """A call has come in: the first one starts the story."""
        if self._begun:
            return
        self._begun = True
        loop = asyncio.get_running_loop()
        self._began_at = loop.time()
        for step in self._steps:
            if step.after_s <= 0:
                self._turn(step.changes)  # the call that starts it meets it, too
            else:
                self._timers.append(loop.call_later(step.after_s, self._turn, step.changes))

    @property
    def elapsed(self) -> float | None:
        """Seconds since it began; None while it waits for the first call."""
        return asyncio.get_running_loop().time() - self._began_at if self._begun else None

    def next_step(self) -> float | None:
        """Seconds until knobs turn by themselves again; None where they do not, or it has not begun."""
        elapsed = self.elapsed
        if elapsed is None:
            return None
        return next((step.after_s - elapsed for step in self._steps if step.after_s > elapsed), None)

    def rewind(self) -> None:
        """Nothing more happens until the next call, which starts the story again."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._begun = False


def knobs_and_steps(scenario: str | None, given: Mapping[str, object]) -> tuple[Knobs, tuple[Step, ...]]:
    """How a simulator starts that plays a scenario, if one is named; the knobs that are given hold throughout.

    Raises UnknownScenarioError and KnobError.
    """
    if scenario is None:
        return change_knobs(Knobs(), given), ()
    found = scenario_named(scenario)
    steps = [
        Step(step.after_s, {name: value for name, value in step.changes.items() if name not in given})
        for step in found.steps
    ]
    return change_knobs(Knobs(), {**found.knobs, **given}), tuple(step for step in steps if step.changes)
