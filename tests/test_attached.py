"""A run watched and steered from elsewhere: its figures are the run's own, and leaving it leaves it alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dagtui.core.errors import ConfigError, ErrorKind
from dagtui.core.plan import Plan
from dagtui.core.run_settings import RunSettings
from dagtui.core.store import State
from dagtui.elsewhere.attached import Attached, stop_run
from dagtui.elsewhere.control import ControlServer
from dagtui.io.journal import Journal
from dagtui.io.journal.lock import RunLock
from dagtui.io.journal.replay import Events
from dagtui.io.plan_file import plan_to_plain
from dagtui.past.replay import Replay
from dagtui.session import Session
from dagtui.testing import FakeGateway, records
from tests.alike import differences
from tests.engine.harness import PRICES, Asking
from tests.journaled import in_virtual_time, journaled


@asynccontextmanager
async def running(path: Path, count: int = 40, latency: float = 0.02) -> AsyncIterator[Session]:
    plan = Plan(path="-", settings=RunSettings(concurrency=2))
    facts = {"id": "x", "title": "x.csv · ask · demo", "dimensions": ["ask"], "input": {"records": count}}
    session = Session(
        plugin=Asking(),
        records=records(f"text {number}" for number in range(count)),
        gateway=FakeGateway(latency=latency),
        settings=plan.settings,
        prices=PRICES,
        journal=Journal(path, facts, plan_to_plain(plan), {}),
    )
    server = ControlServer(session, path.parent)
    await server.start()
    session.own(server.aclose)
    session.start()
    try:
        yield session
    finally:
        await session.aclose()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for is what a screen would see
            await asyncio.sleep(0.01)


async def test_the_figures_at_the_end_are_the_runs_own_and_so_is_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as session:
        attached, other = Attached(path), Attached(path)
        mine, theirs, own = await asyncio.gather(attached.wait(), other.wait(), session.wait())
        for result in (mine, theirs):
            assert (result.outcome, result.exit_code) == (own.outcome, own.exit_code)
            assert not differences(replace(result.snapshot, time=0.0), replace(own.snapshot, time=0.0))
        assert attached.store.state == session.store.state
        await attached.aclose()
        await other.aclose()


async def test_who_comes_late_has_the_figures_of_all_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagtui.elsewhere.attached._PAGE", 10)
    monkeypatch.setattr("dagtui.elsewhere.attached._TURN_S", 0.0)
    path = tmp_path / "journal.db"
    async with running(path, count=400, latency=0.01) as session:
        await until(lambda: session.snapshot().counts.succeeded > 250)
        attached = Attached(path)
        attached.start()
        while attached.snapshot().counts.succeeded < 250:  # noqa: ASYNC110 - as a screen does, while it is read
            await asyncio.sleep(0)
        theirs, own = await attached.wait(), await session.wait()
        for name in ("throughput", "lanes", "dial"):
            mine = getattr(theirs.snapshot, name)
            assert not differences(mine, getattr(own.snapshot, name)), name
        await attached.aclose()


async def test_commands_act_and_are_seen_at_once_by_whoever_gave_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path, count=10_000) as session:
        attached = Attached(path)
        attached.start()
        await until(lambda: attached.steerable and attached.snapshot().counts.succeeded)
        await until(lambda: attached.snapshot().held_by == session.snapshot().held_by)
        for _ in range(3):  # as fast as keys can be pressed
            attached.retune(attached.snapshot().target + 1)
        assert attached.snapshot().target == 5
        await until(lambda: session.snapshot().target == 5)
        attached.pause()
        await until(lambda: session.snapshot().phase == "paused")
        await until(lambda: attached.snapshot().phase == "paused")
        attached.resume()
        attached.automate()
        await until(lambda: attached.snapshot().automatic)
        assert session.snapshot().phase == "running"
        await attached.aclose()
        assert session.snapshot().phase == "running", "leaving it leaves it alone"
        await stop_run(path, now=False)
        assert (await session.wait()).outcome == "drained"


async def test_a_run_without_a_socket_is_watched_and_says_that_it_takes_no_commands(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path, count=10_000) as session:
        (tmp_path / "control.sock").unlink()
        attached = Attached(path)
        told: list[str] = []
        attached.trouble = told.append
        attached.start()
        await until(lambda: attached.snapshot().counts.succeeded)
        assert not attached.steerable
        attached.cancel()
        await until(lambda: told)
        assert "takes no commands" in told[0]
        await attached.aclose()
        session.cancel()


async def test_a_run_that_is_killed_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await asyncio.to_thread(in_virtual_time, journaled(path))
    db = sqlite3.connect(path)
    db.execute("UPDATE session SET ended_at = NULL")
    db.execute("DELETE FROM event WHERE body LIKE '%ended%'")
    db.commit()
    db.close()
    lock = RunLock(path)
    attached = Attached(path)
    attached.start()
    await until(lambda: attached.snapshot().counts.ended == 120)
    assert attached.snapshot().phase == "running"
    lock.release()
    result = await attached.wait()
    assert (result.outcome, result.exit_code) == ("stopped", 1)
    assert "killed" in result.reason
    assert "dagtui resume" in result.reason
    assert attached.snapshot().phase == "ended"
    await attached.aclose()


async def test_a_journal_that_cannot_be_read_on_ends_the_watching_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    async with running(path, count=10_000) as session:
        attached = Attached(path)
        attached.start()
        await until(lambda: attached.snapshot().counts.succeeded)

        def damaged(self: Events, *_: object, **__: object) -> None:
            raise ConfigError("journal.db is damaged")

        monkeypatch.setattr(Events, "read", damaged)
        result = await attached.wait()
        assert (result.outcome, result.exit_code, result.reason) == ("stopped", 1, "journal.db is damaged")
        await attached.aclose()
        with pytest.raises(ConfigError, match="dagtui attach"):
            Replay(path)
        session.cancel()


async def test_there_is_no_attaching_to_a_run_that_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await asyncio.to_thread(in_virtual_time, journaled(path))
    with pytest.raises(ConfigError, match=r"has ended.*dagtui show"):
        Attached(path)
    with pytest.raises(ConfigError, match="has ended already"):
        await stop_run(path, now=True)


async def test_single_requests_are_steered_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path, count=10_000, latency=0.5) as session:
        attached = Attached(path)
        attached.start()
        await until(lambda: attached.steerable and attached.store.state.count(State.IN_FLIGHT) == 2)
        flying = [seq for seq, state in enumerate(attached.store.state) if state == State.IN_FLIGHT]
        assert attached.skip([*flying, 9_999_999]) == 2
        await until(lambda: attached.store.state[flying[0]] in (State.CANCELLED, State.SKIPPED))
        assert attached.retry(flying, max_tokens=99) == 2
        await until(lambda: session.store.attempts[flying[0]] == 2)
        with pytest.raises(ConfigError, match="a token at least"):
            attached.retry(flying, max_tokens=0)
        attached.set_stop_rule("failed>20%")
        await until(lambda: any("stop rule failed>20%" in entry.text for entry in attached.log))
        with pytest.raises(ConfigError, match="cannot be read"):
            attached.set_stop_rule("whatever")
        await until(lambda: attached.store.state.count(State.IN_FLIGHT) == 2)
        flying = [seq for seq, state in enumerate(attached.store.state) if state == State.IN_FLIGHT]
        assert attached.abort(flying) == 2
        await until(lambda: ErrorKind.ABANDONED in dict(attached.snapshot().errors))
        await attached.aclose()
