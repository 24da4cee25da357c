"""From a journal's rows back to the events that they were, in the order of their times, while it is written too.

Every look begins where the last one ended and is one short read transaction. Each table holds its rows in the
order of their times, so a look is a merge of what came after a cursor in each of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from dagtui.core.errors import ErrorKind
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
from dagtui.core.held import Hold, Holder
from dagtui.core.model import (
    Attempt,
    AttemptError,
    Cancelled,
    Failure,
    Headroom,
    Outcome,
    RateLimits,
    Skipped,
    Success,
    Usage,
)
from dagtui.io.journal.reader import JournalReader
from dagtui.io.journal.rows import unranged
from dagtui.io.journal.schema import PICO

Moment: TypeAlias = tuple[int, float]
"""A session's number and a time in it, epoch seconds: a clock that was set back between two does no harm."""

END: Moment = (1 << 62, inf)
_BEGIN: Moment = (0, -inf)
_LOOK_AHEAD_S = 1.0
"""How long after a moment attempts may end of which only the end tells that they were sent before it: within one
commit, that is."""

# Where times are equal, what comes first. A request's attempts follow each other by their numbers.
_RUN, _RECORD, _REOPENED, _ATTEMPT, _OUTCOME, _TOLD, _LAST = range(7)
_FIRST_OF_RUN = frozenset({"started", "resumed"})
_Placed: TypeAlias = tuple[int, float, int, int, Event]  # session, time, rank, order within it


@dataclass(frozen=True, slots=True)
class Span:
    """A session from its first to its last known moment, epoch seconds; `killed` if it did not come to its end."""

    session: int
    begin: float
    end: float
    killed: bool


