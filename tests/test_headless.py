from __future__ import annotations

import asyncio
import io
import json
from decimal import Decimal

import pytest

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, PhaseChanged, RecordEnded, RecordRead, RunStarted
from dagtui.core.model import Attempt, AttemptError, Failure, Record, Success, Usage
from dagtui.core.snapshot import Snapshot
from dagtui.core.stats import Stats
from dagtui.narrator import progress_line
from dagtui.outlet import Outlet, event_json
from tests.engine.harness import Label


def test_an_event_as_json_keeps_its_money_exact_and_names_its_outcome() -> None:
    record = Record(0, "a", {"text": "héllo"}, 1)
    success = Success(Label(label="x"), "{}", 1, 0.25, Usage(90, 40), Decimal("0.000234"), "x", "run/0")
    told = json.loads(event_json(RecordEnded(5.0, record, {"ask": success})))
    assert told["event"] == "RecordEnded"
    assert told["outcomes"]["ask"]["outcome"] == "success"
    assert told["outcomes"]["ask"]["cost"] == "0.000234"
    assert told["outcomes"]["ask"]["value"] == {"label": "x"}
    assert told["record"]["fields"] == {"text": "héllo"}


def test_a_failure_as_json_has_its_kind_as_a_word() -> None:
    failure = Failure(AttemptError(ErrorKind.RATE_LIMITED, "slow down", 429), 3)
    told = json.loads(event_json(RecordEnded(5.0, Record(0, "a", {}), {"ask": failure})))
    assert told["outcomes"]["ask"]["error"]["kind"] == "rate_limited"


def running(total: int | None) -> Stats:
    stats = Stats(("ask",), 10)
    stats.fold(RunStarted(0.0, "run", ("ask",), total, 10))
    stats.fold(PhaseChanged(0.0, "running"))
    stats.fold(RecordRead(0.0, 0, "a"))
    stats.fold(AttemptStarted(0.0, 0, 1))
    return stats


def test_the_progress_line_tells_how_far_how_fast_how_much_and_what_fails() -> None:
    stats = running(100)
    attempt = Attempt(1, 0.0, 0.5, 200, usage=Usage(1, 1), cost=Decimal("0.0145"))
    stats.fold(AttemptEnded(0.5, 0, attempt))
    line = progress_line(stats.snapshot(1.0))
    assert "0/100" in line
    assert "$0.014500" in line
    assert "in flight 1 of 10" in line
    assert "failed 0" in line


def busy() -> Snapshot:
    stats = running(12_345)
    error = AttemptError(ErrorKind.RATE_LIMITED, "slow down", 429)
    attempt = Attempt(1, 0.0, 0.5, 429, error=error, retry_in=2.0)
    stats.fold(AttemptEnded(0.5, 0, attempt))
    return stats.snapshot(1.0)


@pytest.mark.parametrize(("width", "kept", "dropped"), [
    (100, ["0/12,345", "ETA", "in flight 0 of 10", "failed 0"], ["429s"]),
    (60, ["0/12,345", "req/s", "ETA", "failed 0"], ["[···", "$"]),
    (30, ["0/12,345", "ETA", "failed 0"], ["req/s"]),
    (1, ["0/12,345", "failed 0"], ["ETA"]),
])  # fmt: skip
def test_a_narrow_progress_line_keeps_what_matters_most(width: int, kept: list[str], dropped: list[str]) -> None:
    line = progress_line(busy(), width)
    assert len(line) <= max(width, len("0/12,345 | failed 0"))
    assert all(part in line for part in kept), line
    assert not any(part in line for part in dropped), line
    whole = progress_line(busy())
    assert all(part in whole for part in (*kept, *dropped))


async def test_an_outlet_whose_reader_has_gone_says_so_once_and_swallows_the_rest() -> None:
    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    gone: list[str] = []
    outlet = Outlet(Broken())
    outlet.on_gone = lambda: gone.append("gone")
    outlet.write("a row")
    outlet.write("another")
    outlet.flush()
    await asyncio.sleep(0)
    assert gone == ["gone"]
    assert outlet.gone


def test_a_pipe_without_an_end_has_no_bar_and_no_invented_total() -> None:
    line = progress_line(running(None).snapshot(1.0))
    assert line.startswith("0 done")
    assert "ETA -:--" in line
