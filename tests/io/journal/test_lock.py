"""One process a run, also after a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dagtui.core.errors import RunInUse
from dagtui.io.journal import is_locked
from dagtui.io.journal.lock import RunLock, lock_path
from tests.io.journal.helpers import gone_on, made, read, session

HOLD = "import sys; from pathlib import Path; from dagtui.io.journal.lock import RunLock; held = RunLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"  # noqa: E501


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_in_one_sentence_and_let_in_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, read(1))
    with holder(path) as other:
        assert is_locked(path)
        with pytest.raises(RunInUse, match="another process is at this run; watch it with dagtui attach"):
            gone_on(path, 1)
        other.kill()
        other.wait()
        assert lock_path(path).exists()  # a stale file, and nobody holds it
        assert not is_locked(path)
        gone_on(path, 1).close()
    assert not lock_path(path).exists()


def test_looking_whether_a_run_goes_on_keeps_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    made(path).close()
    lock_path(path).touch()
    enough = threading.Event()

    def look() -> None:
        while not enough.is_set():
            is_locked(path)
            enough.wait(0.001)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(1, 30):
            gone_on(path, number).close()
    finally:
        enough.set()
        looking.join()


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    first = RunLock(path)
    opened = threading.Event()
    real = RunLock._taken

    def taken(self: RunLock) -> bool:
        if not opened.is_set():  # between opening the file and locking it, its holder lets go of it
            opened.set()
            first.release()
        return real(self)

    monkeypatch.setattr(RunLock, "_taken", taken)
    second = RunLock(path)
    assert lock_path(path).exists()
    with pytest.raises(RunInUse):
        RunLock(path)
    second.release()
