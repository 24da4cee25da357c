"""What a replay shows at any moment is what the live run showed then."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dagtui.core.causes import Causes, members, open_counts
from dagtui.core.errors import BadInput, ErrorKind
from dagtui.core.events import Event
from dagtui.core.snapshot import Snapshot
from dagtui.core.stats import Stats
from dagtui.core.store import RequestStore
from dagtui.io.journal import JournalReader
from dagtui.io.journal.replay import Events
from dagtui.past.fold import Fold
from dagtui.past.replay import SPEEDS, Replay
from dagtui.session import Session
from tests.alike import differences
from tests.journaled import in_virtual_time, journaled


async def steered(session: Session) -> None:
    await asyncio.sleep(0.8)
    session.retune(20)
    await asyncio.sleep(0.7)
    session.note("provider: outage off -> on")
    session.pause()
    await asyncio.sleep(0.5)
    session.resume()


async def cancelled(session: Session) -> None:
    await asyncio.sleep(1.1)
    session.cancel()


def at(events: list[Event], moment: float) -> Snapshot:
    """The live run's own figures."""
    times = [event.time for event in events]
    assert times == sorted(times)
    stats = Stats(("first", "second"), 0)
    for event in events[: bisect_right(times, moment)]:
        stats.fold(event)
    return stats.snapshot(moment)


def groups(causes: Causes, store: RequestStore, moment: float) -> dict[object, object]:
    """What went wrong by its cause: figures, trend, and who is in it now."""
    counts = open_counts(store)
    return {
        (group.kind, group.status, group.text): (
            group.retries, group.failures, group.first, group.last, group.example, causes.trend(group, moment),
            counts.get(group.number, (0, 0)) == (group.failed, group.waiting), list(members(store, group.number)),
        )
        for group in causes.groups
    }  # fmt: skip


