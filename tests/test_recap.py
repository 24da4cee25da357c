"""What is told of a run from its journal is what the live run knew of itself."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagtui.cli import cli
from dagtui.core.compare import NO_CATEGORIES, NOT_THE_SAME
from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.events import TargetChanged
from dagtui.io.journal import JournalReader
from dagtui.io.journal.chronicle import Chronicle
from dagtui.io.journal.lock import RunLock
from dagtui.past.comparing import compare_runs
from dagtui.past.recap import GOES_ON, recap
from dagtui.past.replay import Replay
from dagtui.past.runs import run_info
from tests.alike import differences
from tests.journaled import in_virtual_time, journaled
from tests.kept_runs import kept_run
from tests.test_replay import cancelled, steered


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.parametrize("seed", [1, 2])
def test_the_figures_are_those_that_the_run_closed_with(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "journal.db"
    events, result = in_virtual_time(journaled(path, steered, seed=seed))
    told = recap(path)
    live = replace(result.snapshot, time=0.0)
    assert not differences(replace(told.result.snapshot, time=0.0), live)
    assert (told.result.outcome, told.result.exit_code) == (result.outcome, result.exit_code)
    assert told.outcome == "partial"
    dial = told.result.snapshot.dial
    assert max(dial.throttled) > 0
    assert 0 < max(dial.in_flight) < 20.01
    assert [touch.target for touch in dial.touches] == [e.target for e in events if type(e) is TargetChanged]


@pytest.fixture
def gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "journal.db"
    first, _ = in_virtual_time(journaled(path, cancelled))
    monkeypatch.setattr("dagtui.session.time.time", lambda: first[-1].time + 3600)
    in_virtual_time(journaled(path, again=True, seed=5))
    return path


def test_a_run_that_was_gone_on_with_is_told_as_its_replay_ends(gone_on_with: Path) -> None:
    path = gone_on_with
    replay = Replay(path)
    replay.seek(replay.length)
    replay.settle()
    told = recap(path)
    assert told.result.snapshot == replace(replay.snapshot(), time=told.result.snapshot.time)
    assert told.result.outcome == replay.result().outcome
    with Chronicle(path) as chronicle:
        assert chronicle.elapsed() == pytest.approx(replay.length, abs=0.01)


def test_endings_are_the_outcomes_that_count(gone_on_with: Path) -> None:
    with Chronicle(gone_on_with) as chronicle:
        endings = list(chronicle.endings())
        assert [seq for seq, *_ in endings] == sorted({seq for seq, *_ in endings})
        assert Counter(state for _, state, _ in endings) == chronicle.states()
        rows = chronicle.answers([seq for seq, *_ in endings])
        assert [(seq, rows[seq].state) for seq, *_ in endings] == [(seq, state) for seq, state, _ in endings]
        assert chronicle.ids([0, 2]) == {0: "1", 2: "3"}


def test_a_run_that_goes_on_is_told_as_far_as_it_has_come(runs: Path) -> None:
    path = kept_run("20261126-010101-aaaa", ["work"] * 6)
    lock = RunLock(path)
    try:
        told = recap(path)
        assert (told.outcome, told.running, told.result.reason) == ("running", True, GOES_ON)
        printed = CliRunner().invoke(cli, ["report"])
        assert printed.exit_code == 0
        assert GOES_ON in printed.output
    finally:
        lock.release()


def test_nobody_waits_for_a_long_one_for_ever(runs: Path) -> None:
    path = kept_run("20261126-010101-aaaa", ["work"] * 6)
    with pytest.raises(BadInput, match="nobody waits"):
        recap(path, lambda: True)


def test_the_list_says_what_a_run_was_about_and_how_fast(runs: Path) -> None:
    info = run_info(kept_run("20261126-010101-aaaa", ["work"] * 40, concurrency=4, latency=0.5))
    assert (info.file, info.task, info.gateway, info.model) == ("emails.csv", "email", "demo", "fake-model")
    assert info.elapsed == pytest.approx(5.0, abs=0.2)
    assert info.rate == pytest.approx(8.0, abs=0.4)


def test_two_runs_are_compared_in_the_shell(runs: Path) -> None:
    kept_run("20261124-010101-aaaa", ["work", "spam", "work", "work"])
    kept_run("20261125-010101-bbbb", ["work", "work", "", "spam"], concurrency=2)
    printed = CliRunner().invoke(cli, ["compare", "20261124"])
    assert printed.exit_code == 0, printed.output
    assert "3 requests have an answer in both; 2 (66.7%) are in another category" in printed.output
    assert "concurrency  4  2" in printed.output
    told = json.loads(CliRunner().invoke(cli, ["compare", "20261124", "20261125", "--json"]).output)
    assert told["a"]["run"] == "20261124-010101-aaaa"
    assert told["answers"]["moves"] == [
        {"a": "spam", "b": "work", "count": 1},
        {"a": "work", "b": "spam", "count": 1},
    ]
    wrong = CliRunner().invoke(cli, ["compare", "nothing"])
    assert wrong.exit_code == 2
    assert 'There is no run "nothing"' in wrong.output


def test_answers_are_compared_only_of_the_same_input(runs: Path, tmp_path: Path) -> None:
    a = kept_run("20261124-010101-aaaa", ["work", "spam"])
    b = kept_run("20261125-010101-bbbb", ["work", "work"], content="edited since")
    told = compare_runs(a, b)
    assert (told.answers, told.why) == (None, NOT_THE_SAME)
    plain = tmp_path / "plain.db"
    in_virtual_time(journaled(plain, count=4))
    assert compare_runs(plain, plain).why == NO_CATEGORIES


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"nothing of ours" * 99)
    with pytest.raises(ConfigError, match="no journal of dagtui's"):
        recap(tmp_path / "journal.db")
    with pytest.raises(ConfigError):
        JournalReader(tmp_path / "nowhere.db")
