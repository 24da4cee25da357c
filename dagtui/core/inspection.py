"""All that is known of one request, as immutable values. Times are epoch seconds, money is US dollars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from dagtui.core.errors import ErrorKind
from dagtui.core.model import Attempt, AttemptError, Prompt, RateLimits, Usage
from dagtui.core.snapshot import LogEntry
from dagtui.core.store import UNKNOWN_COST, RequestStore, State


@dataclass(frozen=True, slots=True)
class Exchange:
    """One attempt, in the session that made it. `told` is None while nothing is known of its end.

    `lost` says that nothing will be: its session has ended. `trace_id` is what the gateway's log calls it.
    """

    session: int
    number: int
    sent_at: float
    trace_id: str
    told: Attempt | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome that counts. `state` is ok, failed, skipped or cancelled; `reason` says why it is not ok.

    `usage` and `cost` are of all attempts of its session, `latency` is that of the answer, in seconds. `text` is
    the answer as it came, `values` are its parsed fields, None where plain text was asked for or nothing fits.
    """

    session: int
    ended_at: float
    state: str
    attempts: int
    usage: Usage
    cost: Decimal | None
    latency: float | None = None
    category: str | None = None
    status: int | None = None
    error: ErrorKind | None = None
    reason: str = ""
    billed: str | None = None
    saved: Decimal | None = None
    fingerprint: int = 0
    text: str | None = None
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Request `seq` at the moment `time`. `index` is its record's place in the input, counted from 0.

    `limits` are the provider's, as they were told at `limits_at`, about when the last attempt ended. `logs` is the
    page of the gateway's log, empty where there is none; `trouble` a sentence on what could not be had.
    """

    seq: int
    index: int
    record_id: str
    dimension: str
    state: State
    time: float
    session: int = 1
    read_at: float | None = None
    exchanges: tuple[Exchange, ...] = ()
    verdict: Verdict | None = None
    limits: RateLimits | None = None
    limits_at: float | None = None
    logs: str = ""
    trouble: str = ""

    @property
    def settled(self) -> bool:
        """Whether it has its outcome."""
        return self.state in _SETTLED

    @property
    def spent(self) -> tuple[Usage, Decimal | None, Decimal]:
        """Tokens and cost of all its attempts in all sessions, and the part of those that failed."""
        told = [one.told for one in self.exchanges if one.told is not None and one.told.usage is not None]
        if not told and self.verdict is not None:
            return self.verdict.usage, self.verdict.cost, Decimal(0)
        usage = sum((one.usage for one in told if one.usage is not None), Usage())
        costs = [one.cost for one in told if one.cost is not None]
        failed = sum((one.cost for one in told if one.cost is not None and one.error is not None), Decimal(0))
        return usage, sum(costs, Decimal(0)) if costs or not told else None, failed


def glimpse(store: RequestStore, seq: int, time: float) -> Inspection:
    """What the store alone says of request `seq`."""
    return Inspection(
        seq=seq,
        index=seq // len(store.dimensions),
        record_id=store.record_id(seq),
        dimension=store.dimension(seq),
        state=State(store.state[seq]),
        time=time,
    )


def remembered(store: RequestStore, log: Iterable[LogEntry], seq: int, time: float) -> Inspection:
    """What the memory says of request `seq` where no journal does: its figures, and the failures in the log."""
    seen = glimpse(store, seq, time)
    told = [entry for entry in log if (entry.record_id, entry.dimension) == (seen.record_id, seen.dimension)]
    return replace(
        seen,
        exchanges=tuple(_exchange(entry) for entry in told if entry.kind is not None),
        verdict=_verdict(store, seq, time) if seen.settled else None,
        trouble="This run keeps no journal, so that only its figures and the last failures are known.",
    )


def _exchange(entry: LogEntry) -> Exchange:
    assert entry.kind is not None
    error = AttemptError(entry.kind, entry.text, entry.status)
    told = Attempt(
        entry.attempt, entry.time, entry.time, entry.status, error,
        retry_in=entry.wait, retry_reason=entry.wait_reason,
    )  # fmt: skip
    return Exchange(1, entry.attempt, entry.time, "", told)


def _verdict(store: RequestStore, seq: int, time: float) -> Verdict:
    cost = store.cost[seq]
    return Verdict(
        session=1,
        ended_at=time,
        state=_WORDS[State(store.state[seq])],
        attempts=store.attempts[seq],
        usage=Usage(store.tokens_in[seq], store.tokens_out[seq]),
        cost=None if cost == UNKNOWN_COST else Decimal(cost) / 1_000_000_000,
        latency=store.latency[seq] or None,
        category=store.category_name(seq) or None,
        status=store.status[seq] or None,
        error=store.error_kind(seq),
    )


_WORDS = {
    State.SUCCEEDED: "ok",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
    State.CANCELLED: "cancelled",
}
_SETTLED = frozenset(_WORDS)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: the record read again, and the request made of it once more.

    `fingerprint` is to be compared with the outcome's; 0 where it is not known. `body` is what is sent, as JSON;
    `curl` the command that sends it, with the names of variables where keys belong. `trouble` says in a sentence
    what of this could not be had, and `advice` what the command needs.
    """

    name: str = ""
    line: int = 0
    fields: Mapping[str, Any] | None = None
    prompt: Prompt | None = None
    provider: str = ""
    model: str = ""
    parameters: Mapping[str, Any] | None = None
    fingerprint: int = 0
    body: str = ""
    curl: str = ""
    advice: str = ""
    trouble: str = ""
