"""What was told is on disk, in its order; and what could not be written is kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from dagtui.core.errors import DagtuiError, RunInUse
from dagtui.core.events import Noted, RecordRead
from dagtui.io.journal import Journal, JournalReader, rescue, writer
from tests.io.journal.helpers import (
    ENDED,
    NOW,
    answered,
    asked,
    gone_on,
    made,
    past_of,
    put,
    read,
    sent,
    session,
    success,
)


class Failing:
    """A connection of which some statements fail; `fails` says at which call of `beginning`, counted from 1."""

    def __init__(self, db: sqlite3.Connection, beginning: str, fails: set[int], message: str) -> None:
        self._db = db
        self._beginning = beginning
        self._fails = fails
        self._message = message
        self.calls = 0

    def execute(self, statement: str, *arguments: Any) -> Any:
        if statement.startswith(self._beginning):
            self.calls += 1
            if self.calls in self._fails:
                raise sqlite3.OperationalError(self._message)
        return self._db.execute(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def named(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def failing(journal: Journal, *fails: int, at: str = "COMMIT", message: str = "disk I/O error") -> list[str]:
    """Let the n-th commits fail; the list is what the journal tells of it."""
    journal._db = Failing(journal._db, at, set(fails), message)  # type: ignore[assignment]
    told: list[str] = []
    journal.trouble = told.append
    return told


async def test_events_are_kept_in_their_order_whatever_the_batches(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = made(path)
    for event in (*read(50), *sent(*range(50))):
        journal.write(event)
        journal.flush()
    for seq in range(50):
        await put(journal, answered(seq, outcome=success(f"answer {seq}")))
    journal.write(ENDED)
    journal.close()
    assert named(tmp_path, "*") == [path]  # no log, no lock, no ballast
    assert asked(path, "SELECT idx, id FROM record ORDER BY idx") == [(i, f"r{i}") for i in range(50)]
    assert asked(path, "SELECT seq FROM outcome ORDER BY number") == [(i,) for i in range(50)]
    assert asked(path, "SELECT text FROM answer ORDER BY seq") == [(f"answer {i}",) for i in range(50)]
    assert asked(path, "SELECT ended_at FROM session") == [(NOW + 9,)]


async def test_what_was_told_is_on_disk_once_it_is_synced_and_a_claim_takes_it_along(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = made(path)
    journal.write(read(1)[0])
    await journal.claim(128)
    assert asked(path, "SELECT claimed FROM session") == [(128,)]
    assert asked(path, "SELECT count(*) FROM record") == [(1,)]
    for event in answered(0):
        journal.write(event)
    await journal.synced()
    assert asked(path, "SELECT count(*) FROM outcome") == [(1,)]
    await journal.synced()  # with nothing new it is true at once
    journal.close()


async def test_claims_that_come_together_are_one_commit_of_the_largest(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    await asyncio.gather(*(journal.claim(n) for n in (10, 40, 20)))
    journal.close()
    assert asked(journal.path, "SELECT claimed FROM session") == [(40,)]


async def test_a_commit_that_fails_is_told_and_tried_again_with_the_next(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    told = failing(journal, 1)
    with pytest.raises(DagtuiError, match=r"cannot be written: disk I/O error\. What was answered is kept"):
        await put(journal, [*read(2), *answered(0)])
    with pytest.raises(DagtuiError, match="disk I/O error"):
        journal.flush()
    await put(journal, answered(1))
    journal.close()
    assert len(told) == 1
    assert asked(journal.path, "SELECT seq FROM outcome ORDER BY number") == [(0,), (1,)]


async def test_a_claim_that_cannot_be_written_says_so_to_whoever_waits(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    failing(journal, 1)
    with pytest.raises(DagtuiError, match="disk I/O error"):
        await journal.claim(64)
    journal.close()
    assert asked(journal.path, "SELECT claimed FROM session") == [(64,)]  # claimed after all: that errs safely


@pytest.mark.parametrize("at", ["BEGIN", "INSERT INTO outcome", "COMMIT"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_whichever_step_fails_nothing_is_lost_or_doubled(tmp_path: Path, at: str, nth: int) -> None:
    journal = made(tmp_path / "journal.db")
    failing(journal, nth, at=at)
    for seq in range(6):
        for event in (*read(1, seq), *answered(seq)):
            journal.write(event)
        try:
            journal.flush()
            await journal.synced()
        except DagtuiError:
            continue
    journal.close()
    assert asked(journal.path, "SELECT seq FROM outcome ORDER BY number") == [(i,) for i in range(6)]


async def test_a_full_disk_frees_the_ballast_and_what_is_in_flight_still_fits(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    ballast = tmp_path / "journal.db.ballast"
    assert ballast.stat().st_size == rescue.BALLAST
    told = failing(journal, 1, message="database or disk is full")
    with pytest.raises(DagtuiError, match="the disk is full; make room, and go on with dagtui resume"):
        await put(journal, [*read(1), *answered(0)])
    assert not ballast.exists()
    assert told
    assert asked(journal.path, "SELECT count(*) FROM outcome") == [(1,)]  # it was written all the same
    journal.close()


async def test_what_never_could_be_written_is_put_into_a_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    journal = made(tmp_path / "run" / "journal.db")
    failing(journal, *range(1, 99))
    with pytest.raises(DagtuiError):
        await put(journal, [*read(1), *answered(0, outcome=success("what was paid for"))])
    with pytest.raises(DagtuiError, match=r"What came last is in .*run\.rescued\.json"):
        journal.close()
    [rescued] = named(tmp_path, "*.rescued.json")
    tables = {told["table"]: told["rows"] for told in map(json.loads, rescued.read_text().splitlines())}
    assert tables["answer"] == [[0, 0, "what was paid for"]]
    assert stat.S_IMODE(rescued.stat().st_mode) == 0o600


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_journal_that_is_deleted_or_replaced_is_copied_with_what_came_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    monkeypatch.setattr(writer, "_LOOK_S", 0.0)
    path = tmp_path / "journal.db"
    journal = made(path)
    told: list[str] = []
    journal.trouble = told.append
    await put(journal, [*read(3), *sent(0, 1, 2), *answered(0)])
    path.unlink()
    if replaced:
        path.write_text("something else")
    with pytest.raises(
        DagtuiError, match="was deleted or replaced while the run wrote it; all that it held is in"
    ):
        await put(journal, answered(1))
    journal.write(answered(2)[-1])
    with pytest.raises(DagtuiError, match="was deleted or replaced"):
        journal.close()
    assert len(told) == 1
    [copy] = named(tmp_path, "*rescued*")
    with JournalReader(copy) as reader:
        assert reader.states() == {"ok": 3}
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    if replaced:
        assert path.read_text() == "something else"


async def test_a_journal_whose_folder_is_deleted_is_copied_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LOOK_S", 0.0)
    (tmp_path / "run").mkdir()
    journal = made(tmp_path / "run" / "journal.db")
    await put(journal, read(1))
    for one in named(tmp_path / "run", "*"):
        one.unlink()
    (tmp_path / "run").rmdir()
    with pytest.raises(DagtuiError, match="all that it held is in"):
        await put(journal, answered(0))
    with pytest.raises(DagtuiError):
        journal.close()
    [copy] = named(tmp_path / "run", "*rescued*.db")
    assert asked(copy, "SELECT count(*) FROM outcome") == [(1,)]


def test_a_session_that_goes_on_begins_after_the_last_and_carries_over_what_is_in_doubt(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, read(3), claimed=3)
    session(path, [], number=2, doubt=[1, 2], renamed={0: "other"})
    assert asked(path, "SELECT seq FROM doubt") == [(1,), (2,)]
    assert asked(path, "SELECT id FROM record WHERE idx = 0") == [("other",)]
    session(path, [], number=3, doubt=[2])
    assert asked(path, "SELECT seq FROM doubt") == [(2,)]
    assert asked(path, "SELECT number, claimed FROM session") == [(1, 3), (2, 0), (3, 0)]


def test_a_contract_that_is_out_of_date_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, read(3))
    session(path, [], number=2)
    with pytest.raises(RunInUse, match="has gone on meanwhile"):
        gone_on(path, 1)
    assert asked(path, "SELECT count(*) FROM session") == [(2,)]
    gone_on(path, 2).close()  # and the lock is free


async def test_a_quiet_run_notes_that_it_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_ALIVE_S", 0.01)
    journal = made(tmp_path / "journal.db")
    await put(journal, read(1))
    while asked(journal.path, "SELECT seen_at FROM session")[0][0] == NOW:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    journal.close()
    [(seen,)] = asked(journal.path, "SELECT seen_at FROM session")
    assert NOW < seen < NOW + 60  # by the clock of the events, not by that of the wall


async def test_closing_writes_what_nobody_flushed_and_the_summary(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    journal.write(Noted(NOW, "last words"))
    journal.conclude({"succeeded": 5})
    journal.close()
    with JournalReader(journal.path) as reader:
        assert reader.facts["summary"] == {"succeeded": 5}
    assert asked(journal.path, "SELECT kind FROM event") == [("noted",)]


def test_a_session_killed_at_any_moment_can_be_opened_and_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(2), *sent(0, 1), *answered(0)], claimed=2, dies=True)
    past = past_of(path)
    assert (past.graceful, past.sent, past.claimed) == (False, {1}, 2)


async def test_who_waits_for_the_disk_waits_for_what_was_told_last(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", {"id": "r", "dimensions": ["ask"]}, {}, {})
    for number in range(200):
        journal.write(RecordRead(1.0, number, str(number)))
        if number % 7 == 0:
            journal.flush()  # the thread may be at work on what came before
    await journal.synced()
    with JournalReader(journal.path) as reader:
        assert reader.records() == 200
    journal.close()
