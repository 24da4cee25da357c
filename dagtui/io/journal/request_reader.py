"""Everything that a journal holds of one request, found among millions without an index.

The tables of attempts hold their rows in the order of their times, so where a request's can stand is found by
bisection: between the moment that its record was read and the moment of its outcome. For a million requests, that
is some thousand rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf

from dagtui.core.model import Attempt, RateLimits
from dagtui.io.journal.reader import AnswerRow, JournalReader
from dagtui.io.journal.replay import Moment, attempt_of, limits_of

_SLACK_S = 10.0
"""Seconds after the outcome in which another attempt may still end, such as one that was overtaken."""

_NEAR_ROWS, _NEAR_S = 10_000, 10.0  # where the limits of an attempt are looked for, rows and seconds from it
_MOST = 500  # attempts that are told, the last ones


@dataclass(frozen=True, slots=True)
class SentRow:
    """An attempt by its session and number; `told` is None if the journal has no end of it."""

    session: int
    number: int
    sent_at: float
    told: Attempt | None = None


class RequestReader(JournalReader):
    """Looks for single requests. What happened after `until` is not told."""

    def last_session(self, until: Moment) -> tuple[int, bool]:
        """The number of the session at `until`, and whether it had ended then."""
        with self._reading():
            number, ended_at = self._db.execute(
                "SELECT number, ended_at FROM session WHERE number <= ? ORDER BY number DESC LIMIT 1", (until[0],)
            ).fetchone()
            return number, ended_at is not None and (number, ended_at) <= until

    def read_at(self, index: int) -> float | None:
        """When the record at `index` was read last; None if it was not."""
        with self._reading():
            row = self._db.execute("SELECT read_at FROM record WHERE idx = ?", (index,)).fetchone()
            return None if row is None else row[0]

    def known_as(self, index: int) -> str | None:
        """The id of the record at `index`, as far as the journal can hold it."""
        with self._reading():
            row = self._db.execute("SELECT id FROM record WHERE idx = ?", (index,)).fetchone()
            return None if row is None else row[0]

    def outcome(self, seq: int, until: Moment) -> tuple[Moment, AnswerRow] | None:
        """The outcome that counts, with its moment."""
        answer = self.answers([seq]).get(seq)
        if answer is None:
            return None
        with self._reading():
            rows = self._db.execute(
                "SELECT session, ended_at FROM outcome WHERE seq = ? AND state = ? ORDER BY number DESC LIMIT 1",
                (seq, answer.state),
            )
            session, ended_at = rows.fetchone()
        return None if (session, ended_at) > until else ((session, ended_at), answer)

    def attempts(self, seq: int, read_at: float | None, ended: Moment | None, until: Moment) -> list[SentRow]:
        """The attempts of request `seq` since its record was read, until it `ended`, oldest first."""
        if read_at is None:
            return []
        begin = (self._session_at(read_at), read_at)
        return self._between(
            seq, begin, until if ended is None else min(until, (ended[0], ended[1] + _SLACK_S)), until
        )

    def attempts_before(self, seq: int, read_at: float | None) -> list[SentRow]:
        """Those of the sessions before its record was read last. Looks at every row: 60 ms for a million."""
        session = 1 if read_at is None else self._session_at(read_at)
        end = (session - 1, inf)
        return [] if session == 1 else self._between(seq, (0, -inf), end, end)

    def _between(self, seq: int, begin: Moment, end: Moment, until: Moment) -> list[SentRow]:
        with self._reading():
            self._db.execute("BEGIN")
            try:
                rows = [*self._sent(seq, begin, end), *self._ended(seq, begin, end, until)]
            finally:
                self._db.execute("COMMIT")
        # What is known to have ended takes the place of what was only sent.
        found = {(row.session, row.sent_at, row.number): row for row in rows}
        return [found[key] for key in sorted(found)][-_MOST:]

    def limits_near(self, moment: Moment, until: Moment) -> tuple[float, RateLimits] | None:
        """The provider's limits as the journal has them next, else those before, and when: it keeps them once a
        commit, of an answer.
        """
        with self._reading():
            first = self._first("attempt", "ended_at", moment)
            for rows, order in (
                ((first, first + _NEAR_ROWS), "number"),
                ((first - _NEAR_ROWS, first), "number DESC"),
            ):
                row = self._db.execute(
                    "SELECT session, ended_at, limits FROM attempt"
                    f" WHERE number BETWEEN ? AND ? AND limits IS NOT NULL ORDER BY {order} LIMIT 1",
                    rows,
                ).fetchone()
                if (
                    row is None
                    or row[0] != moment[0]
                    or abs(row[1] - moment[1]) > _NEAR_S
                    or (row[0], row[1]) > until
                ):
                    continue
                return row[1], limits_of(json.loads(row[2]))
        return None

    def _session_at(self, moment: float) -> int:
        """The session that went on at `moment`."""
        with self._reading():
            row = self._db.execute(
                "SELECT max(number) FROM session WHERE started_at <= ?", (moment + 1.0,)
            ).fetchone()
            return row[0] or 1

    def _sent(self, seq: int, begin: Moment, end: Moment) -> list[SentRow]:
        rows = self._db.execute(
            "SELECT session, attempt, sent_at FROM sent WHERE number BETWEEN ? AND ? AND seq = ?",
            (*self._range("sent", "sent_at", begin, end), seq),
        )
        return [SentRow(*row) for row in rows if (row[0], row[2]) <= end]

    def _ended(self, seq: int, begin: Moment, end: Moment, until: Moment) -> list[SentRow]:
        """The attempts that ended; of those that ended after `until`, that they were sent before."""
        late = (end[0], end[1] + _SLACK_S) if end == until else end
        rows = self._db.execute(
            "SELECT session, attempt, sent_at, ended_at, status, error, billed, message, input, output,"
            " cache_read, cache_write, cost, request_id, gateway_retries, retry_in, retry_reason, limits"
            " FROM attempt WHERE number BETWEEN ? AND ? AND seq = ?",
            (*self._range("attempt", "ended_at", begin, late), seq),
        )
        found: list[SentRow] = []
        for session, number, sent_at, ended_at, *rest in rows:
            told = attempt_of(number, sent_at, ended_at, rest) if (session, ended_at) <= until else None
            if (session, sent_at) <= until:
                found.append(SentRow(session, number, sent_at, told))
        return found

    def _range(self, table: str, column: str, begin: Moment, end: Moment) -> tuple[int, int]:
        """The numbers of the rows from `begin` to `end`, perhaps with the next one."""
        return self._first(table, column, begin), self._first(table, column, (end[0], end[1] + 1e-6))

    def _first(self, table: str, column: str, moment: Moment) -> int:
        """The number of the first row that is not before `moment`."""
        last = self._db.execute(f"SELECT max(number) FROM {table}").fetchone()[0] or 0
        low, high = 1, last + 1
        while low < high:
            middle = (low + high) // 2
            at = self._db.execute(
                f"SELECT session, {column} FROM {table} WHERE number >= ? ORDER BY number LIMIT 1", (middle,)
            ).fetchone()
            if at is not None and (at[0], at[1]) < moment:
                low = middle + 1
            else:
                high = middle
        return low


ALL: Moment = (1 << 62, inf)
"""Whenever it happened."""
