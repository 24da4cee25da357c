"""Reads and turns the knobs of a simulator that listens somewhere, ours or `dagtui simulate`."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.core.faults import ProviderState, Scene

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # one on loopback is never proxied
_ANSWER_S = 5.0  # that it may take; it takes a millisecond


class SimulatorControl:
    """The simulator at `url`, by its own routes. Its errors are one sentence each."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def state(self) -> ProviderState:
        """How it stands.

        Raises:
            DagtuiError: it does not answer.
        """
        return _state(await self._ask("GET", "state"))

    async def turn(self, changes: Mapping[str, object]) -> ProviderState:
        """Turn knobs; how it stands after that.

        Raises:
            DagtuiError: it does not answer, or refuses; then nothing was turned.
        """
        await self._ask("PATCH", "knobs", dict(changes))
        return await self.state()

    async def play(self, scenario: str) -> ProviderState:
        """Begin a scenario now, or with an empty name end the one that is played; how it stands after that.

        Raises:
            DagtuiError: it does not answer, or knows no such scenario.
        """
        return _state(await self._ask("POST", "scenario", {"name": scenario}))

    async def scenarios(self) -> tuple[Scene, ...]:
        """The scenarios that it can play.

        Raises:
            DagtuiError: it does not answer.
        """
        return tuple(Scene(one["name"], one["title"]) for one in await self._ask("GET", "scenarios"))

    async def was_turned(self) -> bool:
        """Whether somebody has turned a knob; of one that has gone nobody knows."""
        try:
            return (await self.state()).turned
        except DagtuiError:
            return True

    async def _ask(self, method: str, route: str, body: object = None) -> Any:
        try:
            return await asyncio.to_thread(ask_simulator, f"{self.url}/sim/{route}", method, body)
        except urllib.error.HTTPError as error:
            raise ConfigError(await asyncio.to_thread(_sentence, error)) from None
        except (OSError, ValueError, KeyError) as error:
            raise DagtuiError(f"The simulator at {self.url} does not answer: {_reason(error)}.") from None


def simulator_of(gateway: object, base_url: str) -> SimulatorControl | None:
    """The simulator behind `gateway`, if it has found out that it is one."""
    if getattr(gateway, "flavour", None) != "simulator":
        return None
    return SimulatorControl(base_url.rstrip("/").removesuffix("/v1"))


def ask_simulator(url: str, method: str = "GET", body: object = None, timeout: float = _ANSWER_S) -> Any:
    """What `url` answers, as plain data. Raises what urllib and json raise."""
    data = None if body is None else json.dumps(body).encode()
    with _direct.open(urllib.request.Request(url, data, method=method), timeout=timeout) as answer:
        return json.loads(answer.read())


def _state(told: Mapping[str, Any]) -> ProviderState:
    return ProviderState(
        told["knobs"],
        told["first"],
        told.get("scenario") or "",
        told.get("elapsed_s"),
        told.get("next_step_s"),
        bool(told.get("turned")),
    )


def _sentence(error: urllib.error.HTTPError) -> str:
    """What it said; one of another version may know no such route."""
    try:
        with error:
            return str(json.loads(error.read())["error"]["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"The simulator answers {error.code}; is it of another version?"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason).lower()
