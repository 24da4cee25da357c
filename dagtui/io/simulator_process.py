"""Starts the embedded simulator as a process of its own, and ends it with us."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.io.simulated import ask_simulator

_END_TIMEOUT = 3.0  # seconds; it ends at once when its standard input does
_BOUND_TIMEOUT = 60.0  # seconds; it takes about one for 40,000 requests
_START_TIMEOUT = 20.0  # seconds; it takes about half of one


class SimulatorProcess:
    """A running simulator on a free loopback port. It ends when our end of its standard input closes, so a killed
    dagtui leaves none behind."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self.url = url

    async def totals(self) -> dict[str, Any]:
        """What its ledger counts: requests, by_status, input_tokens, output_tokens, ..."""
        return (await asyncio.to_thread(ask_simulator, f"{self.url}/sim/ledger?entries=0"))["totals"]

    async def bound(self, concurrency: int | None = None) -> dict[str, Any]:
        """How fast its run could have been with so many slots: seconds, span, ratio, binding, fluid."""
        query = "" if concurrency is None else f"?concurrency={concurrency}"
        return await asyncio.to_thread(ask_simulator, f"{self.url}/sim/bound{query}", timeout=_BOUND_TIMEOUT)

    async def aclose(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await _gone(self._process)


async def _gone(process: Process) -> None:
    """Wait for its end, and bring it about if it does not come by itself, or if nobody has the time to wait.

    No signal before that: one sent to a process that has just ended makes asyncio's watcher lose its exit, and
    say so on stderr.
    """
    try:
        await asyncio.wait_for(process.wait(), _END_TIMEOUT)
    except (TimeoutError, asyncio.CancelledError) as error:
        with suppress(ProcessLookupError):  # it has just ended
            process.kill()
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise


async def start_simulator(
    knobs: Mapping[str, Any] | None = None, seed: int = 0, scenario: str | None = None
) -> SimulatorProcess:
    """Start a simulator with these knobs and wait until it answers; it plays a scenario if one is named.

    The knobs win over those of the scenario.

    Raises:
        ConfigError: there is no such knob or scenario, or the knob cannot be set to that.
        DagtuiError: it did not start; with what it said.
    """
    command = [sys.executable, "-m", "dagtui.simulator", "--port", "0", "--exit-with-stdin", "--seed", str(seed)]
    if scenario is not None:
        command += ["--scenario", scenario]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--knobs",
        json.dumps(dict(knobs or {})),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,  # Ctrl+C in the terminal is for us: the simulator answers until we have drained
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_TIMEOUT)
        return SimulatorProcess(process, json.loads(line)["url"])
    except asyncio.CancelledError:  # nobody would ever end it
        process.stdin.close()
        await _gone(process)
        raise
    except (TimeoutError, ValueError, KeyError):
        process.stdin.close()
        await _gone(process)
        said = (await process.stderr.read()).decode("utf-8", "replace").strip()
        wrong = (
            ConfigError if process.returncode == 2 else DagtuiError
        )  # as its command line refuses what it is told
        raise wrong(f"The simulator did not start: {said or 'it said nothing'}") from None
