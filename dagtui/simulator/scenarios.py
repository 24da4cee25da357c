"""Scenarios: what a provider may do to a run, ready to be played. Plain data, light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dagtui.core.errors import nearest


@dataclass(frozen=True, slots=True)
class Step:
    """Knobs that are turned `after_s` seconds after the first call has come in."""

    after_s: float
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A provider's behaviour, and the run that shows it. The records are the sample emails, over and over."""

    name: str
    title: str
    """What the provider does in it, in one sentence."""
    records: int = 2_000
    concurrency: int = 100
    knobs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    steps: tuple[Step, ...] = ()
    gateway_retries: int = 0
    """Retries that the gateway makes by itself, behind the caller's back."""
    timeout: float | None = None
    """Seconds that an attempt may take; None for what holds anyway."""


class UnknownScenarioError(ValueError):
    """There is no such scenario; the text is one sentence for the user."""


_PACE: Mapping[str, Any] = {"latency_median_s": 0.3, "latency_sigma": 0.35}
_TIGHT: Mapping[str, Any] = {**_PACE, "requests_per_minute": 3_000, "requests_burst": 50}

_ALL = (
    Scenario("tight", "3,000 requests a minute, of which 50 may come at once.", knobs=_TIGHT),
    Scenario(
        "halving",
        "The limit of 3,000 requests a minute halves after 10 s and comes back after 25 s.",
        knobs=_TIGHT,
        steps=(
            Step(10, {"requests_per_minute": 1_500, "requests_burst": 25}),
            Step(25, {"requests_per_minute": 3_000, "requests_burst": 50}),
        ),
    ),
    Scenario(
        "tokens",
        "Input tokens are what is short: 420,000 a minute, about 42 emails a second.",
        records=1_500,
        knobs={
            **_PACE,
            "input_tokens_per_minute": 420_000,
            "input_tokens_burst": 10_000,
            "requests_per_minute": 6_000,
            "output_tokens_per_minute": 240_000,
        },
    ),
    Scenario(
        "output",
        "Output tokens are what is short: 78,000 a minute, held for the longest answer until the answer is there.",
        records=1_500,
        knobs={
            **_PACE,
            "output_tokens_per_minute": 78_000,
            "output_tokens_burst": 4_000,
            "requests_per_minute": 6_000,
            "input_tokens_per_minute": 1_000_000,
        },
    ),
    Scenario(
        "flaky",
        "No limits, but 5% of the requests fail, 2% are told that the provider is overloaded, and 1% hang.",
        records=1_000,
        knobs={**_PACE, "rate_500": 0.05, "rate_529": 0.02, "rate_hang": 0.01, "hang_s": 600},
        timeout=30,
    ),
    Scenario(
        "outage",
        "No limits, but the provider is gone from the 5th second to the 35th.",
        records=3_000,
        concurrency=50,
        knobs=_PACE,
        steps=(Step(5, {"down": True}), Step(35, {"down": False})),
    ),
    Scenario(
        "shared",
        "Somebody else uses half of the 3,000 requests a minute.",
        knobs={**_TIGHT, "others_requests_per_minute": 1_500},
    ),
    Scenario(
        "hidden",
        "The gateway retries by itself, waits longer each time, and strips the rate limit headers.",
        knobs={**_TIGHT, "strip_ratelimit_headers": True, "gateway_backoff_s": 1.0},
        gateway_retries=5,
    ),
    Scenario(
        "stripped",
        "3,000 requests a minute, and no header tells it; a 429 says when to come back.",
        knobs={**_TIGHT, "strip_ratelimit_headers": True},
    ),
    Scenario(
        "bare",
        "3,000 requests a minute, and nothing tells it: a 429 is all that is heard.",
        knobs={**_TIGHT, "strip_ratelimit_headers": True, "terse_429": True},
    ),
    Scenario(
        "misleading",
        "The headers speak of 3,000 requests a minute and hide that only 50 may come at once.",
        knobs={**_TIGHT, "remaining_shows": "minute"},
    ),
    Scenario(
        "small",
        "A new account: 50 requests a minute, of which 5 may come at once.",
        records=60,
        concurrency=60,
        knobs={**_PACE, "requests_per_minute": 50, "requests_burst": 5},
    ),
)

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def scenario_named(name: str) -> Scenario:
    """The scenario of that name; raises UnknownScenarioError."""
    try:
        return SCENARIOS[name]
    except KeyError:
        known = ", ".join(SCENARIOS)
        sentence = f'There is no scenario "{name}"{nearest(name, SCENARIOS)}; there are {known}.'
        raise UnknownScenarioError(sentence) from None
