"""The knobs of a simulated provider as a front end shows them: words, numbers, and the steps by which they turn.

The simulator itself says how they stand; nothing here holds a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["limit", "count", "share", "seconds", "number", "switch"]
_OFF = "off"
LIFTED = 6_000_000
"""A limit a minute that is none, and that a client can be told of. It reads "lifted"."""
_FEW = 1e-9


@dataclass(frozen=True, slots=True)
class ProviderState:
    """How a simulated provider stands, and stood before anybody turned a knob. `scenario` is empty for none; its
    seconds so far are None until its first call, those to its next step where there is none. `turned`: by hand.
    """

    knobs: Mapping[str, Any]
    first: Mapping[str, Any]
    scenario: str = ""
    elapsed_s: float | None = None
    next_step_s: float | None = None
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A scenario by name, and what happens in it in one sentence."""

    name: str
    title: str


class SimulatedProvider(Protocol):
    """A provider that is simulated, so that its faults can be turned on. Each raises DagtuiError where it refuses
    or does not answer.
    """

    async def state(self) -> ProviderState:
        """How it stands."""
        ...

    async def turn(self, changes: Mapping[str, object]) -> ProviderState:
        """Turn knobs."""
        ...

    async def play(self, scenario: str) -> ProviderState:
        """Begin a scenario now; an empty name ends the one that is played."""
        ...

    async def scenarios(self) -> tuple[Scene, ...]:
        """Those that it can play."""
        ...


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob. `least` and `most` bound the steps, not what may be typed; a `limit` beyond the most is off."""

    name: str
    words: str
    kind: Kind
    least: float
    most: float
    about: str

    @property
    def whole(self) -> bool:
        """It has no fractions that anybody would type."""
        return self.kind in ("limit", "count", "switch")

    def shown(self, value: Any) -> str:
        """`3,000`, `2.5 %`, `300 ms`, `1.2 s`, `off`."""
        if self.kind == "switch":
            return "on" if value else _OFF
        if value is None:
            return _OFF
        if value == LIFTED and self.kind == "limit":
            return "lifted"
        number = float(value)
        match self.kind:
            case "share":
                return f"{_plain(round(number * 100, 3))} %" if number else _OFF
            case "seconds":
                return f"{_plain(round(number * 1000, 1))} ms" if 0 < number < 0.9995 else f"{_plain(number)} s"
            case "limit" | "count":
                return f"{number:,.0f}" if number >= 10 or number == int(number) else _plain(number)
            case _:
                return _plain(number)

    def turned(self, value: Any, direction: int, *, fine: bool = False) -> Any:
        """The next value up or down: 1, 2, 5, 10, ...; `fine` moves its second digit."""
        if self.kind == "switch":
            return direction > 0
        if value is None or (self.kind == "limit" and value == LIFTED):  # beyond the most
            return None if direction > 0 else self._whole(self.most)
        number = float(value)
        found = _series(number, direction, self.least)
        if fine:
            found = number + direction if self.kind == "count" else _fine(number, direction, self.least)
        if self.kind == "limit" or self.kind == "count":
            if found > self.most * (1 + _FEW):
                return None
            return self._whole(max(self.least, found))
        zero = self.kind in ("share", "number") and found < self.least * (1 - _FEW)
        return 0.0 if zero else round(min(max(found, self.least), self.most), 6)

    def read(self, text: str) -> Any:
        """What was typed, in the unit that is shown (per cent, milliseconds below a second are seconds).

        Raises:
            ValueError: it is no number; the text is one sentence.
        """
        try:
            number = float(text.replace(",", ""))
        except ValueError:
            raise ValueError(f"{text} is no number.") from None
        if self.kind == "share":
            number /= 100
        return self._whole(number) if self.kind == "count" and number == int(number) else number

    def _whole(self, number: float) -> float | int:
        return int(number) if number == int(number) else number


def _plain(number: float) -> str:
    return f"{number:,.3f}".rstrip("0").rstrip(".")


def _series(number: float, direction: int, least: float) -> float:
    if number <= 0:
        return least if direction > 0 else -1.0
    power = math.floor(math.log10(number) + _FEW)
    values = [digit * 10.0**exponent for exponent in range(power - 1, power + 2) for digit in (1, 2, 5)]
    if direction > 0:
        return next(value for value in values if value > number * (1 + _FEW))
    return next(value for value in reversed(values) if value < number * (1 - _FEW))


def _fine(number: float, direction: int, least: float) -> float:
    if number <= 0:
        return least if direction > 0 else -1.0
    power = math.floor(math.log10(number) + _FEW)
    if direction < 0 and number <= 10.0**power * (1 + _FEW):
        power -= 1  # from 1,000 down it goes to 990
    return number + direction * 10.0 ** (power - 1)


LIMITS = (
    Knob("requests_per_minute", "requests a minute", "limit", 10, 20_000, "The provider refuses more with 429."),
    Knob("input_tokens_per_minute", "tokens in", "limit", 1_000, 2_000_000, "A minute; refused with 429 beyond."),
    Knob(
        "output_tokens_per_minute",
        "tokens out",
        "limit",
        1_000,
        1_000_000,
        "A minute; max_tokens are set aside until the answer is there.",
    ),
    Knob("concurrency_cap", "at once", "count", 1, 500, "Requests in flight; one more is refused with 429."),
    Knob("burst_s", "burst", "seconds", 0.1, 60, "Seconds' worth of a limit that may come at once."),
)
FAULTS = (
    Knob("rate_429", "429 refused", "share", 0.001, 1, "Refused although no limit is reached."),
    Knob("rate_500", "500 broken", "share", 0.001, 1, "Fails with an internal server error."),
    Knob("rate_529", "529 overloaded", "share", 0.001, 1, "Is told that the provider is full."),
    Knob("rate_hang", "hangs", "share", 0.001, 1, "Hears nothing for as long as it hangs."),
    Knob("hang_s", "hangs for", "seconds", 1, 600, "Then the answer comes after all."),
    Knob("rate_reset", "resets", "share", 0.001, 1, "Its connection is cut before the answer."),
    Knob("bad_output_rate", "bad output", "share", 0.001, 1, "Answers that are not valid JSON."),
    Knob("down", "outage", "switch", 0, 1, "Every connection is cut at once."),
)
SPEED = (
    Knob("latency_median_s", "latency", "seconds", 0.01, 60, "The median time to an answer."),
    Knob("latency_sigma", "spread", "number", 0.01, 3, "Of the latency: 0 is none, 1 a long tail."),
)
KNOBS: Mapping[str, Knob] = {knob.name: knob for knob in (*LIMITS, *FAULTS, *SPEED)}
"""Those that are shown, by their names at the simulator, in their order."""

_SHORT_BURST_S = 1.0
_BURSTS: Mapping[str, str] = {knob.name: f"{knob.name.removesuffix('_per_minute')}_burst" for knob in LIMITS[:3]}
"""The knob of the bucket's size, for each limit a minute."""


