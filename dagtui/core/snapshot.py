"""The frozen view of a run: what front ends see, and all that they see of its figures."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dagtui.core.drift import Mix
from dagtui.core.errors import ErrorKind
from dagtui.core.events import Phase
from dagtui.core.forecast import Left
from dagtui.core.held import Hold, Holder
from dagtui.core.model import RateLimits, Usage
from dagtui.core.wave import Wave


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests by state. They always add up to `total`, where that is known."""

    total: int | None
    queued: int
    in_flight: int
    waiting: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int

    @property
    def ended(self) -> int:
        """Requests that have their outcome."""
        return self.succeeded + self.failed + self.skipped + self.cancelled


@dataclass(frozen=True, slots=True)
class Throughput:
    """Requests answered a second: over the last seconds, the whole run, the best second; and as a series.

    `peak` is never below `now` and `mean`. `series` has one rate for each `bin_width` seconds since the run began,
    taken over a second or more, as `peak` is. The last bin may still go on: what the series spans is the run's
    `elapsed`, so a chart's time axis goes from 0 to that.
    """

    now: float
    mean: float
    peak: float
    series: tuple[float, ...]
    bin_width: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from sending to the answer, of attempts that were answered. None before the first."""

    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Money:
    """US dollars. `spent` is None where no price is known; `wasted` is its share on attempts that failed.

    `projected` is what the whole run will have cost at the present cost a request; `saved` what identical requests
    that were not sent again would have cost. `cap` is the budget; `exposed` is set aside of it for what is in
    flight, `uncertain` for what may have been billed without an answer. `burn` is dollars a minute now, and
    `projected` may be off by `spread`, None while too little is known.
    """

    spent: Decimal | None
    wasted: Decimal
    projected: Decimal | None
    saved: Decimal = Decimal(0)
    cap: Decimal | None = None
    exposed: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    burn: Decimal = Decimal(0)
    spread: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Touch:
    """Somebody set the target, `at` seconds after the run began."""

    at: float
    target: int
    by: str


@dataclass(frozen=True, slots=True)
class Dial:
    """What the target does, over the same time as the throughput's series and in the same bins.

    `in_flight` is the mean of each bin, `targets` holds at its end, `throttled` are 429s a second, `p95` seconds.
    """

    in_flight: tuple[float, ...] = ()
    targets: tuple[int, ...] = ()
    throttled: tuple[float, ...] = ()
    p95: tuple[float | None, ...] = ()
    touches: tuple[Touch, ...] = ()


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lane seconds of this session: waiting for answers, and idle by what held them, most first."""

    flown: float = 0.0
    idle: tuple[tuple[Holder, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Flight:
    """An attempt in flight since `since`, epoch seconds."""

    seq: int
    since: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What the answers are like: the mix of categories now and at first, how far these are apart in percentage
    points (None while not known), whether that is `much`, and answers that are empty, refuse, were cut off;
    `identical` are those with the text that is given most, if twice or more.
    """

    mix: tuple[Mix, ...] = ()
    drift: float | None = None
    empty: int = 0
    refused: int = 0
    truncated: int = 0
    identical: int = 0
    much: bool = False


_NOTHING, _UNHELD, _CALM = Usage(), Hold(Holder.NOTHING), Wave()


@dataclass(frozen=True, slots=True)
class Before:
    """What of the figures is from earlier sessions of the run; `ended` requests keep their outcomes from there, of
    which `reused` are answers.
    """

    attempts: int = 0
    usage: Usage = _NOTHING
    spent: Decimal | None = None
    reused: int = 0
    ended: int = 0

    @property
    def duration_label(self) -> str:
        """What the time that a run took is called: where there were earlier sessions, it is the last one's."""
        return "Duration, last session" if self.ended or self.reused else "Duration"


LogLevel = Literal["run", "retry", "failure"]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log. `wait` is the seconds before the next attempt; `text` is safe to show."""

    time: float
    level: LogLevel
    text: str
    record_id: str = ""
    dimension: str = ""
    kind: ErrorKind | None = None
    status: int | None = None
    attempt: int = 0
    wait: float | None = None
    wait_reason: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment. `time` and `started_at` are epoch seconds, `elapsed` and `eta` seconds.

    `held_by` says what keeps the run from being faster, as does `hold`; `mostly_held_by` what did so most of the
    time; with `automatic` the concurrency is left to us. `left` is `eta` with its spread, `tail` the attempts that
    have been in flight longest. Figures are of the whole run, `before` the part of them that earlier
    sessions made; times and rates are of this session. At the `pilot`'s gate somebody must say whether it goes on.
    """

    time: float
    run_id: str
    phase: Phase
    reason: str
    started_at: float | None
    elapsed: float
    eta: float | None
    records_total: int | None
    records_read: int
    rows_rejected: int
    counts: Counts
    target: int
    held_by: str
    throughput: Throughput
    latency: Latency
    usage: Usage
    money: Money
    attempts: int
    retries: int
    gateway_retries: int
    throttled: int
    categories: tuple[tuple[str, int], ...]
    errors: tuple[tuple[ErrorKind, int], ...]
    limits: RateLimits | None
    limits_at: float | None
    log_count: int
    before: Before = Before()
    automatic: bool = False
    mostly_held_by: Holder | None = None
    hold: Hold = _UNHELD
    left: Left | None = None
    dial: Dial = Dial()
    lanes: Lanes = Lanes()
    wave: Wave = _CALM
    tail: tuple[Flight, ...] = ()
    answers: Answers = Answers()
    pilot: bool = False
