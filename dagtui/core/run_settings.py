"""How a run behaves: plain values with their bounds, guarded where they are made.

They are no pydantic model like the other settings, because the first screen shows them, and loading pydantic would
be a fifth of the time until it is painted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING, Literal, cast

from dagtui.core.errors import ConfigError

if TYPE_CHECKING:
    from dagtui.core.retry import RetryPolicy

MAX_CONCURRENCY = 10_000
MAX_ATTEMPTS = 100
DEFAULT_CEILING = 1000
AUTOMATIC_START = 20
"""Requests in flight with which automatic concurrency begins."""
_OTHER_FILES = 64  # that a run has open beside its connections
MAX_GATEWAY_RETRIES = 5  # Portkey's own limit
LIMITED = ("requests", "input", "output")
"""What a provider's limits count, a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How a run behaves. Durations in seconds.

    `attempts` does not count waiting out a rate limit; `timeout` is for one attempt, `deadline` for a request
    with all its retries; `requests_per_minute` is a cap of the user's own. `limits` are the provider's, a
    minute, as far as the user knows them. With `automatic` the concurrency is where it starts, and `ceiling` the
    most it becomes. `retries_by` "gateway" switches pacing and retrying off here. `hedge` sends a request once
    more that takes far longer than the others; `dedupe` answers identical requests once. `max_cost` is a budget
    in US dollars. After the first `pilot` records the run asks whether to go on; where nobody can be asked, it
    does if a share of `pilot_min_ok` of them is done. It pauses, or stops, when the `stop_rule`
    (`core.stop_rule`) is hit.

    Raises:
        ConfigError: one sentence: the setting, its value and what it may be.
    """

    concurrency: int = 10
    attempts: int = 5
    timeout: float = 600.0
    deadline: float = 1800.0
    requests_per_minute: float | None = None
    continue_on_error: bool = True
    bad_rows: Literal["fail", "skip"] = "fail"
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    automatic: bool = False
    ceiling: int = DEFAULT_CEILING
    retries_by: Literal["us", "gateway"] = "us"
    hedge: bool = False
    dedupe: bool = False
    max_cost: Decimal | None = None
    pilot: int | None = None
    pilot_min_ok: float = 0.9
    stop_rule: str | None = None

    def __post_init__(self) -> None:
        bounds = (("concurrency", MAX_CONCURRENCY), ("attempts", MAX_ATTEMPTS), ("ceiling", MAX_CONCURRENCY))
        for name, most in bounds:
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise _wrong(name, value, f"must be a whole number from 1 to {most:,}")
        for name in ("timeout", "deadline", "requests_per_minute"):
            value = getattr(self, name)
            if value is None and name == "requests_per_minute":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
                raise _wrong(name, value, "must be a number above 0")
        value = self.max_cost
        if value is not None and (not isinstance(cast(object, value), Decimal) or not 0 < value < inf):
            raise _wrong("max_cost", value, "must be a Decimal of dollars above 0")
        for name in ("continue_on_error", "automatic", "hedge", "dedupe"):
            if getattr(self, name) not in (True, False):
                raise _wrong(name, getattr(self, name), "must be true or false")
        for name, number in self.limits.items():
            if name not in LIMITED:
                raise _wrong("limits", name, f"must be one of {', '.join(LIMITED)}")
            if isinstance(number, bool) or not 0 < number < inf:
                raise _wrong(f"limits.{name}", number, "must be a number above 0")
        if self.pilot is not None and (isinstance(self.pilot, bool) or self.pilot < 1):
            raise _wrong("pilot", self.pilot, "must be a whole number of records, 1 or more")
        if isinstance(self.pilot_min_ok, bool) or not 0 <= self.pilot_min_ok <= 1:
            raise _wrong("pilot_min_ok", self.pilot_min_ok, "must be a share from 0 to 1")
        if self.stop_rule is not None:
            from dagtui.core.stop_rule import parse_rule  # most runs have none

            parse_rule(self.stop_rule)
        if self.retries_by not in ("us", "gateway"):
            raise _wrong("retries_by", self.retries_by, 'must be "us" or "gateway"')
        if self.bad_rows not in ("fail", "skip"):
            raise _wrong("bad_rows", self.bad_rows, 'must be "fail" or "skip"')

    @property
    def retry(self) -> RetryPolicy:
        """The policy that these settings amount to."""
        from dagtui.core.retry import RetryPolicy  # not needed before a run

        elsewhere = self.retries_by == "gateway"
        return RetryPolicy(attempts=self.attempts, deadline=self.deadline, elsewhere=elsewhere)


def within(settings: RunSettings, files: int) -> tuple[RunSettings, str]:
    """The settings of a process that may open so many `files`, and what to tell if more was wanted."""
    most = max(1, files - _OTHER_FILES)
    concurrency, ceiling = min(settings.concurrency, most), min(settings.ceiling, most)
    if (concurrency, ceiling) == (settings.concurrency, settings.ceiling):
        return settings, ""
    told = settings.concurrency > most or (settings.automatic and settings.ceiling > most)
    notice = f"at most {most:,} at once: this system allows {files:,} open files (ulimit -n shows it)"
    return replace(settings, concurrency=concurrency, ceiling=ceiling), notice if told else ""


def _wrong(name: str, value: object, needed: str) -> ConfigError:
    return ConfigError(f'settings: "{name}" is {repr(value)[:60]}, but it {needed}.')
