"""The wall clock jumps by a day, there and back: nothing but labels depends on it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dagtui.io.journal import JournalReader
from tests.io.journal.helpers import asked
from tests.resumed_runs import Choices, Job, rows

DAY = 86_400.0


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the wall clock is off by, as its one member."""
    off, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + off[0])
    return off


@pytest.mark.parametrize("days", [1, -1])
async def test_a_jump_in_the_middle_of_a_run_changes_no_duration(
    tmp_path: Path, jump: list[float], days: int
) -> None:
    job = Job(tmp_path / "journal.db", rows("a", "b", "c", "d"))

    def answer(request: object, attempt: int) -> str:
        jump[0] += days * DAY
        return "ok"

    job.answer = answer
    result = await job.begin()
    snapshot = result.snapshot
    assert result.outcome == "complete"
    assert 0 <= snapshot.elapsed < 60
    assert snapshot.latency.mean is not None
    assert 0 <= snapshot.latency.mean < 60
    times = [at for (at,) in asked(job.path, "SELECT ended_at FROM outcome ORDER BY number")]
    assert times == sorted(times)
    assert times[-1] - times[0] < 60


@pytest.mark.parametrize("days", [1, -1])
async def test_a_run_is_gone_on_with_on_another_day_even_an_earlier_one(
    tmp_path: Path, jump: list[float], days: int
) -> None:
    job = Job(tmp_path / "journal.db", rows("a", "b", "c", "d"))
    job.settings = {"concurrency": 1}
    await job.begin(stop_after=2, dies=True)
    jump[0] = days * DAY
    contract = await job.contract()
    assert contract.reused == 2
    assert contract.ambiguous + len(contract.unsent) == 2
    await job.go_on(Choices(), stop_after=1, dies=True)
    jump[0] = 0.0
    result = await job.go_on()
    assert result.outcome == "complete"
    assert (await job.contract()).reused == 4
    with JournalReader(job.path) as reader:
        assert reader.states() == {"ok": 4}
