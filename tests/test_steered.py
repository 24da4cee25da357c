"""A run in which requests are asked again: its journal, its replay, its files, and how it is gone on with."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dagtui.core.contract import Choices
from dagtui.core.errors import ConfigError, TargetExists
from dagtui.core.events import RequestEnded
from dagtui.core.model import Failure
from dagtui.core.plan import Plan
from dagtui.core.run_settings import RunSettings
from dagtui.core.store import State
from dagtui.io.journal import JournalReader
from dagtui.io.journal.replay import Events
from dagtui.opening import look_back, open_resumed, open_session
from dagtui.past.replay import Replay
from dagtui.session import Session
from tests.alike import differences
from tests.journaled import in_virtual_time, journaled
from tests.test_replay import at, moments

EMAILS = str(Path(__file__).parent.parent / "sample_data" / "emails.csv")


async def until(true: object) -> None:
    async with asyncio.timeout(30):
        while not true():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def asks_again(session: Session) -> None:
    """Whatever has failed by then, and some that were answered."""
    await asyncio.sleep(1.2)
    failed = [seq for seq, state in enumerate(session.store.state) if state == State.FAILED]
    good = [seq for seq, state in enumerate(session.store.state) if seq % 2 and state == State.SUCCEEDED]
    assert session.retry(failed) == len(failed) > 0
    assert session.retry(good, later=True) == len(good) > 0
    await asyncio.sleep(0.3)
    flying = [seq for seq, state in enumerate(session.store.state) if state == State.IN_FLIGHT]
    assert session.abort(flying[:2]) == 2
    assert session.skip(flying[2:4]) == 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_its_replay_shows_at_any_moment_what_the_live_run_showed(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "journal.db"
    events, result = in_virtual_time(journaled(path, asks_again, seed=seed))
    replay = Replay(path)
    for moment in [*moments(events, 10, seed), events[-1].time]:
        replay.seek(moment - events[0].time)
        replay.settle()
        shown = replay.snapshot()
        assert not differences(shown, at(events, shown.time))
    with JournalReader(path) as reader:
        figures = reader.figures()
    money = result.snapshot.money
    assert (figures.spent, figures.wasted, figures.attempts) == (
        money.spent,
        money.wasted,
        result.snapshot.attempts,
    )
    assert dict(figures.categories) == dict(result.snapshot.categories)


def demo(folder: Path, **settings: object) -> Plan:
    return Plan(
        path=EMAILS,
        output=folder / "out.csv",
        settings=RunSettings(concurrency=5, attempts=1, **settings),  # type: ignore[arg-type]
        knobs={"latency_median_s": 0.05, "bad_output_rate": 0.3},
        journal=folder / "journal.db",
        seed=3,
    )


def rows(path: Path) -> list[str]:
    return [line.split(",")[0] for line in path.read_text().splitlines()[1:] if "," in line]


async def test_records_that_were_asked_again_are_in_its_files_once_as_they_ended(tmp_path: Path) -> None:
    plan = replace(demo(tmp_path), output=tmp_path / "out.jsonl")
    session = await open_session(plan, {})
    session.start()
    await until(lambda: session.snapshot().counts.failed >= 3)
    store = session.store
    failed = [seq for seq, state in enumerate(store.state) if state == State.FAILED]
    done = [seq for seq, state in enumerate(store.state) if state == State.SUCCEEDED][:3]
    assert session.retry(failed) == len(failed)
    assert session.retry(done) == 3  # read again from the input
    written = await session.write_out([*failed, *done], tmp_path / "chosen.csv")
    assert written == len(failed) + 3
    result = await session.run()
    ended = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(ended) == len({row["dagtui_id"] for row in ended}) == 100
    bad = {row["dagtui_id"] for row in ended if row["dagtui_status"] != "ok"}
    assert len(bad) == result.snapshot.counts.failed
    failures = (tmp_path / "out.failures.jsonl").read_text().splitlines()
    assert {json.loads(line)["dagtui_id"] for line in failures} == bad
    assert all(row["dagtui_attempts"] == 2 for row in ended if row["dagtui_id"] in {str(n + 1) for n in done})
    again = Plan(path=str(tmp_path / "chosen.csv"), settings=RunSettings(concurrency=50))
    assert (await (await open_session(again, {})).run()).snapshot.counts.succeeded == written
    with pytest.raises(TargetExists):
        await session.write_out(failed, tmp_path / "chosen.csv")
    with pytest.raises(ConfigError, match="written out as"):
        await session.write_out(failed, tmp_path / "chosen.parquet")


async def test_records_of_a_pipe_are_read_again_from_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:  # it fits into a pipe's own buffer
        pipe.write(await asyncio.to_thread(Path(EMAILS).read_bytes))
    given = os.fdopen(reading)
    monkeypatch.setattr("sys.stdin", given)
    session = await open_session(replace(demo(tmp_path), path="-", format="csv"), {})
    session.start()
    await until(lambda: session.store.state.count(State.SUCCEEDED) >= 3)
    done = [seq for seq, state in enumerate(session.store.state) if state == State.SUCCEEDED][:2]
    assert session.retry(done) == 2
    await session.run()
    with Events(tmp_path / "journal.db") as events:
        ended = [event.seq for event in events.read(most=10_000) if isinstance(event, RequestEnded)]
    assert [ended.count(seq) for seq in done] == [2, 2]
    given.close()


async def test_what_was_to_be_asked_again_at_a_crash_is_listed_as_perhaps_billed(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    plan = demo(tmp_path, pilot=20)
    session = await open_session(plan, {})
    session.start()
    await until(lambda: session.snapshot().pilot)
    state = session.store.state
    failed, done = state.index(State.FAILED), state.index(State.SUCCEEDED)
    categories = sum(number for _, number in session.snapshot().categories)
    session.pause()
    assert session.retry([failed, done]) == 2
    session.drain()
    await session.run()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:  # as if it had been killed before that
        db.execute("DELETE FROM outcome WHERE state = 'cancelled'")
        db.execute("UPDATE session SET ended_at = NULL")
        db.commit()
    with JournalReader(tmp_path / "journal.db") as reader:
        past = reader.past()
    assert past.reopened == {failed, done}
    assert past.store.state[failed] == past.store.state[done] == State.QUEUED
    assert sum(past.figures.categories.values()) == categories - 1
    going = await look_back(tmp_path / "journal.db", plan, {})
    assert {failed, done} <= set(going.contract.perhaps)
    resumed = await open_resumed(going, plan, Choices(ambiguous="skip"), {})
    result = await resumed.run()
    assert result.outcome == "partial"
    counts = result.snapshot.counts
    assert counts.queued == 0
    assert counts.succeeded + counts.failed + counts.skipped + counts.cancelled == 100
    with JournalReader(tmp_path / "journal.db") as reader:
        assert reader.answers([done])[done].state == "ok"  # left out: the answer that there was counts again
        assert reader.past().reopened == frozenset()


async def test_what_failed_before_can_be_asked_again_in_a_run_that_goes_on(tmp_path: Path) -> None:
    plan = demo(tmp_path, pilot=20)
    session = await open_session(plan, {})
    session.start()
    await until(lambda: session.snapshot().pilot)
    session.drain()
    await session.run()
    plan = replace(plan, knobs={"latency_median_s": 0.05})
    going = await look_back(tmp_path / "journal.db", plan, {})
    assert going.contract.failed
    resumed = await open_resumed(going, plan, Choices(failed="keep"), {})
    resumed.start()
    await until(lambda: resumed.snapshot().counts.succeeded > 30)
    assert not resumed.snapshot().pilot
    assert resumed.retry(going.contract.failed) == len(going.contract.failed)
    result = await resumed.run()
    assert result.snapshot.counts.succeeded == 100
    assert len(rows(tmp_path / "out.csv")) >= 100
    with Events(tmp_path / "journal.db") as events:
        last = {event.seq: event.outcome for event in events.read(most=10_000) if isinstance(event, RequestEnded)}
    assert not any(isinstance(outcome, Failure) for outcome in last.values())
