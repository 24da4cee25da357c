"""What can go wrong, as types. Every message names the file, line, variable or flag to change.

    DagtuiError
    ├── BadInput          the file or its rows            exit 4
    ├── ConfigError       settings, tasks, plugins, flags exit 2
    │   ├── TargetExists  a file that holds something would be overwritten
    │   ├── RunInUse      another process is at this run
    │   └── KeyMissing    an API key is absent or malformed  exit 5
    └── GatewayError      one attempt failed; its `kind` decides what happens next

`ErrorKind` is the only key for counting and deciding; a message is decoration.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Literal

from dagtui.core.text import named

if TYPE_CHECKING:
    from dagtui.core.model import Blame, RateLimits


class ExitCode(IntEnum):
    """What the shell learns of a run."""

    OK = 0
    INTERNAL = 1
    CONFIGURATION = 2
    PARTIAL_FAILURE = 3
    BAD_INPUT = 4
    AUTH = 5
    BUDGET = 6
    UNREACHABLE = 7
    INTERRUPTED = 130


class ErrorKind(StrEnum):
    """Why an attempt or a request failed."""

    RATE_LIMITED = "rate_limited"  # the provider's own limit (429)
    QUOTA = "quota"  # the gateway's limit (429 without retry-after)
    OVERLOADED = "overloaded"  # the provider is full (529, 503)
    SERVER = "server"  # 500, 502, 504 and the like
    TIMEOUT = "timeout"  # no answer within the attempt's time
    CONNECTION = "connection"  # refused, reset, no such host
    INVALID_RESPONSE = "invalid_response"  # an answer that is not the protocol's
    INVALID_OUTPUT = "invalid_output"  # the model's text does not fit the schema
    BAD_REQUEST = "bad_request"  # 400, 413, 422: the request itself
    BAD_INPUT = "bad_input"  # the record lacks what the prompt needs
    GUARDRAIL = "guardrail"  # 446: denied by a guardrail
    UNKNOWN_MODEL = "unknown_model"
    AUTH = "auth"
    CONFIG = "config"  # the gateway refuses the configuration
    BUDGET = "budget"  # 412, 402: spending limit at the gateway or provider
    PLUGIN = "plugin"  # the user's own code raised
    SUPERSEDED = "superseded"  # another attempt of the same request was answered first
    ABANDONED = "abandoned"  # the user would not wait for this attempt any longer

    @property
    def throttled(self) -> bool:
        """The provider asks for patience."""
        return self in _THROTTLED

    @property
    def retryable(self) -> bool:
        """Asking again may help."""
        return self in _RETRYABLE

    @property
    def fatal(self) -> bool:
        """Every other request would fail alike, so the run stops at the first one."""
        return self in _FATAL


_THROTTLED = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.QUOTA, ErrorKind.OVERLOADED})
_RETRYABLE = _THROTTLED | {
    ErrorKind.SERVER,
    ErrorKind.TIMEOUT,
    ErrorKind.CONNECTION,
    ErrorKind.INVALID_RESPONSE,
    ErrorKind.INVALID_OUTPUT,
    ErrorKind.ABANDONED,
}
_FATAL = frozenset({ErrorKind.AUTH, ErrorKind.CONFIG, ErrorKind.UNKNOWN_MODEL, ErrorKind.BUDGET})

Billed = Literal["no", "maybe", "yes"]

LEAST_ASKED, MOST_ASKED = 0.1, 900.0
"""Seconds between which a `retry-after` is obeyed. Who obeys a 0 to the letter asks thousands of times a minute;
what is longer is a defect, or a quota's and no limit of a minute."""

_LONGEST = 2_000  # characters of a sentence: the names in a file that it quotes are as long as they like


class DagtuiError(Exception):
    """Base of everything that dagtui raises on purpose; `str()` of it is fit to be shown."""

    exit_code = ExitCode.INTERNAL

    def __str__(self) -> str:
        told = super().__str__()
        if len(told) > _LONGEST:  # its end says what to do
            told = f"{told[: _LONGEST // 2]} … {told[-_LONGEST // 4 :]}"
        return named(told, _LONGEST)


class BadInput(DagtuiError):  # noqa: N818 - reads as what it is, like the stdlib's own StopIteration
    """The input cannot be read as records."""

    exit_code = ExitCode.BAD_INPUT


class ConfigError(DagtuiError):
    """A setting, task, plugin or flag is wrong."""

    exit_code = ExitCode.CONFIGURATION


class TargetExists(ConfigError):  # noqa: N818
    """What would be written exists already and holds something; nothing was touched."""


class RunInUse(ConfigError):  # noqa: N818
    """Another process is at this run."""


class KeyMissing(ConfigError):  # noqa: N818
    """An API key is absent or cannot be one."""

    exit_code = ExitCode.AUTH


@dataclass(eq=False)
class GatewayError(DagtuiError):
    """One attempt failed.

    `retry_after` is in seconds as the provider asked; `billed` says whether money may have been spent;
    `gateway_retries` counts attempts that the gateway made behind our back. `most_attempts` is set where
    the same question mostly meets the same fate, at full price (a refusal, an answer that was cut off). `lost`:
    an answer may have been given, and paid, that never arrived. `limits` and `blame` are what a refusal says of
    the provider's limits.
    """

    kind: ErrorKind
    message: str
    status: int | None = None
    retry_after: float | None = None
    billed: Billed = "no"
    request_id: str | None = None
    gateway_retries: int = 0
    most_attempts: int | None = None
    lost: bool = False
    limits: RateLimits | None = None
    blame: Blame | None = None

    def __post_init__(self) -> None:
        self.exit_code = exit_code_of(self.kind)

    def __str__(self) -> str:
        return self.message

    @property
    def patient(self) -> bool:
        """Whether it leaves the request's attempts alone: the provider asked to wait, or nothing could be sent."""
        return self.kind.throttled or (self.kind is ErrorKind.CONNECTION and self.billed == "no")

    @property
    def wait(self) -> float | None:
        """The seconds to stay away; None where nothing was asked, or nothing that a request can wait for."""
        asked = self.retry_after
        return asked if asked is not None and LEAST_ASKED <= asked <= MOST_ASKED else None


def exit_code_of(kind: ErrorKind) -> ExitCode:
    """The exit code of a run that stopped for `kind`."""
    match kind:
        case ErrorKind.AUTH:
            return ExitCode.AUTH
        case ErrorKind.BUDGET:
            return ExitCode.BUDGET
        case ErrorKind.CONFIG | ErrorKind.UNKNOWN_MODEL:
            return ExitCode.CONFIGURATION
        case ErrorKind.CONNECTION:
            return ExitCode.UNREACHABLE
        case ErrorKind.BAD_INPUT:
            return ExitCode.BAD_INPUT
        case _:
            return ExitCode.PARTIAL_FAILURE


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint such as ` (did you mean "subject"?)`, or nothing when no known name is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.65)
    return f' (did you mean "{named(close[0])}"?)' if close else ""
