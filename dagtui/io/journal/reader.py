"""Tells what is in a journal, while it is written too: every look is a short one, on a connection of its own."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dagtui.core.causes import Causes
from dagtui.core.errors import ErrorKind
from dagtui.core.model import AttemptError, Usage
from dagtui.core.past import Figures, Past
from dagtui.core.store import UNKNOWN_COST, RequestStore, State
from dagtui.io.journal import schema
from dagtui.io.journal.rows import unranged
from dagtui.io.journal.schema import PICO

STATES = {"ok": State.SUCCEEDED, "failed": State.FAILED, "skipped": State.SKIPPED, "cancelled": State.CANCELLED}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One time that the run was under way. Times are epoch seconds; `ended_at` is None if it was killed."""

    number: int
    started_at: float
    ended_at: float | None
    claimed: int
    plan: dict[str, Any]
    recipe: dict[str, Any]
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """The outcome of one request as the journal has it. `cost` and `saved` are dollars; `session` had it."""

    seq: int
    state: str
    attempts: int
    latency: float | None
    category: str | None
    fingerprint: int
    usage: Usage
    cost: Decimal | None
    status: int | None
    error: str | None
    billed: str | None
    reason: str | None
    trace: str | None
    saved: Decimal | None
    text: str | None
    flags: int = 0
    echo: int = 0
    session: int = 0


_ANSWER = (
    "SELECT o.seq, o.state, o.attempts, o.latency, o.category, o.fingerprint, o.input, o.output, o.cache_read,"
    " o.cache_write, o.cost, o.status, o.error, o.billed, o.reason, o.trace, o.saved, o.flags, o.echo, o.session,"
    " a.escaped, a.text"
    " FROM outcome o LEFT JOIN answer a ON a.seq = o.seq AND o.state = 'ok' WHERE o.number"
)