def moments(events: list[Event], count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [chance.uniform(events[0].time, events[-1].time) for _ in range(count)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_any_moment_the_figures_are_those_of_the_live_run(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "journal.db"
    events, result = in_virtual_time(journaled(path, steered, seed=seed))
    assert result.snapshot.counts.failed
    assert result.snapshot.throttled
    replay = Replay(path)
    for moment in [*moments(events, 10, seed), events[-1].time]:  # forwards and backwards
        replay.seek(moment - events[0].time)
        replay.settle()
        shown = replay.snapshot()
        assert shown.time == pytest.approx(moment, abs=1e-6)
        assert not differences(shown, at(events, shown.time))
    assert "provider: outage off -> on" in [entry.text for entry in replay.log]
    assert replay.result().outcome == result.outcome
    assert replay.result().exit_code == result.exit_code
    assert replay.snapshot().limits == result.snapshot.limits


def test_at_any_moment_the_groups_of_what_went_wrong_are_those_of_the_live_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    events, _ = in_virtual_time(journaled(path, steered))
    replay = Replay(path)
    for moment in [*moments(events, 6, 4), events[-1].time]:
        replay.seek(moment - events[0].time)
        replay.settle()
        moment = replay.snapshot().time
        live = Stats(("first", "second"), 0)
        for event in events[: bisect_right([event.time for event in events], moment)]:
            live.fold(event)
        shown = groups(replay.causes, replay.store, moment)
        assert shown == groups(live.causes, live.store, moment)
    assert {kind for kind, _, _ in shown} == {ErrorKind.RATE_LIMITED, ErrorKind.SERVER, ErrorKind.BAD_REQUEST}  # type: ignore[misc]


def test_the_groups_go_on_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    first, _ = in_virtual_time(journaled(path, cancelled))
    monkeypatch.setattr("dagtui.session.time.time", lambda: first[-1].time + 3600)
    told = []

    async def look(session: Session) -> None:
        told.append(session)

    second, _ = in_virtual_time(journaled(path, look, again=True, seed=5))
    replay = Replay(path)
    replay.seek(replay.length)
    replay.settle()
    end = second[-1].time
    assert groups(told[0].causes, told[0].store, end) == groups(replay.causes, replay.store, end)
    before = at_groups(first)
    assert before
    for key, (retries, failures, since) in before.items():
        group = next(group for group in replay.causes.groups if (group.kind, group.text) == key)
        assert group.retries >= retries
        assert group.failures >= failures
        assert group.first == since


def at_groups(events: list[Event]) -> dict[object, tuple[int, int, float]]:
    stats = Stats(("first", "second"), 0)
    for event in events:
        stats.fold(event)
    return {
        (group.kind, group.text): (group.retries, group.failures, group.first) for group in stats.causes.groups
    }


def test_every_event_comes_back_as_it_was_and_in_order_however_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    in_virtual_time(journaled(path, steered))
    with Events(path) as whole, Events(path) as slow:
        at_once = whole.read(most=1_000_000)
        begin, end = at_once[0].time, at_once[-1].time
        by_steps = [
            event for n in range(1, 201) for event in slow.read((1, begin + (end - begin) * n / 200 + 1e-6))
        ]
        slow.rewind()
        by_pages: list[Event] = []
        while page := slow.read(most=7):
            by_pages += page
    assert by_pages == at_once
    assert by_steps == at_once
    assert [event.time for event in at_once] == sorted(event.time for event in at_once)


def test_a_journal_that_is_being_written_is_followed_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    seen: list[Event] = []

    async def follow(session: Session) -> None:
        with Events(path) as tail:
            while session.snapshot().phase != "ended":
                await asyncio.sleep(0.05)
                seen.extend(tail.read())
            seen.extend(tail.read())

    live, _ = in_virtual_time(journaled(path, follow))
    fold = Fold(("first", "second"))
    fold.take(seen)
    assert not differences(fold.stats.snapshot(live[-1].time), at(live, live[-1].time))
    with Events(path) as whole:
        assert len(seen) == len(whole.read(most=1_000_000))


def test_what_was_abandoned_had_started(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    events, result = in_virtual_time(journaled(path, cancelled))
    assert result.snapshot.counts.cancelled
    replay = Replay(path)
    replay.seek(replay.length)
    replay.settle()
    assert not differences(replay.snapshot(), at(events, events[-1].time))
    assert replay.result().outcome == "cancelled"


def test_a_run_that_was_gone_on_with_is_one_run_without_the_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    first, before = in_virtual_time(journaled(path, cancelled))
    monkeypatch.setattr("dagtui.session.time.time", lambda: first[-1].time + 3600)
    second, result = in_virtual_time(journaled(path, again=True, seed=5))
    assert result.snapshot.counts.succeeded > before.snapshot.counts.succeeded
    replay = Replay(path)
    lengths = [events[-1].time - events[0].time for events in (first, second)]
    assert replay.length == pytest.approx(sum(lengths))
    replay.seek(replay.length)
    replay.settle()
    assert not differences(replay.snapshot(), replace(result.snapshot, time=second[-1].time))
    replay.seek(lengths[0] - 0.1)
    replay.settle()
    shown = replay.snapshot()
    assert not differences(shown, at(first, shown.time))


def test_a_run_that_was_killed_is_shown_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    in_virtual_time(journaled(path, cancelled))
    import sqlite3

    db = sqlite3.connect(path)
    db.execute("UPDATE session SET ended_at = NULL")
    db.execute("DELETE FROM event WHERE body LIKE '%ended%' OR body LIKE '%cancelling%'")
    db.execute("DELETE FROM outcome WHERE state = 'cancelled'")
    db.commit()
    db.close()
    replay = Replay(path)
    replay.seek(replay.length)
    replay.settle()
    shown = replay.snapshot()
    assert shown.phase == "ended"
    assert "killed" in shown.reason
    assert shown.counts.in_flight
    assert (replay.result().outcome, replay.result().exit_code) == ("stopped", 1)


def test_it_plays_at_its_speed_pauses_and_begins_anew_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    in_virtual_time(journaled(path))
    replay = Replay(path)
    replay.toggle()
    replay.advance(0.5)
    assert replay.position == pytest.approx(0.5)
    replay.faster()
    replay.advance(0.5)
    assert replay.position == pytest.approx(1.5)
    replay.toggle()
    replay.advance(0.5)
    assert replay.position == pytest.approx(1.5)
    replay.faster(len(SPEEDS))
    replay.toggle()
    while replay.playing:
        replay.advance(0.01)
    assert replay.at_end
    replay.toggle()
    replay.settle()
    assert replay.position == 0
    assert replay.snapshot().counts.ended == 0
    replay.faster(-len(SPEEDS))
    assert replay.speed == SPEEDS[0]


def test_a_run_in_which_nothing_happened_is_refused(tmp_path: Path) -> None:
    from dagtui.io.journal import Journal

    journal = Journal(tmp_path / "journal.db", {"id": "x", "dimensions": ["a"]}, {}, {})
    journal.close()
    with pytest.raises(BadInput, match="nothing to show"):
        Replay(tmp_path / "journal.db")


def test_a_record_that_could_not_be_asked_counts_among_the_errors_of_a_run_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    _, result = in_virtual_time(journaled(path, broken=True))
    assert dict(result.snapshot.errors)[ErrorKind.BAD_INPUT]
    with JournalReader(path) as reader:
        figures = reader.figures()
    assert figures.errors == Counter(dict(result.snapshot.errors))
    assert (figures.attempts, figures.retries) == (result.snapshot.attempts, result.snapshot.retries)


async def test_it_plays_by_itself_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    _, live = await asyncio.to_thread(in_virtual_time, journaled(path))
    replay = Replay(path)
    replay.faster(len(SPEEDS))
    result = await replay.wait()
    assert (result.outcome, result.snapshot.counts) == (live.outcome, live.snapshot.counts)
    await replay.aclose()
