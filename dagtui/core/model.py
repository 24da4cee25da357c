"""The nouns of a run, as immutable values. Durations are seconds, money is Decimal US dollars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dagtui.core.errors import Billed, ErrorKind
from dagtui.core.value import value

if TYPE_CHECKING:
    from pydantic import BaseModel  # these values are needed before there is time to load it


@value
class Record:
    """One input row. `index` counts from 0 in the order of the source; `line` is where it starts there."""

    index: int
    id: str
    fields: Mapping[str, Any]
    line: int = 0


@value
class RowError:
    """A row that could not be read, where a Record would have stood. `message` names the file and line."""

    line: int
    message: str


@value
class ProviderChoice:
    """Which model answers, and how. `parameters` go into the request body as they are."""

    provider: str
    model: str
    max_tokens: int = 1024
    temperature: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@value
class Prompt:
    """What the model reads."""

    user: str
    system: str | None = None


@value
class Request:
    """The unit of work: one dimension asked of one record.

    `seq` is `record.index * number of dimensions + position of the dimension`, so it is dense and stable.
    `fingerprint` stands for all that the answer depends on (`core.fingerprint`); 0 where nobody asks for it.
    """

    seq: int
    record_id: str
    dimension: str
    prompt: Prompt
    choice: ProviderChoice
    trace_id: str
    fingerprint: int = 0


@value
class Usage:
    """Tokens as the provider reported them. `input` leaves out what was read from or written to a cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def input_total(self) -> int:
        """Every token of the prompt, however it was priced."""
        return self.input + self.cache_read + self.cache_write

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )


@value
class Headroom:
    """What one answer said of one limit: `reset_s` seconds until it is whole again."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None


@value
class RateLimits:
    """The provider's limits as its headers tell them; a member is None where nothing was said."""

    requests: Headroom | None = None
    input_tokens: Headroom | None = None
    output_tokens: Headroom | None = None


Limited = Literal["requests", "input_tokens", "output_tokens", "concurrency", "growth", "quota"]


@value
class Blame:
    """Which limit a refusal names, and its number a minute if that was told.

    `growth` is a limit on how fast usage rises, `quota` one of the gateway's own.
    """

    resource: Limited
    per_minute: float | None = None


@value
class Response:
    """A model's answer to one attempt."""

    text: str
    usage: Usage
    model: str
    stop_reason: str | None = None
    status: int = 200
    request_id: str | None = None
    gateway_retries: int = 0
    limits: RateLimits | None = None


@value
class AttemptError:
    """Why an attempt failed, as plain data that may cross processes and reach a screen."""

    kind: ErrorKind
    message: str
    status: int | None = None
    billed: Billed = "no"


@value
class Attempt:
    """One exchange with the gateway. Times are epoch seconds; `retry_in` is the wait before the next one."""

    number: int
    sent_at: float
    ended_at: float
    status: int | None = None
    error: AttemptError | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    retry_in: float | None = None
    retry_reason: str = ""
    request_id: str | None = None
    gateway_retries: int = 0
    limits: RateLimits | None = None

    @property
    def latency(self) -> float:
        """Seconds from sending to the end of the answer."""
        return self.ended_at - self.sent_at


Value: TypeAlias = "BaseModel | str"


@value
class Success:
    """The request was answered; `value` is the dimension's model, or plain text.

    `saved` is what it would have cost, where an identical request had been answered already. `flags` say what is
    odd about the answer (`core.answer_flags`), `echo` is a number that equal texts share.
    """

    value: Value
    text: str
    attempts: int
    latency: float
    usage: Usage
    cost: Decimal | None
    category: str | None = None
    trace_id: str = ""
    fingerprint: int = 0
    saved: Decimal | None = None
    flags: int = 0
    echo: int = 0


@value
class Failure:
    """The request was given up. `usage` and `cost` count what its attempts were billed all the same; `flags` are
    those of its last answer, where there was one that did not fit.
    """

    error: AttemptError
    attempts: int
    usage: Usage = Usage()
    cost: Decimal | None = None
    trace_id: str = ""
    flags: int = 0


@value
class Skipped:
    """The request has no answer: something that it needs did not succeed, or somebody wanted it so."""

    reason: str


@value
class Cancelled:
    """The run was stopped before the request had an outcome."""

    reason: str
    attempts: int = 0
    perhaps_billed: bool = False
    usage: Usage = Usage()
    cost: Decimal | None = None


Outcome: TypeAlias = Success | Failure | Skipped | Cancelled


def plain(value: Value) -> Any:
    """`value` as what JSON can hold."""
    return value if isinstance(value, str) else value.model_dump(mode="json")