class Events(JournalReader):
    """The events of the journal at `path`. Answers come without their texts.

    Raises:
        ConfigError: there is no journal, it is none, it is damaged, or of another version. So do all methods.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.rewind()

    def rewind(self) -> None:
        """Begin anew."""
        self.reached: Moment = _BEGIN
        self._at: dict[str, int] = {"record": -1, "sent": 0, "attempt": 0, "outcome": 0, "event": 0}
        self._starts: list[Moment] = []
        self._under_way: set[tuple[int, int, int]] = (
            set()
        )  # (session, seq, attempt) that were told to have started

    def read(self, until: Moment = END, most: int = 2000) -> list[Event]:
        """The next events up to `until`, of about `most` requests at most.

        `reached` is `until` afterwards, unless there are more before it: then it is the time of the last.
        """
        with self._reading():
            self._db.execute("BEGIN")
            try:
                bound = min(until, self._page_ends(most))
                found = list(self._placed(bound))
            finally:
                self._db.execute("COMMIT")
            found.sort(key=itemgetter(0, 1, 2, 3))
            self.reached = bound
            return [event for *_, event in found]

    def spans(self) -> list[Span]:
        """The sessions that really began. Looks at every row: a second for a million."""
        with self._reading():
            begins = self._db.execute("SELECT session, time FROM event WHERE kind = 'started' ORDER BY number")
            begin: dict[int, float] = dict(begins.fetchall())
            last: dict[int, float] = dict(begin)
            for table, column in (
                ("sent", "sent_at"),
                ("attempt", "ended_at"),
                ("outcome", "ended_at"),
                ("event", "time"),
            ):
                for session, at in self._db.execute(
                    f"SELECT session, max({column}) FROM {table} GROUP BY session"
                ):
                    last[session] = max(at, last.get(session, at))
            ended = {session.number: session.ended_at for session in self.sessions()}
            return [
                Span(number, at, max(last[number], ended[number] or 0.0), ended[number] is None)
                for number, at in begin.items()
            ]

    def summary(self) -> Mapping[str, Any]:
        """What the last session that ended came to; empty before."""
        with self._reading():
            row = self._db.execute("SELECT value FROM run WHERE key = 'summary'").fetchone()
            return json.loads(row[0]) if row else {}

    def ended(self) -> bool:
        """Whether the last session came to its end."""
        with self._reading():
            [ended] = self._db.execute("SELECT ended_at FROM session ORDER BY number DESC LIMIT 1").fetchone()
            return ended is not None

    # --- a look ---

    def _page_ends(self, most: int) -> Moment:
        """The moment up to which no table has more than about `most` rows that were not read."""
        ends: list[Moment] = [END]
        for table, time in (
            ("sent", "sent_at"),
            ("attempt", "ended_at"),
            ("outcome", "ended_at"),
            ("event", "time"),
        ):
            at = self._db.execute(
                f"SELECT session, {time} FROM {table} WHERE number = ?", (self._at[table] + most,)
            ).fetchone()
            if at is not None:
                ends.append((at[0], at[1]))
        return min(ends)

    def _placed(self, bound: Moment) -> Iterator[_Placed]:
        yield from self._told(bound)  # first: it tells which session a record belongs to
        yield from self._records(bound)
        yield from self._sent(bound)
        yield from self._attempts(bound)
        yield from self._outcomes(bound)

    def _told(self, bound: Moment) -> Iterator[_Placed]:
        rows = self._db.execute(
            "SELECT number, session, time, kind, body FROM event WHERE number > ? ORDER BY number",
            (self._at["event"],),
        )
        for number, session, time, kind, body in rows:
            if (session, time) > bound:
                break
            self._at["event"] = number
            if kind == "started":
                self._starts.append((session, time))
            if (event := _event(kind, time, json.loads(body))) is not None:
                rank = _RUN if kind in _FIRST_OF_RUN else _REOPENED if kind == "reopened" else _TOLD
                if isinstance(event, PhaseChanged) and event.phase == "ended":
                    rank = _LAST
                yield session, time, rank, number, event

    def _records(self, bound: Moment) -> Iterator[_Placed]:
        rows = self._db.execute(
            "SELECT idx, id, read_at FROM record WHERE idx > ? ORDER BY idx", (self._at["record"],)
        )
        for index, record_id, read_at in rows:
            session = max((number for number, at in self._starts if at <= read_at), default=1)
            if (session, read_at) > bound:
                break
            self._at["record"] = index
            yield session, read_at, _RECORD, index, RecordRead(read_at, index, record_id)

    def _sent(self, bound: Moment) -> Iterator[_Placed]:
        rows = self._db.execute(
            "SELECT number, session, seq, attempt, sent_at FROM sent WHERE number > ? ORDER BY number",
            (self._at["sent"],),
        )
        for number, session, seq, attempt, sent_at in rows:
            if (session, sent_at) > bound:
                break
            self._at["sent"] = number
            yield from self._started(session, seq, attempt, sent_at)

    def _started(self, session: int, seq: int, attempt: int, sent_at: float) -> Iterator[_Placed]:
        """That an attempt was sent, once."""
        key = (session, seq, attempt)
        if key not in self._under_way:
            self._under_way.add(key)
            yield session, sent_at, _ATTEMPT, 2 * attempt, AttemptStarted(sent_at, seq, attempt)

    def _attempts(self, bound: Moment) -> Iterator[_Placed]:
        rows = self._db.execute(
            "SELECT number, session, seq, attempt, sent_at, ended_at, status, error, billed, message, input,"
            " output, cache_read, cache_write, cost, request_id, gateway_retries, retry_in, retry_reason, limits"
            " FROM attempt WHERE number > ? ORDER BY number",
            (self._at["attempt"],),
        )
        for number, session, seq, attempt, sent_at, ended_at, *rest in rows:
            if (session, ended_at) > bound:
                if session > bound[0] or ended_at > bound[1] + _LOOK_AHEAD_S:
                    break
                if sent_at <= bound[1]:  # under way at the bound, and ended before the next commit
                    yield from self._started(session, seq, attempt, sent_at)
                continue
            self._at["attempt"] = number
            yield from self._started(session, seq, attempt, sent_at)
            self._under_way.discard((session, seq, attempt))
            told = AttemptEnded(ended_at, seq, attempt_of(attempt, sent_at, ended_at, rest))
            yield session, ended_at, _ATTEMPT, 2 * attempt + 1, told

    def _outcomes(self, bound: Moment) -> Iterator[_Placed]:
        rows = self._db.execute(
            "SELECT number, session, seq, ended_at, state, attempts, latency, category, input, output, cache_read,"
            " cache_write, cost, status, error, billed, reason, trace, saved, flags, echo"
            " FROM outcome WHERE number > ? ORDER BY number",
            (self._at["outcome"],),
        )
        for number, session, seq, ended_at, state, *rest in rows:
            if (session, ended_at) > bound:
                break
            self._at["outcome"] = number
            yield session, ended_at, _OUTCOME, number, RequestEnded(ended_at, seq, _outcome(state, rest))


def attempt_of(number: int, sent_at: float, ended_at: float, row: list[Any]) -> Attempt:
    """An attempt out of its row, from the status on."""
    status, kind, billed, message, given, output, read, written, cost, request_id, *rest = row
    gateway_retries, retry_in, retry_reason, limits = rest
    return Attempt(
        number=number,
        sent_at=sent_at,
        ended_at=ended_at,
        status=status,
        error=None if kind is None else AttemptError(ErrorKind(kind), message or "", status, billed or "maybe"),
        usage=None if given is None else Usage(given, output or 0, read or 0, written or 0),
        cost=_dollars(cost),
        retry_in=retry_in,
        retry_reason=retry_reason or "",
        request_id=request_id,
        gateway_retries=gateway_retries or 0,
        limits=None if limits is None else limits_of(json.loads(limits)),
    )


def _outcome(state: str, row: list[Any]) -> Outcome:
    (
        attempts,
        latency,
        category,
        given,
        output,
        read,
        written,
        cost,
        status,
        error,
        billed,
        reason,
        trace,
        saved,
        flags,
        echo,
    ) = row
    usage, spent = Usage(given or 0, output or 0, read or 0, written or 0), _dollars(cost)
    if state == "ok":
        return Success(
            value="",
            text="",
            attempts=attempts,
            latency=latency or 0.0,
            usage=usage,
            cost=spent,
            category=category,
            trace_id=trace or "",
            saved=_dollars(saved),
            flags=flags or 0,
            echo=echo or 0,
        )
    if state == "failed":
        why = AttemptError(ErrorKind(error or "server"), reason or "", status, billed or "maybe")
        return Failure(why, attempts, usage, spent, trace or "", flags or 0)
    if state == "skipped":
        return Skipped(reason or "")
    return Cancelled(reason or "", attempts, billed == "maybe", usage, spent)


def _event(kind: str, time: float, body: Mapping[str, Any]) -> Event | None:
    """A row of the table of events; None for one that a later dagtui has come up with."""
    make = _EVENTS.get(kind)
    return None if make is None else make(time, body)


_EVENTS: dict[str, Callable[[float, Mapping[str, Any]], Event]] = {
    "started": lambda t, b: RunStarted(t, b["run"], tuple(b["dimensions"]), b["records"], b["target"]),
    "resumed": lambda t, b: RunResumed(t, b["session"], unranged(b["again"])),
    "reopened": lambda t, b: RequestsReopened(t, unranged(b["ranges"]), b["by"]),
    "rejected": lambda t, b: RowRejected(t, b["line"], b["message"]),
    "source": lambda t, b: SourceEnded(t, b["records"]),
    "target": lambda t, b: TargetChanged(t, b["target"], b["by"]),
    "phase": lambda t, b: PhaseChanged(t, b["phase"], b["reason"]),
    "noted": lambda t, b: Noted(t, b["message"]),
    "looked": lambda t, b: _looked(t, b),
}


def _looked(time: float, told: Mapping[str, Any]) -> Looked:
    return Looked(
        time,
        Hold(Holder(told["by"]), told.get("number", 0.0), told.get("known_from", ""), told.get("others", 0.0)),
        told.get("automatic", False),
        None if (limits := told.get("limits")) is None else limits_of(limits),
        told.get("limits_at"),
        None if (cap := told.get("cap")) is None else Decimal(cap),
        Decimal(told.get("exposed", 0)),
        Decimal(told.get("uncertain", 0)),
        told.get("pilot", False),
    )


def limits_of(told: Mapping[str, Any]) -> RateLimits:
    """The limits out of what a row tells of them."""
    return RateLimits(**{name: None if room is None else Headroom(**room) for name, room in told.items()})


def _dollars(pico: int | None) -> Decimal | None:
    return None if pico is None else Decimal(pico) / PICO
