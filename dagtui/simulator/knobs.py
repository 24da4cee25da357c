"""What can be turned on the simulated provider, before it starts or while it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dagtui.core.errors import nearest

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PerMinute = Annotated[float, Field(gt=0, allow_inf_nan=False)]

Resource = Literal["requests", "input_tokens", "output_tokens"]
RESOURCES: tuple[Resource, ...] = ("requests", "input_tokens", "output_tokens")


class Knobs(BaseModel):
    """The provider's speed, limits and faults. Rates of faults are shares of requests, from 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    latency_median_s: Seconds = 0.3
    """Median of the lognormal time to an answer, in seconds."""
    latency_sigma: Annotated[float, Field(ge=0, le=5)] = 0.35
    """Spread of the latency (sigma of its logarithm); 0 makes every answer take the median."""
    latency_per_output_token_s: Seconds = 0.0
    """Seconds added for each token of the answer."""

    requests_per_minute: PerMinute | None = None
    """Limit of each organisation; null for none."""
    input_tokens_per_minute: PerMinute | None = None
    """The same for tokens in."""
    output_tokens_per_minute: PerMinute | None = None
    """The same for tokens out, which are reserved by max_tokens and settled at the end."""
    burst_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0
    """Seconds of refill that a full bucket holds; a real one often holds less than a minute's."""
    requests_burst: PerMinute | None = None
    """Requests that a full bucket holds, instead of burst_s."""
    input_tokens_burst: PerMinute | None = None
    """Tokens in that a full bucket holds, instead of burst_s."""
    output_tokens_burst: PerMinute | None = None
    """Tokens out that a full bucket holds, instead of burst_s."""
    remaining_shows: Literal["bucket", "minute"] = "bucket"
    """What the headers call remaining: the enforced "bucket", or a whole "minute" less what was used."""
    others_requests_per_minute: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Requests a minute that others of the same organisation make, at random moments; null for nobody."""
    concurrency_cap: Annotated[int, Field(ge=1)] | None = None
    """Requests of one organisation that may be in flight; one more is refused with 429."""

    rate_429: Fraction = 0.0
    """Share of requests refused with 429. A request meets one fault at most: the shares add up, as far as to 1."""
    rate_500: Fraction = 0.0
    """Share of requests that fail with 500."""
    rate_529: Fraction = 0.0
    """Share of requests that are told that the provider is overloaded."""
    rate_hang: Fraction = 0.0
    """Share of requests that hear nothing for hang_s."""
    rate_reset: Fraction = 0.0
    """Share of requests whose connection is cut."""
    retry_after_s: Seconds | None = None
    """The retry-after of an injected 429 (whole seconds, rounded up); null sends no such header."""
    hang_s: Seconds = 600.0
    """How long a hanging request is silent before its answer comes after all."""
    reset_after: Literal["request", "headers"] = "request"
    """Where a reset cuts the connection: "request", before any answer, or "headers", in the middle of it."""
    strip_ratelimit_headers: bool = False
    """Send no rate limit headers, as some providers and proxies do."""
    terse_429: bool = False
    """A 429 says neither which limit it was nor when to come back."""
    down: bool = False
    """The provider is out: every connection to it is cut at once."""

    accuracy: Fraction = 0.93
    """Share of answers whose category is what the text says; the others name another one."""
    bad_output_rate: Fraction = 0.0
    """Share of answers that are not valid JSON."""
    truncate_rate: Fraction = 0.0
    """Share of answers that stop at half with stop_reason max_tokens."""

    gateway_backoff_s: Seconds = 1.0
    """First wait of the retries a gateway hides; it doubles each time (Portkey: 1, 2, 4, ... seconds)."""

    def per_minute(self, resource: Resource) -> float | None:
        """The limit of one resource, or None."""
        match resource:
            case "requests":
                return self.requests_per_minute
            case "input_tokens":
                return self.input_tokens_per_minute
            case "output_tokens":
                return self.output_tokens_per_minute

    def capacity(self, resource: Resource) -> float | None:
        """What a full bucket of one resource holds, or None when it is unlimited."""
        limit = self.per_minute(resource)
        if limit is None:
            return None
        match resource:
            case "requests":
                burst = self.requests_burst
            case "input_tokens":
                burst = self.input_tokens_burst
            case "output_tokens":
                burst = self.output_tokens_burst
        # At least one: a bucket that cannot hold a single request would refuse all of them forever.
        return burst if burst is not None else max(1.0, limit / 60 * self.burst_s)


class KnobError(ValueError):
    """A knob that does not exist or a value that it cannot take; the text is one sentence for the user."""


def read_knobs(text: str | bytes) -> Knobs:
    """Read knobs from a JSON object; raises KnobError."""
    return change_knobs(Knobs(), read_changes(text))


def read_changes(text: str | bytes) -> Mapping[str, object]:
    """Read a JSON object of some knobs; raises KnobError."""
    try:
        changes: object = json.loads(text)
    except ValueError as error:
        raise KnobError(f"The knobs are not valid JSON: {error}.") from error
    if not isinstance(changes, dict):
        raise KnobError('The knobs must be a JSON object, such as {"latency_median_s": 0.2}.')
    return cast("dict[str, object]", changes)


def change_knobs(knobs: Knobs, changes: Mapping[str, object]) -> Knobs:
    """The same knobs with some of them turned; raises KnobError and changes nothing if any is wrong."""
    for name in changes:
        if name not in Knobs.model_fields:
            raise KnobError(_unknown(name))
    try:
        return Knobs.model_validate({**knobs.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise KnobError(f"The knob {name} cannot be {first['input']!r}: {_reason(first['msg'])}.") from error


def _unknown(name: str) -> str:
    return f'There is no knob "{name}"{nearest(name, Knobs.model_fields)}; dagtui simulate --help lists them.'


def _reason(message: str) -> str:
    return message[:1].lower() + message[1:]
