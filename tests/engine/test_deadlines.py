"""An attempt's time is over when the loop could have read its answer, not while nothing ran."""

from __future__ import annotations

import asyncio
import time

import pytest

from dagtui.engine import deadlines
from dagtui.engine.deadlines import Deadlines


async def attempt(under: Deadlines, answer: asyncio.Future[None]) -> str:
    deadline = under.begin()
    try:
        await answer
    except asyncio.CancelledError:
        assert deadline.is_cause()
        return "timed out"
    finally:
        under.end(deadline)
    return "answered"


async def test_after_a_gap_answers_are_read_before_anybody_is_called_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_LATE", 0.01)
    under, answer = Deadlines(0.02), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(attempt(under, answer))
    await asyncio.sleep(0)
    time.sleep(0.05)  # noqa: ASYNC251 - the gap: stopped, asleep, or blocked
    await asyncio.sleep(0.01)
    answer.set_result(None)
    assert await task == "answered"


async def test_an_attempt_is_spared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_LATE", 0.01)
    monkeypatch.setattr(deadlines, "_GRACE", 0.02)
    under, answer = Deadlines(0.02), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(attempt(under, answer))
    await asyncio.sleep(0)
    time.sleep(0.05)  # noqa: ASYNC251
    await asyncio.sleep(0.001)
    time.sleep(0.05)  # noqa: ASYNC251
    assert await task == "timed out"