def lifted(name: str) -> dict[str, object]:
    """What lifts the limit a minute of that name, also from a client who knows it: the headers say so."""
    return {name: LIFTED, _BURSTS[name]: LIFTED}


def arranged(knobs: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, object]:
    """`changes` with what belongs to them, so that the run feels at once what is turned.

    A limit that the client has heard of is lifted rather than taken away in silence, which would leave the client
    with what it knows. The first limit on a provider that would let a whole minute of it through at once shortens
    that to a second's worth.
    """
    found = dict(changes)
    for name, burst in _BURSTS.items():
        if name not in changes or burst in changes:
            continue
        if changes[name] is None and knobs.get(name) is not None:
            found |= lifted(name)
        elif changes[name] is not None and knobs.get(burst) == LIFTED:
            found[burst] = None
    unlimited = all(is_unlimited(knobs.get(name)) for name in _BURSTS)
    limits = any(not is_unlimited(found.get(name)) for name in _BURSTS)
    if unlimited and limits and "burst_s" not in changes and knobs.get("burst_s", 0) >= KNOBS["burst_s"].most:
        found["burst_s"] = _SHORT_BURST_S
    return found


def is_unlimited(value: object) -> bool:
    """Whether a limit of that value is none."""
    return value is None or value == LIFTED


def told(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What was turned, for the log: `requests a minute 3,000 -> 1,500, outage off -> on`; empty if nothing was."""
    parts = [
        f"{knob.words} {knob.shown(before.get(name))} -> {knob.shown(after.get(name))}"
        for name, knob in KNOBS.items()
        if before.get(name) != after.get(name)
    ]
    return ", ".join(parts)
