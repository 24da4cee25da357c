"""Events as rows of the journal's tables, handed to SQLite as one JSON text a table.

One statement takes all the rows of a batch: a statement a row would ask for Python's interpreter lock each time,
and a loop that is busy gives it seconds too late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from dagtui.core.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    Noted,
    PhaseChanged,
    RecordRead,
    RequestEnded,
    RowRejected,
    RunResumed,
    RunStarted,
    SourceEnded,
    TargetChanged,
)
from dagtui.core.model import Cancelled, Failure, RateLimits, Skipped, Success, Usage
from dagtui.io.journal.schema import PICO

Row = tuple[Any, ...]

_encode = json.JSONEncoder(separators=(",", ":")).encode
_NO_USAGE = (None, None, None, None)
_MOST_TOKENS = 2**31 - 1
_MOST_PICO = 2**62


def _insert(table: str, columns: str, session: bool = True, verb: str = "INSERT") -> str:
    names = columns.split()
    values = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(names)))
    if session:
        names, values = ["session", *names], f"?2, {values}"
    return f"{verb} INTO {table} ({', '.join(names)}) SELECT {values} FROM json_each(?1)"


INSERTS = {
    "record": _insert("record", "idx id read_at", session=False, verb="INSERT OR REPLACE"),
    "sent": _insert("sent", "seq attempt sent_at"),
    "attempt": _insert(
        "attempt",
        "seq attempt sent_at ended_at status error billed message input output cache_read cache_write cost"
        " request_id gateway_retries retry_in retry_reason limits",
    ),
    "outcome": _insert(
        "outcome",
        "seq ended_at state attempts latency category fingerprint input output cache_read cache_write cost"
        " status error billed reason trace saved",
    ),
    "answer": _insert("answer", "seq escaped text", session=False, verb="INSERT OR REPLACE"),
    "event": _insert("event", "time kind body"),
}
"""The statement of each table; ?1 is the rows as JSON, ?2 the number of the session."""


class Batch:
    """Rows by table, gathered from events in their order. `ended` is when the run did."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {table: [] for table in INSERTS}
        self.ended: float | None = None
        self._sent: dict[tuple[int, int], float] = {}
        self._limits: tuple[int, RateLimits] | None = None
        self._takes: dict[type, Callable[[Any], None]] = {
            RecordRead: self._record_read,
            AttemptStarted: self._attempt_started,
            AttemptEnded: self._attempt_ended,
            RequestEnded: self._request_ended,
            RunStarted: lambda e: self._say(
                e.time, "started", run=e.run_id, dimensions=e.dimensions, records=e.records, target=e.target
            ),
            RunResumed: lambda e: self._say(e.time, "resumed", session=e.session, again=ranges(e.again)),
            RowRejected: lambda e: self._say(e.time, "rejected", line=e.line, message=e.message),
            SourceEnded: lambda e: self._say(e.time, "source", records=e.records),
            TargetChanged: lambda e: self._say(e.time, "target", target=e.target, by=e.by),
            PhaseChanged: self._phase_changed,
            Noted: lambda e: self._say(e.time, "noted", message=e.message),
        }

    def take(self, events: Sequence[Event]) -> None:
        """Take events; those that the journal does not keep are passed over."""
        takes = self._takes
        for event in events:
            take = takes.get(type(event))
            if take is not None:
                take(event)

    def texts(self) -> list[tuple[str, str]]:
        """The statements with their rows as JSON."""
        rows = self.rows
        rows["sent"] = [(seq, attempt, at) for (seq, attempt), at in self._sent.items()]
        if self._limits is not None:  # of a batch the last: it is what a screen shows
            place, limits = self._limits
            rows["attempt"][place] = (*rows["attempt"][place][:-1], _encode(asdict(limits)))
        return [(INSERTS[table], _encode(found)) for table, found in rows.items() if found]

    def _record_read(self, event: RecordRead) -> None:
        self.rows["record"].append((event.index, well(event.record_id), event.time))

    def _attempt_started(self, event: AttemptStarted) -> None:
        self._sent[event.seq, event.number] = event.time

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attempt, error, usage = event.attempt, event.attempt.error, event.attempt.usage
        self._sent.pop((event.seq, attempt.number), None)
        if attempt.limits is not None:
            self._limits = len(self.rows["attempt"]), attempt.limits
        told = (None, None, None) if error is None else (error.kind.value, error.billed, well(error.message))
        used = _NO_USAGE if usage is None else _used(usage)
        self.rows["attempt"].append(
            (
                event.seq,
                attempt.number,
                attempt.sent_at,
                attempt.ended_at,
                attempt.status,
                *told,
                *used,
                pico(attempt.cost),
                None if attempt.request_id is None else well(attempt.request_id),
                attempt.gateway_retries,
                attempt.retry_in,
                attempt.retry_reason or None,
                None,
            )
        )

    def _request_ended(self, event: RequestEnded) -> None:
        seq, outcome = event.seq, event.outcome
        match outcome:
            case Success():
                row = (
                    *("ok", outcome.attempts, outcome.latency),
                    None if outcome.category is None else well(outcome.category),
                    outcome.fingerprint,
                    *_used(outcome.usage),
                    pico(outcome.cost),
                    *(200, None, None, None),
                    outcome.trace_id or None,
                    pico(outcome.saved),
                )
                text = outcome.text
                escaped = well(text) != text
                self.rows["answer"].append((seq, int(escaped), _encode(text) if escaped else text))
            case Failure():
                error = outcome.error
                spent = (*_used(outcome.usage), pico(outcome.cost))
                why = (error.status, error.kind.value, error.billed, well(error.message))
                row = (
                    "failed",
                    outcome.attempts,
                    *(None, None, None),
                    *spent,
                    *why,
                    outcome.trace_id or None,
                    None,
                )
            case Skipped():
                row = ("skipped", 0, *(None,) * 11, well(outcome.reason), None, None)
            case Cancelled():
                billed = "maybe" if outcome.perhaps_billed else "no"
                spent = (*_used(outcome.usage), pico(outcome.cost))
                why = (None, None, billed, well(outcome.reason))
                row = ("cancelled", outcome.attempts, *(None, None, None), *spent, *why, None, None)
        self.rows["outcome"].append((seq, event.time, *row))

    def _phase_changed(self, event: PhaseChanged) -> None:
        self._say(event.time, "phase", phase=event.phase, reason=event.reason)
        if event.phase == "ended":
            self.ended = event.time

    def _say(self, time: float, kind: str, **body: Any) -> None:
        self.rows["event"].append((time, kind, _encode(body)))


def pico(cost: Decimal | None) -> int | None:
    """Dollars as the journal keeps them."""
    return None if cost is None else min(int(cost * PICO), _MOST_PICO)


def well(text: str) -> str:
    """`text` as SQLite's JSON functions can hold it: half a character becomes a question mark, NUL its picture."""
    if "\0" in text:
        text = text.replace("\0", "\u2400")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def ranges(numbers: Sequence[int]) -> list[list[int]]:
    """Sorted numbers as `[first, last]` pairs."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _used(usage: Usage) -> tuple[int, ...]:
    """No answer has so many tokens; whoever says so shall not make a sum overflow."""
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return counts if max(counts) <= _MOST_TOKENS else tuple(min(count, _MOST_TOKENS) for count in counts)
