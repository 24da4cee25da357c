"""Every number of every panel is what the journal gives when it is replayed to the same moment."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from dagtui import plan as desk
from dagtui.core.plan import Plan
from dagtui.core.run_settings import RunSettings
from dagtui.core.snapshot import Snapshot
from dagtui.past.replay import Replay
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.sheet import Line, Sheet
from dagtui.tui.widgets.feed import Feed
from dagtui.tui.widgets.panel import Panel
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.tail import TailPanel
from dagtui.tui.words import troubles
from dagtui.watched import Watched
from tests.alike import differences
from tests.e2e.conftest import EMAILS, Simulator

_ROOM = (70, 14)


def drawn(screen: Dashboard, run: Watched, snapshot: Snapshot) -> dict[str, tuple[Line, ...]]:
    """What each panel would show of `run` at the moment of `snapshot`."""
    for panel in screen.query(RequestMap):
        panel.store = run.store
    screen.query_one(TailPanel).store = run.store
    found: dict[str, tuple[Line, ...]] = {}
    for sheet in screen.query(Sheet):
        if isinstance(sheet, Panel):
            sheet.snapshot = snapshot
        elif isinstance(sheet, RequestsTable):
            sheet.show(run.store, snapshot.time, snapshot.counts.total or 0, run.since)
        elif isinstance(sheet, Feed):
            sheet.show(run.log, snapshot.log_count, troubles(snapshot))
        else:
            continue
        found[str(sheet.id)] = tuple(sheet.draw(*_ROOM))
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_at_ten_random_moments_of_a_run_with_faults(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("dagtui.tui.screens.watching.POLL", 3600.0)
    monkeypatch.setattr("dagtui.process.prepare", lambda: None)
    monkeypatch.setattr("dagtui.tui.signals.listen", lambda leave: None)
    simulator.turn(
        latency_median_s=0.25,
        requests_per_minute=1_500,
        requests_burst=20,
        rate_500=0.1,
        rate_529=0.05,
        bad_output_rate=0.1,
    )
    settings = RunSettings(concurrency=30, attempts=3, max_cost=Decimal(1))
    plan = Plan(path=str(EMAILS), gateway=simulator.url, settings=settings)
    app = DagtuiApp(plan, start_at_once=True, desk=desk)  # type: ignore[arg-type]
    chance = random.Random(seed)
    seen: list[tuple[Snapshot, dict[str, tuple[Line, ...]]]] = []
    async with app.run_test(size=(160, 48)) as pilot:
        while not isinstance(app.screen, Dashboard):
            await pilot.pause()
        screen = app.screen
        session = screen.session
        screen.query_one(RequestsTable).toggle_follow()
        for number in range(10):
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            if number == 3:
                session.retune(12)
            if number == 6:
                session.automate()
            snapshot = session.snapshot()
            seen.append((snapshot, drawn(screen, session, snapshot)))
        path = session.journal_path
        assert path is not None
        result = await session.wait()
        seen.append((result.snapshot, drawn(screen, session, result.snapshot)))
        await app._close_session()
        replay = Replay(path)
        began = cast(float, result.snapshot.started_at)
        assert result.snapshot.throttled
        assert result.snapshot.retries
        for live, panels in seen:
            replay.seek(live.time - began if live.phase != "ended" else replay.length)
            replay.settle()
            shown = replace(replay.snapshot(), time=live.time)  # which floats have moved by a billionth
            assert not differences(shown, live)
            again = drawn(screen, replay, shown)
            assert again.keys() == panels.keys()
            assert len(panels) >= 10
            for name, lines in panels.items():
                assert again[name] == lines, name
        await replay.aclose()
