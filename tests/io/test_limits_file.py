from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from dagtui.core.pacing.departure import Kind
from dagtui.core.pacing.learnt import Bucket, Learnt
from dagtui.io.limits_file import FORGOTTEN_AFTER, read_limits, write_limits

LEARNT = {"anthropic/haiku": Learnt({Kind.REQUESTS: Bucket(50.0, 50.0), Kind.INPUT: Bucket(7000.0)}, output=33.0)}


def test_what_was_learnt_is_there_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "limits.json"
    write_limits(path, "portkey", LEARNT)
    write_limits(path, "local", {"openai/mini": Learnt(concurrency=8)})
    assert read_limits(path, "portkey") == LEARNT
    assert read_limits(path, "local") == {"openai/mini": Learnt(concurrency=8)}
    assert read_limits(path, "another") == {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["limits.json"]


def test_a_run_that_learnt_nothing_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    write_limits(path, "portkey", LEARNT)
    write_limits(path, "portkey", {})
    assert read_limits(path, "portkey") == LEARNT


def test_what_is_old_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    write_limits(path, "portkey", LEARNT)
    content = json.loads(path.read_text())
    content["portkey"]["at"] = time.time() - FORGOTTEN_AFTER - 1
    path.write_text(json.dumps(content))
    assert read_limits(path, "portkey") == {}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"portkey": 3}', '{"portkey": {"at": "x", "models": {}}}']
)
def test_a_file_that_is_none_of_ours_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "limits.json"
    path.write_text(text)
    assert read_limits(path, "portkey") == {}
    write_limits(path, "portkey", LEARNT)
    assert read_limits(path, "portkey") == LEARNT


def test_a_folder_that_cannot_be_written_fails_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    write_limits(tmp_path / "file" / "limits.json", "portkey", LEARNT)
    assert "cannot be kept" in caplog.text


def test_only_the_newest_names_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    path.write_text(json.dumps({f"old {i}": {"at": i, "models": {}} for i in range(500)}))
    write_limits(path, "portkey", LEARNT)
    kept = json.loads(path.read_text())
    assert len(kept) == 200
    assert "portkey" in kept
    assert "old 499" in kept
    assert "old 0" not in kept
