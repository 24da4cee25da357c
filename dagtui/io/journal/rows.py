"""Events as rows of the journal's tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any

from dagtui.core.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    Looked,
    Noted,
    PhaseChanged,
    RecordRead,
    RequestEnded,
    RequestsReopened,
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
_NO_ERROR = (None, None, None)
_PICO = Decimal(PICO)
_MOST_VALUES = 2_000  # of one statement; SQLite before 3.32 takes 999, later ones 32,766
_MOST_TOKENS = 2**31 - 1
_MOST_PICO = 2**62


_COLUMNS = {
    "record": "idx id read_at",
    "sent": "session seq attempt sent_at",
    "attempt": (
        "session seq attempt sent_at ended_at status error billed message input output cache_read cache_write cost"
        " request_id gateway_retries retry_in retry_reason limits"
    ),
    "outcome": (
        "session seq ended_at state attempts latency category fingerprint input output cache_read cache_write cost"
        " status error billed reason trace saved flags echo"
    ),
    "answer": "seq escaped text",
    "event": "session time kind body",
}
_REPLACED = frozenset({"record", "answer"})
_AT_ONCE = (64, 16, 4, 1)  # rows of a statement: few sizes, so that each is prepared once


def inserts(table: str, rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    """The statements that add `rows` to `table`, each with its values; many rows to a statement."""
    start, count = 0, len(rows)
    width = len(_COLUMNS[table].split())
    for size in _AT_ONCE:
        if size * width > _MOST_VALUES:
            continue
        while count - start >= size:
            yield _insert(table, size), list(chain.from_iterable(rows[start : start + size]))
            start += size


@cache
def _insert(table: str, size: int) -> str:
    names = _COLUMNS[table].split()
    verb = "INSERT OR REPLACE" if table in _REPLACED else "INSERT"
    row = f"({', '.join('?' * len(names))})"
    return f"{verb} INTO {table} ({', '.join(names)}) VALUES {', '.join([row] * size)}"


class Batch:
    """Rows by table, gathered from the events of `session` in their order. `ended` is when the run did."""

    def __init__(self, session: int) -> None:
        self._session = session
        self.rows: dict[str, list[Row]] = {table: [] for table in _COLUMNS}
        self._records, self._attempts = self.rows["record"], self.rows["attempt"]
        self._outcomes, self._answers = self.rows["outcome"], self.rows["answer"]
        self._priced: tuple[Decimal | None, int | None] = (None, None)  # the cost that was converted last
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
            RequestsReopened: lambda e: self._say(e.time, "reopened", ranges=ranges(e.seqs), by=e.by),
            RowRejected: lambda e: self._say(e.time, "rejected", line=e.line, message=e.message),
            SourceEnded: lambda e: self._say(e.time, "source", records=e.records),
            TargetChanged: lambda e: self._say(e.time, "target", target=e.target, by=e.by),
            PhaseChanged: self._phase_changed,
            Noted: lambda e: self._say(e.time, "noted", message=e.message),
            Looked: self._looked,
        }

    def take(self, events: Sequence[Event]) -> None:
        """Take events; those that the journal does not keep are passed over."""
        takes = self._takes
        for event in events:
            take = takes.get(type(event))
            if take is not None:
                take(event)

    def filled(self) -> list[tuple[str, list[Row]]]:
        """The tables that have rows, with them."""
        rows, session = self.rows, self._session
        rows["sent"] = [(session, seq, attempt, at) for (seq, attempt), at in self._sent.items()]
        if self._limits is not None:  # of a batch the last: to see what a request met, that is near enough
            place, limits = self._limits
            rows["attempt"][place] = (*rows["attempt"][place][:-1], _encode(asdict(limits)))
        return [(table, found) for table, found in rows.items() if found]

    def _record_read(self, event: RecordRead) -> None:
        name = event.record_id
        self._records.append(
            (event.index, name if name.isascii() and "\0" not in name else well(name), event.time)
        )

    def _attempt_started(self, event: AttemptStarted) -> None:
        self._sent[event.seq, event.number] = event.time

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attempt, seq = event.attempt, event.seq
        error, usage = attempt.error, attempt.usage
        if attempt.limits is not None:
            self._limits = len(self._attempts), attempt.limits
        self._sent.pop((seq, attempt.number), None)
        asked_as = attempt.request_id
        told = _NO_ERROR if error is None else (error.kind.value, error.billed, well(error.message))
        used = _NO_USAGE if usage is None else _used(usage)
        begin = (self._session, seq, attempt.number, attempt.sent_at, attempt.ended_at, attempt.status)
        end = (
            self._pico(attempt.cost),
            asked_as if asked_as is None or asked_as.isascii() else well(asked_as),
            attempt.gateway_retries,
            attempt.retry_in,
            attempt.retry_reason or None,
            None,
        )
        self._attempts.append(begin + told + used + end)

    def _request_ended(self, event: RequestEnded) -> None:
        seq, outcome = event.seq, event.outcome
        if isinstance(outcome, Success):  # nearly all of them
            category, usage = outcome.category, outcome.usage
            self._outcomes.append(
                (
                    *(self._session, seq, event.time, "ok", outcome.attempts, outcome.latency),
                    category if category is None else well(category),
                    outcome.fingerprint,
                    *_used(usage),
                    self._pico(outcome.cost),
                    *(200, None, None, None),
                    outcome.trace_id or None,
                    None if outcome.saved is None else pico(outcome.saved),
                    outcome.flags or None,
                    outcome.echo or None,
                )
            )
            text = outcome.text
            escaped = not (text.isascii() and "\0" not in text) and well(text) != text
            self._answers.append((seq, int(escaped), _encode(text) if escaped else text))
            return
        match outcome:
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
                    *(None, outcome.flags or None, None),
                )
            case Skipped():
                row = ("skipped", 0, *(None,) * 11, well(outcome.reason), *(None,) * 4)
            case Cancelled():
                billed = "maybe" if outcome.perhaps_billed else "no"
                spent = (*_used(outcome.usage), pico(outcome.cost))
                why = (None, None, billed, well(outcome.reason))
                row = ("cancelled", outcome.attempts, *(None, None, None), *spent, *why, *(None,) * 4)
        self._outcomes.append((self._session, seq, event.time, *row))

    def _pico(self, cost: Decimal | None) -> int | None:
        """An attempt's cost is its request's too, nearly always the same object."""
        if cost is not self._priced[0]:
            self._priced = cost, pico(cost)
        return self._priced[1]

    def _phase_changed(self, event: PhaseChanged) -> None:
        self._say(event.time, "phase", phase=event.phase, reason=event.reason)
        if event.phase == "ended":
            self.ended = event.time

    def _looked(self, event: Looked) -> None:
        """What is at its default is left out: there are two a second."""
        body: dict[str, Any] = {"by": event.hold.by.value}
        body |= {name: told for name in ("number", "known_from", "others") if (told := getattr(event.hold, name))}
        body |= {name: told for name in ("automatic", "limits_at", "pilot") if (told := getattr(event, name))}
        body |= {name: str(told) for name in ("cap", "exposed", "uncertain") if (told := getattr(event, name))}
        if event.limits is not None:
            body["limits"] = asdict(event.limits)
        self._say(event.time, "looked", **body)

    def _say(self, time: float, kind: str, **body: Any) -> None:
        self.rows["event"].append((self._session, time, kind, _encode(body)))


def pico(cost: Decimal | None) -> int | None:
    """Dollars as the journal keeps them."""
    return None if cost is None else min(int(cost * _PICO), _MOST_PICO)


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


def unranged(pairs: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """The numbers of `[first, last]` pairs."""
    return tuple(number for first, last in pairs for number in range(first, last + 1))


def _used(usage: Usage) -> tuple[int, ...]:
    """No answer has so many tokens; whoever says so shall not make a sum overflow."""
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return counts if max(counts) <= _MOST_TOKENS else tuple(min(count, _MOST_TOKENS) for count in counts)
