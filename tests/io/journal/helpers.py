"""Journals on real disks, and events to put into them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagtui.core.errors import ErrorKind
from dagtui.core.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    PhaseChanged,
    RecordRead,
    RequestEnded,
    RunResumed,
    RunStarted,
)
from dagtui.core.model import Attempt, AttemptError, Cancelled, Failure, Success, Usage
from dagtui.core.past import Past
from dagtui.io.journal import Carried, Journal, JournalReader

FACTS = {"id": "run", "title": "a run", "dimensions": ["ask"]}
NOW = 1_700_000_000.0


def made(path: Path, **parts: Any) -> Journal:
    """A new journal."""
    return Journal(path, parts.pop("facts", FACTS), parts.pop("plan", {"task": "email"}), parts.pop("recipe", {}))


def gone_on(path: Path, session: int, doubt: Iterable[int] = (), renamed: dict[int, str] | None = None) -> Journal:
    """The journal of the next session."""
    return Journal(path, None, {}, {}, {}, Carried(session, doubt, renamed or {}))


def read(count: int, first: int = 0) -> list[Event]:
    return [RecordRead(NOW, index, f"r{index}") for index in range(first, first + count)]


def sent(*seqs: int, number: int = 1, at: float = NOW) -> list[Event]:
    return [AttemptStarted(at, seq, number) for seq in seqs]


def success(text: str = "ok", cost: str | None = "0.000130", **parts: Any) -> Success:
    whole = {"value": text, "text": text, "attempts": 1, "latency": 0.3, "usage": Usage(90, 40), "fingerprint": 7}
    return Success(**{**whole, "cost": None if cost is None else Decimal(cost), **parts})


def answered(*seqs: int, at: float = NOW + 1, outcome: Success | None = None) -> list[Event]:
    outcome = outcome or success()
    events: list[Event] = []
    for seq in seqs:
        attempt = Attempt(1, NOW, at, 200, usage=outcome.usage, cost=outcome.cost)
        events += [AttemptEnded(at, seq, attempt), RequestEnded(at, seq, outcome)]
    return events


def failed_attempt(seq: int, number: int, at: float, retry_in: float | None) -> Event:
    error = AttemptError(ErrorKind.SERVER, "no", 500, "maybe")
    return AttemptEnded(at, seq, Attempt(number, at - 1, at, 500, error=error, retry_in=retry_in))


def failure(message: str = "no", billed: Any = "maybe") -> Failure:
    return Failure(AttemptError(ErrorKind.SERVER, message, 500, billed), 1)


def abandoned(seq: int) -> Event:
    return RequestEnded(NOW + 2, seq, Cancelled("abandoned", 1, perhaps_billed=True))


def again(session: int, *seqs: int) -> list[Event]:
    return [RunStarted(NOW, "run", ("ask",), None, 10), RunResumed(NOW, session, seqs)]


ENDED = PhaseChanged(NOW + 9, "ended", "finished")


async def put(journal: Journal, events: Sequence[Event], claimed: int = 0) -> None:
    """Until they are on disk."""
    for event in events:
        journal.write(event)
    if claimed:
        await journal.claim(claimed)
    await journal.synced()


def killed(journal: Journal) -> None:
    """What is left when the process dies: the file and its log, as they are, and no lock."""
    journal._jobs.put(None)
    journal._thread.join()
    journal._db.close()
    journal._lock.release()


def session(
    path: Path, events: Sequence[Event], *, claimed: int = 0, number: int = 1, dies: bool = False, **parts: Any
) -> None:
    """One session with these events, to its end or killed."""

    async def main() -> None:
        journal = made(path, **parts) if number == 1 else gone_on(path, number - 1, **parts)
        await put(journal, events if dies else [*events, ENDED], claimed)
        if dies:
            killed(journal)
        else:
            journal.close()

    asyncio.run(main())


def past_of(path: Path) -> Past:
    with JournalReader(path) as reader:
        return reader.past()


def asked(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What plain SQLite says."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()
