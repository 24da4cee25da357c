"""Writes the journal: events are gathered on the loop and committed by a thread, many at a time.

The loop makes the rows; the thread hands many of them to SQLite with one statement, which lets the interpreter go
meanwhile. A statement a row would ask for the interpreter as often, and a loop that is busy gives it seconds too
late. What could not be committed is kept and tried again with the next batch, so nothing is lost while the program
lives.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from dagtui.core.errors import ConfigError, DagtuiError, RunInUse
from dagtui.core.events import Event
from dagtui.io.journal import schema
from dagtui.io.journal.lock import RunLock
from dagtui.io.journal.rescue import Ballast, copied, put_aside
from dagtui.io.journal.rows import Batch, Row, inserts, well

_LOOK_S = 1.0  # seconds between two looks whether the file is still there
_ALIVE_S = 1.0  # seconds after which a quiet run notes that it is alive: a retry may leave after a long wait
_CLOSE_S = 60.0  # seconds that closing waits for a disk


@dataclass(frozen=True, slots=True)
class Carried:
    """What a run that goes on carries over: the number of its last session, requests that may have been billed
    without an answer in any session before, and the ids of records that are called otherwise now.
    """

    session: int
    doubt: Iterable[int] = ()
    renamed: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(slots=True)
class _Job:
    """What belongs together in a transaction: rows by table, and what changes of the session."""

    rows: list[tuple[str, list[Row]]] = field(default_factory=list[tuple[str, list[Row]]])
    claimed: int | None = None
    ended: float | None = None
    summary: str = ""


class Journal:
    """A sink that keeps every event, and the claims on what is about to be sent.

    A new journal has `facts` about the run; one that goes on has what is `carried` over. `given` says what the
    input is. `trouble` is called on the loop with a sentence when it cannot write; the run shall send nothing more
    then.

    Raises:
        RunInUse: another process is at the run.
        ConfigError: the file cannot be made, opened or read.
    """

    essential = True
    wants: Collection[type[Event]] | None = ()  # it is handed all of them, in `events`

    def __init__(
        self,
        path: Path,
        facts: Mapping[str, Any] | None,
        plan: Mapping[str, Any],
        recipe: Any,
        given: Mapping[str, Any] | None = None,
        carried: Carried | None = None,
    ) -> None:
        self.path = path
        self.trouble: Callable[[str], None] = lambda reason: None
        self._lock = RunLock(path)
        try:
            self._db = schema.open_for_writing(path) if carried is not None else schema.create(path)
            told = [json.dumps(value) for value in (plan, recipe, given or {})]
            self.session = self._begin(facts or {}, told, carried)
        except BaseException:
            self._lock.release()
            raise
        self._inode = path.stat().st_ino
        self._ballast = Ballast(path)
        self.events: list[Event] = []
        self._summary = ""
        self._claim: tuple[int, list[asyncio.Future[None]]] | None = None
        self._posted: list[_Job] = []  # what the thread has, in order
        self._landed: list[asyncio.Future[None]] = []  # told when the thread is back
        self._syncing: list[asyncio.Future[None]] = []  # told when it is back from all that is gathered by then
        self._busy = False
        self._due = False  # a flush came while the thread was at work
        self._result = (0, "")  # of the thread's last transaction: jobs on disk, and what is wrong
        self._gone = ""
        self._reason = ""
        self._jobs: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looked_at = time.monotonic()
        self._latest: tuple[float, float] | None = None  # the time of the last event, and when that was here
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    # --- what the run tells ---

    def write(self, event: Event) -> None:
        """Keep `event`; it is committed with the next flush."""
        self.events.append(event)

    def flush(self) -> None:
        """Hand what was gathered to the thread; if that is busy, it gets it when it is done.

        Raises:
            DagtuiError: it could not write lately; what was gathered is kept.
        """
        if self._busy:
            self._due = True
        else:
            self._post()
        if self._reason:
            raise DagtuiError(self._reason)

    async def claim(self, records: int) -> None:
        """Durably note that requests of the first `records` records may be sent.

        Raises:
            DagtuiError: it cannot be written.
        """
        landed = asyncio.get_running_loop().create_future()
        most, waiting = self._claim or (0, [])
        self._claim = max(most, records), [*waiting, landed]
        if not self._busy:
            self._post()
        await landed

    async def synced(self) -> None:
        """Until all that was told up to now is on disk.

        Raises:
            DagtuiError: it cannot be written.
        """
        landed = asyncio.get_running_loop().create_future()
        self._syncing.append(landed)  # what the thread is at may be older
        if not self._busy:
            self._post()
        await landed

    def conclude(self, summary: Mapping[str, Any]) -> None:
        """Keep what the session came to; it is written with what comes last."""
        self._summary = json.dumps(summary)

    def close(self) -> None:
        """Commit the rest and let go of the file.

        Raises:
            DagtuiError: the rest could not be written; where it was put instead.
        """
        self._jobs.put(None)
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            raise DagtuiError(f"{self.path}: the disk does not answer; what came last may be lost.")
        if self._busy:  # it was at work, and the loop has not heard of it
            self._book(*self._result)
        if (last := self._gathered()) is not None:
            self._posted.append(last)
        count, reason = self._commit(self._posted)
        self._book(count, reason)
        self._let_go(checkpoint=not reason)
        self._tell([*self._landed, *self._syncing], reason)
        if self._posted:
            left = (rows for job in self._posted for rows in job.rows)
            raise DagtuiError(f"{reason} {put_aside(left, self.path)}")
        if self._gone:
            raise DagtuiError(self._gone)

    # --- the loop's side of the thread ---

    def _post(self) -> None:
        """Give the thread all that is not committed yet."""
        self._loop = asyncio.get_running_loop()
        self._due = False
        job = self._gathered()
        self._landed += self._syncing
        self._syncing.clear()
        if job is not None:
            self._posted.append(job)
        if self._posted:
            self._busy = True
            self._jobs.put([*self._posted])
        else:
            self._tell(self._landed, "")

    def _gathered(self) -> _Job | None:
        if not self.events and self._claim is None and not self._summary:
            return None
        if self.events:
            self._latest = self.events[-1].time, time.monotonic()
        batch = Batch(self.session)
        batch.take(self.events)
        self.events.clear()
        claimed = None
        if self._claim is not None:
            claimed, waiting = self._claim
            self._claim = None
            self._landed += waiting
        summary, self._summary = self._summary, ""
        return _Job(batch.filled(), claimed, batch.ended, summary)

    def _done(self, count: int, reason: str) -> None:
        """The thread is back: `count` jobs are on disk, and it says what is wrong, if anything."""
        if not self._busy:
            return  # the journal was closed meanwhile
        told, landed = self._reason, self._landed
        self._landed = []
        if reason:  # who waits for later events waits for the same disk
            landed += self._syncing
            self._syncing = []
        self._book(count, reason)
        self._tell(landed, reason)
        if reason and not told:
            self.trouble(reason)
        # Not for every event at once: a commit costs the same for one as for a hundred.
        if not reason and (self._due or self._claim is not None or self._syncing):
            self._post()

    def _book(self, count: int, reason: str) -> None:
        self._busy = False
        self._reason = reason
        del self._posted[:count]

    @staticmethod
    def _tell(landed: list[asyncio.Future[None]], reason: str) -> None:
        for future in landed:
            if not future.done():
                if reason:
                    future.set_exception(DagtuiError(reason))
                else:
                    future.set_result(None)
        landed.clear()

    # --- the thread ---

    def _work(self) -> None:
        while True:
            try:
                jobs = self._jobs.get(timeout=_ALIVE_S)
            except Empty:
                self._note_alive()
                continue
            if jobs is None:
                return
            self._result = self._commit(jobs)
            if self._loop is not None:
                with suppress(RuntimeError):  # the loop has gone: whoever closes looks at the result
                    self._loop.call_soon_threadsafe(self._done, *self._result)

    def _note_alive(self) -> None:
        """What waits to be sent again may leave after a long silence, and a crash may follow at once."""
        if self._latest is not None and not self._reason:
            at, then = self._latest
            with suppress(sqlite3.Error):  # whatever is wrong, the next commit will tell
                seen = at + time.monotonic() - then
                self._db.execute("UPDATE session SET seen_at=? WHERE number=?", (seen, self.session))

    def _commit(self, jobs: list[_Job]) -> tuple[int, str]:
        """Commit `jobs`; how many are on disk, and what is wrong, if anything."""
        if not jobs:
            return 0, ""
        try:
            try:
                self._transact(jobs)
            except sqlite3.Error as error:
                if not _is_full(error) or not self._ballast.drop():
                    raise
                self._transact(jobs)
                return len(jobs), f"{self.path}: the disk is full; make room, and go on with dagtui resume."
        except sqlite3.Error as error:
            return 0, (
                f"{self.path}: the journal cannot be written: {schema.told(error)}. What was answered is kept:"
                " see to the disk, and go on with dagtui resume."
            )
        return len(jobs), self._whether_gone()

    def _transact(self, jobs: list[_Job]) -> None:
        db, session = self._db, self.session
        db.execute("BEGIN IMMEDIATE")
        try:
            for job in jobs:
                for table, rows in job.rows:
                    for statement, values in inserts(table, rows):
                        db.execute(statement, values)
                if job.claimed is not None:
                    db.execute("UPDATE session SET claimed=? WHERE number=?", (job.claimed, session))
                if job.summary:
                    db.execute("INSERT OR REPLACE INTO run VALUES ('summary', ?)", (job.summary,))
                if job.ended is not None:
                    db.execute("UPDATE session SET ended_at=? WHERE number=?", (job.ended, session))
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:  # a full disk has rolled back by itself
                db.execute("ROLLBACK")
            raise

    def _whether_gone(self) -> str:
        """A file that was deleted or replaced takes our writes with it; a copy is made of what it holds."""
        now = time.monotonic()
        if self._gone or now - self._looked_at < _LOOK_S:
            return self._gone
        self._looked_at = now
        with suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                return ""
        self._copy()
        return self._gone

    def _copy(self) -> None:
        """Made when it is noticed, so that a crash leaves something, and again at the end."""
        where = copied(self._db, self.path)
        self._gone = f"{self.path}: the journal was deleted or replaced while the run wrote it; {where}."

    # --- inside ---

    def _begin(self, facts: Mapping[str, Any], told: list[str], carried: Carried | None) -> int:
        db, now = self._db, time.time()
        try:
            db.execute("BEGIN IMMEDIATE")
            for key, value in facts.items():
                db.execute("INSERT INTO run VALUES (?, ?)", (key, json.dumps(value)))
            [number] = db.execute("SELECT coalesce(max(number), 0) + 1 FROM session").fetchone()
            if carried is not None:
                if number != carried.session + 1:
                    raise RunInUse(f"{self.path}: the run has gone on meanwhile; look at it again.")
                db.execute("DELETE FROM doubt")
                db.executemany("INSERT INTO doubt VALUES (?)", ((seq,) for seq in carried.doubt))
                renamed = ((well(name), idx) for idx, name in carried.renamed.items())
                db.executemany("UPDATE record SET id=? WHERE idx=?", renamed)
            db.execute(
                "INSERT INTO session (number, started_at, seen_at, plan, recipe, input) VALUES (?, ?, ?, ?, ?, ?)",
                (number, now, now, *told),
            )
            db.execute("COMMIT")
        except RunInUse:
            db.close()
            raise
        except sqlite3.Error as error:
            db.close()
            if _is_full(error):
                raise ConfigError(f"{self.path}: the disk is full; make room before the run.") from None
            raise schema.unreadable(self.path, error) from None
        return int(number)

    def _let_go(self, *, checkpoint: bool) -> None:
        if self._gone:
            self._copy()  # with what was answered since
        with suppress(sqlite3.Error):
            if checkpoint:  # so that what is left is one file
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        self._ballast.drop()
        self._lock.release()


def _is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL" or "is full" in str(error)
