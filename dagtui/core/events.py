"""What happens in a run, as immutable facts. `time` is epoch seconds.

The run can be rebuilt from its events alone: statistics are their fold, a results file their projection.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

from dagtui.core.held import Hold
from dagtui.core.model import Attempt, Outcome, RateLimits, Record
from dagtui.core.value import value

Phase: TypeAlias = Literal["ready", "running", "paused", "draining", "cancelling", "ended"]


@value
class RunStarted:
    """The engine begins. `records` is None while the source's length is unknown (a pipe)."""

    time: float
    run_id: str
    dimensions: tuple[str, ...]
    records: int | None
    target: int


@value
class RunResumed:
    """A run goes on after a stop or a crash; the requests `again` have no outcome any more."""

    time: float
    session: int
    again: tuple[int, ...]


@value
class RequestsReopened:
    """Requests that had an outcome are to be asked again; `by` says who wants that. What they cost stays spent."""

    time: float
    seqs: tuple[int, ...]
    by: str


@value
class RecordReused:
    """A record that an earlier session had finished was read once more; nothing of it is asked again."""

    time: float
    record: Record
    outcomes: Mapping[str, Outcome]


@value
class RecordRead:
    """A record entered the window; its requests are queued."""

    time: float
    index: int
    record_id: str


@value
class RowRejected:
    """A row of the source could not be read and was left out."""

    time: float
    line: int
    message: str


@value
class SourceEnded:
    """The last record was read; the number of records is known now."""

    time: float
    records: int


@value
class AttemptStarted:
    """A request leaves for the gateway."""

    time: float
    seq: int
    number: int


@value
class AttemptEnded:
    """An attempt was answered or failed."""

    time: float
    seq: int
    attempt: Attempt


@value
class RequestEnded:
    """A request has its one outcome."""

    time: float
    seq: int
    outcome: Outcome


@value
class RecordEnded:
    """All requests of a record have their outcomes, by dimension; once more where some of them were reopened."""

    time: float
    record: Record
    outcomes: Mapping[str, Outcome]


@value
class TargetChanged:
    """The concurrency limit was set; `by` says who did it."""

    time: float
    target: int
    by: str


@value
class PhaseChanged:
    """The run paused, resumed, began to drain, ...; `reason` is a sentence for the log."""

    time: float
    phase: Phase
    reason: str = ""


@value
class Noted:
    """Something worth a line in the log that is no request's affair."""

    time: float
    message: str


@value
class Looked:
    """What the engine alone knows of itself at a moment; it says so twice a second, and after every command.

    `hold` is what binds, `limits` what the provider's headers said last, at `limits_at` (epoch seconds); with
    `automatic` the target is left to us. `cap`, `exposed` and `uncertain` are the budget's, in dollars.
    At the `pilot`'s gate somebody must say whether the run goes on.
    """

    time: float
    hold: Hold
    automatic: bool = False
    limits: RateLimits | None = None
    limits_at: float | None = None
    cap: Decimal | None = None
    exposed: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    pilot: bool = False


Event: TypeAlias = (
    RunStarted
    | RunResumed
    | RequestsReopened
    | RecordReused
    | RecordRead
    | RowRejected
    | SourceEnded
    | AttemptStarted
    | AttemptEnded
    | RequestEnded
    | RecordEnded
    | TargetChanged
    | PhaseChanged
    | Noted
    | Looked
)