class JournalReader:
    """Looks into the journal at `path`.

    Raises:
        ConfigError: there is none, it is none, it is damaged, or of another version. So do all methods.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = schema.open_for_reading(path)
        with self._reading():
            self.facts = {key: json.loads(value) for key, value in self._db.execute("SELECT key, value FROM run")}
            given = self._db.execute("SELECT input FROM session ORDER BY number DESC LIMIT 1").fetchone()
            self.facts["input"] = {} if given is None else json.loads(given[0])
        self.dimensions: tuple[str, ...] = tuple(self.facts.get("dimensions", ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # a slip of ours, not of the file
            raise
        except (sqlite3.Error, ValueError, KeyError, IndexError) as error:
            wrong = error if isinstance(error, sqlite3.Error) else sqlite3.DatabaseError(f"{error!r}")
            raise schema.unreadable(self.path, wrong) from None

    def sessions(self) -> list[SessionRow]:
        """The times that the run was under way."""
        with self._reading():
            rows = self._db.execute(
                "SELECT number, started_at, ended_at, claimed, plan, recipe, input FROM session ORDER BY number"
            )
            return [SessionRow(*row[:4], *map(json.loads, row[4:])) for row in rows]

    def figures(self) -> Figures:
        """Sums over all attempts and outcomes."""
        with self._reading():
            db = self._db
            row = db.execute(
                "SELECT count(*), sum(attempt > 1), sum(gateway_retries), sum(error = 'rate_limited'), sum(input),"
                " sum(output), sum(cache_read), sum(cache_write), count(cost),"
                f" {_MONEY.format('cost')}, {_MONEY.format('CASE WHEN error IS NULL THEN 0 ELSE cost END')}"
                " FROM attempt"
            ).fetchone()
            sums = [number or 0 for number in row]
            unended, retried = db.execute(f"SELECT count(*), sum(attempt > 1) FROM ({_UNENDED})").fetchone()
            errors = db.execute(
                "SELECT error, count(*) FROM attempt WHERE error IS NOT NULL GROUP BY error"
                " UNION ALL SELECT error, count(DISTINCT seq) FROM outcome"  # those that were never sent
                " WHERE state = 'failed' AND attempts = 0 GROUP BY error"
            )
            categories = db.execute(
                f"SELECT category, count(*) FROM outcome WHERE number IN ({_LATEST}) AND category IS NOT NULL"
                " GROUP BY category"
            )
            replaced = db.execute(
                f"SELECT {_MONEY.format('cost')} FROM outcome WHERE state = 'ok' AND number NOT IN ({_LATEST})"
            ).fetchone()
            saved = db.execute(f"SELECT {_MONEY.format('saved')} FROM outcome").fetchone()
            return Figures(
                attempts=sums[0] + unended,
                retries=sums[1] + (retried or 0),
                gateway_retries=sums[2],
                throttled=sums[3],
                usage=Usage(*sums[4:8]),
                spent=_sum(*sums[9:11]) if row[8] or not row[0] else None,
                wasted=_sum(*sums[11:13]) + _sum(*(part or 0 for part in replaced)),
                saved=_sum(*(part or 0 for part in saved)),
                errors=_summed((ErrorKind(kind), number) for kind, number in errors),
                categories=Counter(dict(categories.fetchall())),
            )

    def past(self) -> Past:
        """The run as it stood at its end, to go on from there. A million requests take seconds, once."""
        sessions = self.sessions()
        with self._reading():
            last = sessions[-1]
            store, fingerprints, ended, sessions_of = self._store(last.number)
            figures, reopened = self.figures(), self._reopened()
            for seq in reopened:  # whatever it came to before does not count any more
                if store.state[seq] == State.SUCCEEDED:
                    figures.categories[store.category_name(seq)] -= 1
                    figures.wasted += Decimal(max(0, store.cost[seq])) / 1_000_000_000
                    store.cost[seq] = store.tokens_in[seq] = store.tokens_out[seq] = 0
                    store.category[seq] = 0
                store.state[seq], fingerprints[seq] = State.QUEUED, 0
            figures.categories = +figures.categories
            ended -= reopened
            unended = self._db.execute(f"SELECT seq FROM ({_UNENDED}) WHERE session = ?", (last.number,))
            sent = {seq for (seq,) in unended} - ended
            abandoned = self._db.execute(
                "SELECT seq FROM outcome WHERE session = ? AND state = 'cancelled' AND billed = 'maybe'",
                (last.number,),
            )
            waiting = self._db.execute(
                "SELECT seq, ended_at + retry_in FROM attempt WHERE session = ? AND retry_in IS NOT NULL",
                (last.number,),
            )
            retry_at = {seq: due for seq, due in waiting if not store.state[seq]}
            doubt = self._db.execute("SELECT seq FROM doubt")
            return Past(
                dimensions=self.dimensions,
                session=last.number,
                store=store,
                fingerprints=fingerprints,
                figures=figures,
                claimed=last.claimed,
                graceful=last.ended_at is not None,
                sent=frozenset(sent),
                abandoned=frozenset(seq for (seq,) in abandoned),
                doubt=frozenset(seq for (seq,) in doubt),
                again=frozenset(self._again(last.number)) - ended,
                reopened=frozenset(reopened),
                retry_at=retry_at,
                last=self.last(),
                plan=last.plan,
                recipes=[session.recipe for session in sessions],
                inputs=[session.input for session in sessions],
                facts=self.facts,
                causes=self._causes(store),
                sessions=sessions_of,
            )

    def last(self) -> float:
        """The last moment that the journal knows, epoch seconds."""
        with self._reading():
            found = [
                self._db.execute(f"SELECT {column} FROM {table} ORDER BY number DESC LIMIT 1").fetchone()
                for table, column in (
                    ("outcome", "ended_at"),
                    ("attempt", "ended_at"),
                    ("sent", "sent_at"),
                    ("event", "time"),
                    ("session", "seen_at"),
                )
            ]
            return max((row[0] for row in found if row), default=0.0)

    def states(self) -> Counter[str]:
        """Requests by the state of their last outcome."""
        with self._reading():
            rows = self._db.execute(
                f"SELECT state, count(*) FROM outcome WHERE number IN ({_LATEST}) GROUP BY state"
            )
            return Counter(dict(rows.fetchall()))

    def answers_by_session(self) -> Counter[int]:
        """Answers that count, by the session that got them."""
        with self._reading():
            rows = self._db.execute(
                f"SELECT session, count(*) FROM outcome WHERE number IN ({_LATEST}) AND state = 'ok'"
                " GROUP BY session"
            )
            return Counter(dict(rows.fetchall()))

    def records(self) -> int:
        """Records that were read."""
        with self._reading():
            return int(self._db.execute("SELECT count(*) FROM record").fetchone()[0])

    def record_ids(self) -> Iterator[tuple[int, str]]:
        """The records that were read, in order, with their ids."""
        with self._reading():
            yield from _all(self._db.execute("SELECT idx, id FROM record ORDER BY idx"))

    def answers(self, seqs: Sequence[int]) -> dict[int, AnswerRow]:
        """The last outcomes of some requests."""
        found: dict[int, AnswerRow] = {}
        with self._reading():
            for start in range(0, len(seqs), 500):
                part = list(seqs[start : start + 500])
                places = ",".join("?" * len(part))
                latest = f"SELECT max(number) FROM outcome WHERE seq IN ({places}) AND {_COUNTS} GROUP BY seq"
                for row in self._db.execute(f"{_ANSWER} IN ({latest})", part):
                    answer = _answer(row)
                    found[answer.seq] = answer
        return found

    def _causes(self, store: RequestStore) -> Causes:
        """What went wrong in all sessions; `store` is told who failed of what."""
        rows = self._db.execute(
            "SELECT session, ended_at, 0 AS late, seq, error, message, status, attempt FROM attempt"
            " WHERE error IS NOT NULL AND retry_in IS NOT NULL"
            " UNION ALL SELECT session, ended_at, 1, seq, error, reason, status, attempts FROM outcome"
            " WHERE state = 'failed' ORDER BY 1, 2, 3"
        )
        causes, kinds = Causes(), {kind.value: kind for kind in ErrorKind}
        causes.restore(
            store,
            (
                (at, seq, AttemptError(kinds[error or "server"], message or "", status), attempt, bool(late))
                for _, at, late, seq, error, message, status, attempt in _all(rows)
            ),
        )
        return causes

    def last_errors(self, seqs: Collection[int]) -> dict[int, AttemptError]:
        """What the last failed attempt of some requests met."""
        wanted = frozenset(seqs)
        query = "SELECT seq, error, message, status, billed FROM attempt WHERE error IS NOT NULL ORDER BY number"
        with self._reading():
            return {
                seq: AttemptError(ErrorKind(kind), message or "", status, billed or "maybe")
                for seq, kind, message, status, billed in _all(self._db.execute(query))
                if seq in wanted
            }

    def _again(self, session: int) -> Iterator[int]:
        """The requests that `session` opened again."""
        query = "SELECT body FROM event WHERE session = ? AND kind = 'resumed'"
        for (body,) in self._db.execute(query, (session,)):
            for first, last in json.loads(body)["again"]:
                yield from range(first, last + 1)

    def _reopened(self) -> set[int]:
        """The requests that were to be asked again while the run went on, and have no outcome since."""
        found: dict[int, tuple[int, float]] = {}
        for session, time, body in self._db.execute(
            "SELECT session, time, body FROM event WHERE kind = 'reopened' ORDER BY number"
        ):
            found.update(dict.fromkeys(unranged(json.loads(body)["ranges"]), (session, time)))
        newer = "SELECT 1 FROM outcome WHERE seq = ? AND (session, ended_at) >= (?, ?) LIMIT 1"
        return {seq for seq, at in found.items() if self._db.execute(newer, (seq, *at)).fetchone() is None}

    def _store(self, session: int) -> tuple[RequestStore, array[int], set[int], array[int]]:
        """Every request's last outcome, in columns, which requests have one from `session`, and the session that
        each one's is from.
        """
        db, store = self._db, RequestStore(self.dimensions)
        for (record_id,) in _all(db.execute("SELECT id FROM record ORDER BY idx")):
            store.add_record(record_id)
        count = len(store)
        fingerprints = array("q", bytes(8 * count))
        sessions = array("H", bytes(2 * count))
        rows = db.execute(
            "SELECT session, seq, state, attempts, latency, category, fingerprint,"
            " input + cache_read + cache_write, output, cost, status, error FROM outcome ORDER BY number"
        )
        ended: set[int] = set()
        answered = bytearray(count)
        kinds = {kind.value: store.error_number(kind) for kind in ErrorKind}
        for at, seq, state, attempts, latency, category, mark, given, output, cost, status, error in _all(rows):
            if at == session:
                ended.add(seq)
            if seq >= count:
                raise IndexError(f"request {seq} of {count}")
            answered[seq] |= state == "ok"
            if state == "cancelled" and answered[seq]:
                continue
            store.state[seq] = STATES[state]
            store.attempts[seq] = min(attempts, 255)
            store.status[seq] = status or 0
            store.latency[seq] = latency or 0.0
            store.tokens_in[seq] = min(given or 0, 2**32 - 1)
            store.tokens_out[seq] = output or 0
            store.cost[seq] = UNKNOWN_COST if cost is None and given else (cost or 0) // 1000
            store.category[seq] = store.category_number(category) if category is not None else 0
            store.error[seq] = kinds[error] if error else 0
            fingerprints[seq] = mark or 0
            sessions[seq] = min(at, 65_535)
        return store, fingerprints, ended, sessions


# In two parts, because SQLite's sums end at nine million dollars.
_MONEY = "sum({0} / 1000000), sum({0} % 1000000)"
# The outcome that counts is the last one; but a stop takes no answer away that there was before.
_COUNTS = "(state <> 'cancelled' OR seq NOT IN (SELECT seq FROM answer))"
_LATEST = f"SELECT max(number) FROM outcome WHERE {_COUNTS} GROUP BY seq"
# Attempts that were sent, and of whose end nothing is known.
_UNENDED = (
    "SELECT s.session, s.seq, s.attempt FROM sent s LEFT JOIN attempt a"
    " ON a.session = s.session AND a.seq = s.seq AND a.attempt = s.attempt WHERE a.number IS NULL"
)


def _all(cursor: sqlite3.Cursor) -> Iterable[Any]:
    """The rows, taken by the thousand: one by one they would cost twice as much."""
    while rows := cursor.fetchmany(10_000):
        yield from rows


def _answer(row: Sequence[Any]) -> AnswerRow:
    seq, state, attempts, latency, category, mark, given, output, read, written, cost, *rest = row
    status, error, billed, reason, trace, saved, flags, echo, session, escaped, text = rest
    return AnswerRow(
        seq=seq,
        state=state,
        attempts=attempts,
        latency=latency,
        category=category,
        fingerprint=mark or 0,
        usage=Usage(given or 0, output or 0, read or 0, written or 0),
        cost=_dollars(cost),
        status=status,
        error=error,
        billed=billed,
        reason=reason,
        trace=trace,
        saved=_dollars(saved),
        text=json.loads(text) if escaped else text,
        flags=flags or 0,
        echo=echo or 0,
        session=session,
    )


def _summed(numbers: Iterable[tuple[ErrorKind, int]]) -> Counter[ErrorKind]:
    found: Counter[ErrorKind] = Counter()
    for kind, number in numbers:
        found[kind] += number
    return found


def _sum(millions: int, rest: int) -> Decimal:
    return (Decimal(millions) * 1_000_000 + rest) / PICO


def _dollars(pico: int | None) -> Decimal | None:
    return None if pico is None else Decimal(pico) / PICO
