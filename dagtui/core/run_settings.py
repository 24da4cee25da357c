"""How a run behaves: plain values with their bounds, guarded where they are made.

They are no pydantic model like the other settings, because the first screen shows them, and loading pydantic would
be a fifth of the time until it is painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

from dagtui.core.errors import ConfigError

if TYPE_CHECKING:
    from dagtui.core.retry import RetryPolicy

MAX_CONCURRENCY = 10_000
MAX_ATTEMPTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How a run behaves. Durations in seconds.

    `attempts` does not count waiting out a rate limit; `timeout` is for one attempt, `deadline` for a request with
    all its retries; `requests_per_minute` is a cap of the user's own.

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

    def __post_init__(self) -> None:
        for name, most in (("concurrency", MAX_CONCURRENCY), ("attempts", MAX_ATTEMPTS)):
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise _wrong(name, value, f"must be a whole number from 1 to {most:,}")
        for name in ("timeout", "deadline", "requests_per_minute"):
            value = getattr(self, name)
            if value is None and name == "requests_per_minute":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
                raise _wrong(name, value, "must be a number above 0")
        if self.continue_on_error not in (True, False):
            raise _wrong("continue_on_error", self.continue_on_error, "must be true or false")
        if self.bad_rows not in ("fail", "skip"):
            raise _wrong("bad_rows", self.bad_rows, 'must be "fail" or "skip"')

    @property
    def retry(self) -> RetryPolicy:
        """The policy that these settings amount to."""
        from dagtui.core.retry import RetryPolicy  # not needed before a run

        return RetryPolicy(attempts=self.attempts, deadline=self.deadline)


def _wrong(name: str, value: object, needed: str) -> ConfigError:
    return ConfigError(f'settings: "{name}" is {repr(value)[:60]}, but it {needed}.')
